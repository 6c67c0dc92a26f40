/**
 * The connections that one loop serves: how each of them is served, and how they end together.
 *
 * A handler's failure is one client's affair. It is counted, reported with the client's address, and the
 * server goes on; what the peer or the network broke, and what a time limit has ended, is only counted.
 * Every engine serves through here, so that this holds in all of them.
 */
import { BrokenError } from "../io/errors.ts";
import { currentFrame, within } from "../kernel/scope.ts";
import { NOTHING, TimeoutError } from "../kernel/errors.ts";
import type { Task } from "../kernel/task.ts";
import type { Socket } from "../net/socket.ts";
import { currentTask } from "../tasks/run.ts";
import { Client } from "./client.ts";
import { runStreamHandler, type StreamClass, type StreamFunction } from "./handler.ts";
import type { HandlerOutcome, ServerCounts } from "./statistics.ts";

/** How long connections may take. */
export interface Limits {
  /** For a wait on the socket, in milliseconds; `undefined` for ever. */
  readonly idle: number | undefined;
  /** For all of it, in milliseconds; `Infinity` for ever. */
  readonly handler: number;
}

/** Hears of a handler's failure and of whose that was; or, without a peer, of a failure to let somebody in. */
export type Report = (error: unknown, peer: Deno.Addr | undefined) => void;

/** One that is being served. */
interface Member {
  readonly task: Task;
  readonly client: Client;
  /** How often in a row it was found idle. */
  quiet: number;
}

/**
 * How often in a row a connection must be found idle before it is closed at the end: what its client has
 * sent already must have had time to come in.
 */
const QUIET_TIMES = 3;

/** The connections of one loop. */
export class Connections {
  /** Whether the server is being shut down. */
  isClosing = false;
  readonly #handler: StreamFunction | StreamClass;
  readonly #limits: Limits;
  readonly #counts: ServerCounts;
  readonly #report: Report;
  readonly #members = new Set<Member>();

  /** An empty one. */
  constructor(
    handler: StreamFunction | StreamClass,
    limits: Limits,
    counts: ServerCounts,
    report: Report,
  ) {
    this.#handler = handler;
    this.#limits = limits;
    this.#counts = counts;
    this.#report = report;
  }

  /** Takes note of what failed outside of a handler: without a peer, the host has begun to give no newcomers. */
  failed(error: unknown, peer: Deno.Addr | undefined): void {
    if (peer === undefined) this.#counts.acceptFailed();
    this.#report(error, peer);
  }

  /** Serves one connection to its end, in the current task; throws only that task's own cancel. */
  *serve(socket: Socket): Generator<unknown, void, unknown> {
    const client = new Client(socket, this);
    const member = { task: currentTask(), client, quiet: 0 };
    let ending: HandlerOutcome = "cancelled";
    this.#counts.begin();
    this.#members.add(member);
    try {
      ending = (yield* this.#run(socket, client)) as HandlerOutcome;
    } finally {
      this.#members.delete(member);
      this.#counts.end(ending);
    }
  }

  /** Closes those who are waiting for a request that has not begun to come. To be called again and again. */
  dismissIdle(): void {
    for (const member of this.#members) {
      member.quiet = member.client.isIdle ? member.quiet + 1 : 0;
      if (member.quiet >= QUIET_TIMES) member.task.cancel("the server is shutting down");
    }
  }

  /** Cuts off everybody. */
  cancel(): void {
    for (const { task } of this.#members) task.cancel("the server is shutting down");
  }

  *#run(socket: Socket, client: Client): Generator<unknown, HandlerOutcome, unknown> {
    const { idle, handler: most } = this.#limits;
    try {
      socket.timeout = idle;
      const work = this.#handled(socket, client);
      if (most === Infinity) return yield* work;
      return yield* within(most, () => work, (): HandlerOutcome => "timedOut");
    } catch (error) {
      return this.#endedBy(error, client);
    }
  }

  *#handled(socket: Socket, client: Client): Generator<unknown, HandlerOutcome, unknown> {
    yield* runStreamHandler(this.#handler, socket, client);
    return "completed";
  }

  /** How a handler that threw an error has ended. Our own cancel is no failure of it, and is thrown on. */
  #endedBy(error: unknown, client: Client): HandlerOutcome {
    const { cancel, rest } = currentFrame().scope.partAll(error);
    if (cancel !== null && rest === NOTHING) throw cancel;
    if (cancel === null && error instanceof BrokenError) return "broken";
    if (cancel === null && error instanceof TimeoutError && error.ms === this.#limits.idle) {
      return "timedOut";
    }
    this.#report(rest, client.peer);
    if (cancel !== null) throw cancel;
    return "failed";
  }
}
