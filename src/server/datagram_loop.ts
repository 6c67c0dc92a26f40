/**
 * A loop that serves the datagrams of one socket, and its end.
 *
 * One task receives, by waiting or by polling; each datagram has a task of its own, and there is room for
 * so many at a time: for one if they are to be served one after the other. What comes while there is no
 * room stays with the host, which drops what does not fit. At the end, what has arrived already is served.
 */
import { BrokenError } from "../io/errors.ts";
import { currentFrame, within } from "../kernel/scope.ts";
import { NOTHING, WouldBlock } from "../kernel/errors.ts";
import type { Task } from "../kernel/task.ts";
import { AcceptBackoff } from "../net/listener.ts";
import type { DatagramSocket, UdpAddress, UnixAddress } from "../net/datagram_socket.ts";
import { POLLIN } from "../poll/masks.ts";
import { poll } from "../poll/registry.ts";
import { Event } from "../sync/event.ts";
import { Semaphore } from "../sync/semaphore.ts";
import { type Group, group } from "../tasks/group.ts";
import { sleep } from "../tasks/time.ts";
import type { Report } from "./connections.ts";
import type { HandlerOutcome, ServerCounts } from "./statistics.ts";

/** A datagram and its sender. */
type Datagram = readonly [data: Uint8Array, from: UdpAddress | UnixAddress];

/** Serves one datagram; gives what is to be sent back. */
export type Serve = (
  data: Uint8Array,
  peer: UdpAddress | UnixAddress,
) => Generator<unknown, readonly Uint8Array[], unknown>;

/** How a loop is to be. */
export interface DatagramLoopOptions {
  /** How many datagrams may be served at a time. */
  readonly most: number;
  /** Whether it learns by polling that something has come. */
  readonly isPolling: boolean;
  /** How long one may take, in milliseconds. */
  readonly handlerTimeout: number;
}

/**
 * How often in a row, a millisecond apart, nothing may have arrived before the end. What lies with the host is
 * known only when the loop has asked it once more, and a busy machine may let several milliseconds pass before: with
 * two turns all of twenty datagrams were lost now and then.
 */
const QUIET_TURNS = 10;
/** The end comes after this many datagrams all the same: some senders never stop. */
const MOST_DRAINED = 1024;

/** One socket being served. */
export class DatagramLoop {
  readonly #socket: DatagramSocket;
  readonly #serve: Serve;
  readonly #options: DatagramLoopOptions;
  readonly #counts: ServerCounts;
  readonly #report: Report;
  readonly #room: Semaphore;
  readonly #stop = new Event("stop");
  readonly #tasks = new Set<Task>();
  readonly #backoff = new AcceptBackoff();

  /** A loop that has not begun. */
  constructor(
    socket: DatagramSocket,
    serve: Serve,
    options: DatagramLoopOptions,
    counts: ServerCounts,
    report: Report,
  ) {
    this.#socket = socket;
    this.#serve = serve;
    this.#options = options;
    this.#counts = counts;
    this.#report = report;
    this.#room = new Semaphore(options.most);
  }

  /** Serves until it was stopped and nothing is being served. */
  *body(): Generator<unknown, void, unknown> {
    // deno-lint-ignore no-this-alias -- for the generators
    const loop = this;
    yield* group(function* (g) {
      const receiver = g.spawn(function* () {
        yield* loop.#options.isPolling ? loop.#receivePolling(g) : loop.#receive(g);
      });
      yield* loop.#stop.wait();
      yield* receiver.cancel();
      yield* loop.#drain(g);
    });
  }

  /** Tells it to receive no more than what has arrived. */
  stop(): void {
    this.#stop.set();
  }

  /** Cuts off what is being served. */
  cancel(): void {
    for (const task of this.#tasks) task.cancel("the server is shutting down");
  }

  *#receive(g: Group): Generator<unknown, never, unknown> {
    for (;;) {
      if (this.#room.locked) yield* this.#vacancy();
      try {
        this.#admit(g, yield* this.#socket.recvFrom());
        this.#backoff.succeeded();
      } catch (error) {
        yield* this.#failed(error);
      }
    }
  }

  *#receivePolling(g: Group): Generator<unknown, never, unknown> {
    using registry = poll();
    registry.register(this.#socket, POLLIN);
    for (;;) {
      if (this.#room.locked) yield* this.#vacancy();
      yield* registry.poll();
      try {
        this.#admit(g, this.#socket.tryRecvFrom());
        this.#backoff.succeeded();
      } catch (error) {
        if (!(error instanceof WouldBlock)) yield* this.#failed(error);
      }
    }
  }

  /** What has arrived already: looked at without waiting, until there is nothing more. */
  *#drain(g: Group): Generator<unknown, void, unknown> {
    let taken = 0;
    for (let quiet = 0; quiet < QUIET_TURNS && taken < MOST_DRAINED;) {
      try {
        const datagram = this.#socket.tryRecvFrom();
        quiet = 0;
        taken++;
        if (this.#room.locked) yield* this.#vacancy();
        this.#admit(g, datagram);
      } catch (error) {
        if (!(error instanceof WouldBlock || error instanceof BrokenError)) throw error;
        quiet++;
        yield* sleep(1);
      }
    }
  }

  /** Waits until there is room for one more. It is not taken: only this task would. */
  *#vacancy(): Generator<unknown, void, unknown> {
    using _ = yield* this.#room.acquire();
  }

  /** An error of the host passes, as it does when a server accepts; the socket's own end does not. */
  *#failed(error: unknown): Generator<unknown, void, unknown> {
    if (!(error instanceof BrokenError)) throw error;
    const pause = this.#backoff.failed(error.cause);
    if (pause === 1) {
      this.#counts.acceptFailed();
      this.#report(error, undefined);
    }
    yield* sleep(pause);
  }

  #admit(g: Group, [data, from]: Datagram): void {
    // deno-lint-ignore no-this-alias -- for the generator
    const loop = this;
    const place = this.#room.tryAcquire();
    this.#counts.begin();
    let ending: HandlerOutcome = "cancelled";
    const task = g.spawn(function* () {
      ending = yield* loop.#served(data, from);
    });
    this.#tasks.add(task);
    task.watch(() => {
      this.#tasks.delete(task);
      this.#counts.end(ending);
      place[Symbol.dispose]();
    });
  }

  /** Serves one datagram to its end; throws only its task's own cancel. */
  *#served(
    data: Uint8Array,
    from: UdpAddress | UnixAddress,
  ): Generator<unknown, HandlerOutcome, unknown> {
    const { handlerTimeout: most } = this.#options;
    try {
      const work = this.#answer(data, from);
      return most === Infinity
        ? yield* work
        : yield* within(most, () => work, (): HandlerOutcome => "timedOut");
    } catch (error) {
      const { cancel, rest } = currentFrame().scope.partAll(error);
      if (cancel !== null && rest === NOTHING) throw cancel;
      this.#report(rest, from as Deno.Addr);
      if (cancel !== null) throw cancel;
      return "failed";
    }
  }

  *#answer(
    data: Uint8Array,
    from: UdpAddress | UnixAddress,
  ): Generator<unknown, HandlerOutcome, unknown> {
    const replies = yield* this.#serve(data, from);
    // A sender without an address of its own cannot be answered.
    if ("path" in from && from.path === null) return "completed";
    for (const reply of replies) yield* this.#socket.sendTo(reply, from);
    return "completed";
  }
}
