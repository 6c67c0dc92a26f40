/**
 * The monitor: a run that one can ask, by `nc`, what its tasks are doing.
 *
 * It is a run of its own beside the one it looks at. As a task of that run it would have a wait that the
 * host may end at any time (somebody may connect), and with such a wait no run is ever deadlocked: the
 * monitor would hide the very thing one wants to see. It would also stand in its own lists, be cancelled
 * with the rest, and live by a clock that a test may have put in place of the machine's. The run it looks
 * at holds it as it holds a socket, and closes it at its end.
 *
 * It can cancel tasks, so it listens where only this machine gets at it, and only when asked to.
 *
 * A client gets lines in and answers out, and can do nothing to the run but what a command says. It is
 * taken for a stranger until it has typed a command: it may send garbage, never read, never
 * write, or be a browser that some web page makes post a form. So lines are short, what waits
 * to be sent is what one answer holds, both directions have a limit in time, and a client that speaks HTTP is
 * refused before the body of the form comes.
 *
 * Whether an address is one of this machine's loopback interface is decided on the address itself.
 * What is not an address is a name, and a name is looked up: `127.0.0.999` may lead anywhere. What some
 * take for octal (`127.0.0.010`) or fill up (`127.1`) is refused, since the host may read it otherwise
 * than we do. `localhost` is no exception: it stands for 127.0.0.1 here, and is never looked up.
 */
import { BrokenError } from "../io/errors.ts";
import { closing } from "../io/handle.ts";
import { guarded } from "../kernel/callback.ts";
import { checkOptions, checkPart } from "../kernel/checks.ts";
import { withScope } from "../kernel/context.ts";
import { Cancelled, ClosedError, TimeoutError } from "../kernel/errors.ts";
import type { Operation } from "../kernel/operation.ts";
import { errorText, show } from "../kernel/printable.ts";
import type { Resource } from "../kernel/resource.ts";
import { RunLife } from "../kernel/run_life.ts";
import { Scheduler } from "../kernel/scheduler.ts";
import { listen, type Listener } from "../net/listener.ts";
import type { Socket } from "../net/socket.ts";
import { sleep } from "../tasks/time.ts";
import { spawn } from "../tasks/run.ts";
import { answer } from "./monitor_commands.ts";
import { currentScheduler } from "./task_tree.ts";

const LOOPBACK = "127.0.0.1";
/** How many clients there may be at a time. */
const MOST_CLIENTS = 8;
/** After an error of the host (too many open files) it accepts again after so many milliseconds. */
const BACK_OFF_MS = 100;

/** A monitor on a port of the loopback interface. */
export interface TcpMonitorOptions {
  /** The port; with 0 the host chooses one. @default {0} */
  port?: number;
  /** A loopback address: one of 127.0.0.0/8, `"localhost"` for 127.0.0.1, or `"::1"`. @default {"127.0.0.1"} */
  hostname?: string;
}

/** A monitor on a unix socket. */
export interface UnixMonitorOptions {
  /** The file to make; it is removed when the monitor is closed. Who may write to it may connect. */
  path: string;
}

/** What a monitor is doing. */
export interface MonitorStatistics {
  /** How many clients are connected. */
  readonly clients: number;
  /** How many have ever been let in. */
  readonly served: number;
  /** How many were turned away because there were too many. */
  readonly refused: number;
}

/**
 * A monitor that listens. Made by {@linkcode monitor}; `using` closes it, and so does the end of the run
 * it looks at.
 *
 * @typeParam A The kind of its address.
 */
export class Monitor<A extends Deno.Addr = Deno.Addr>
  implements Resource, Disposable, AsyncDisposable {
  readonly #scheduler: Scheduler;
  readonly #listener: Listener<A>;
  readonly #clients = new Set<Socket<A>>();
  readonly #gone: Promise<void>;
  #served = 0;
  #refused = 0;

  /** Listens, and serves from now on. Made by {@linkcode monitor}. */
  constructor(scheduler: Scheduler, listener: Listener<A>) {
    this.#scheduler = checkPart(scheduler, Scheduler, "Monitor", "monitor()");
    this.#listener = listener;
    scheduler.resources.add(this);
    this.#gone = this.#toEnd();
    this.#gone.catch(() => {}); // thrown to the run that is looked at, which waits for the release
  }

  /** Where it listens; with port 0 asked for, the port that the host chose. */
  get localAddr(): A {
    return this.#listener.localAddr;
  }

  /** A frozen record of its clients. */
  statistics(): MonitorStatistics {
    return Object.freeze({
      clients: this.#clients.size,
      served: this.#served,
      refused: this.#refused,
    });
  }

  /**
   * Stops listening, and ends every session, at once. Closing again has no effect.
   *
   * @returns Waits until nothing of it is left; nobody needs to wait for it.
   */
  close(): Operation<void> {
    const named = {
      close: () => this.release(),
      gone: this.#gone,
      toString: () => String(this),
    };
    return closing(named);
  }

  /** Closes it, and resolves when nothing of it is left. */
  release(): Promise<void> {
    this.#listener.close();
    for (const socket of this.#clients) socket.close();
    return this.#gone;
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** Closes it, and resolves when nothing of it is left. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** Its name in reports. */
  toString(): string {
    return `monitor on ${this.#listener}`;
  }

  async #toEnd(): Promise<void> {
    const life = new RunLife<void>();
    life.begin(this.#serve());
    try {
      await life.toEnd();
    } finally {
      await this.#listener[Symbol.asyncDispose]();
      this.#scheduler.resources.delete(this);
    }
  }

  *#serve(): Generator<unknown, void, never> {
    for (;;) {
      try {
        this.#letIn(yield* this.#listener.accept());
      } catch (error) {
        if (error instanceof ClosedError) return;
        yield* sleep(BACK_OFF_MS);
      }
    }
  }

  #letIn(socket: Socket<A>): void {
    if (this.#clients.size >= MOST_CLIENTS) {
      this.#refused++;
      using _refused = socket;
      socket.trySend(new TextEncoder().encode(`Cannot serve: ${MOST_CLIENTS} others are here\n`));
      return;
    }
    this.#served++;
    this.#clients.add(socket);
    spawn(serveClient, socket, this.#scheduler).watch(() => this.#clients.delete(socket));
  }
}

/**
 * Opens a monitor on the current run. It speaks lines of text: `ps`, `where ID`, `cancel ID`, `tree`,
 * `locks`, `help`, `quit`. Each answer ends with an empty line.
 *
 * - It listens on a loopback address or a unix socket, and nowhere else. Anybody who can reach that can cancel
 *   tasks: on a machine with other people's accounts, take a unix socket in a folder of your own.
 * - It does not keep the run alive, and hides no deadlock: it is not part of the run.
 * - Eight clients at a time; a line has at most 256 bytes, an answer at most a thousand lines
 *   of at most 400 characters. A client that
 *   says nothing for ten minutes, or does not read its answer for five seconds, is let go.
 * - It answers when the loop turns. A task that blocks the loop blocks the monitor, too: for that there is
 *   {@linkcode watchdog}.
 *
 * @example What `nc 127.0.0.1 PORT` would see
 * ```ts
 * import { connect, monitor, run, sleep, spawn } from "@weft/weft";
 * const seen = await run(async function* () {
 *   using m = monitor();
 *   spawn(function* sleeper() {
 *     yield* sleep(100);
 *   });
 *   using nc = yield* connect({ port: m.localAddr.port });
 *   yield* nc.sendAll(new TextEncoder().encode("ps\nquit\n"));
 *   let text = "";
 *   for (let bytes; (bytes = yield* nc.recv()).length > 0;) text += new TextDecoder().decode(bytes);
 *   return text;
 * });
 * if (!/2 +waiting +1 +sleeper#2 +sleep\(100\)/.test(seen)) throw new Error(seen);
 * ```
 *
 * @param options Where to listen. @default a free port
 * @returns The monitor.
 * @throws {TypeError} If the hostname is not one of the loopback interface.
 * @throws {RangeError} If the port is not a whole number from 0 to 65535.
 * @throws {Deno.errors.AddrInUse} If somebody else listens there.
 * @throws {Error} If no task is running.
 */
export function monitor(options?: TcpMonitorOptions): Monitor<Deno.NetAddr>;
/**
 * Opens a monitor on a unix socket. Deno asks for read, write and net permission.
 *
 * @param options The path.
 * @returns The monitor.
 */
export function monitor(options: UnixMonitorOptions): Monitor<Deno.UnixAddr>;
export function monitor(
  options: TcpMonitorOptions | UnixMonitorOptions = {},
): Monitor<Deno.NetAddr> | Monitor<Deno.UnixAddr> {
  checkOptions(options, "monitor()");
  const scheduler = currentScheduler("open a monitor");
  // In nobody's scope: the listener and all that comes of it belong to the monitor, not to the caller's run.
  return withScope(
    null,
    () =>
      "path" in options
        ? new Monitor(scheduler, listen({ transport: "unix", path: options.path }))
        : new Monitor(scheduler, listenOnLoopback(options)),
  );
}

function listenOnLoopback(options: TcpMonitorOptions): Listener<Deno.NetAddr> {
  const { port = 0, hostname = LOOPBACK } = options;
  const address = loopbackOf(hostname);
  if (address === undefined) throw outsideError(hostname);
  const listener = listen({ port, hostname: address });
  if (isLoopback(listener.localAddr.hostname)) return listener;
  listener.close();
  throw outsideError(listener.localAddr.hostname);
}

function outsideError(hostname: unknown): TypeError {
  return new TypeError(
    `Cannot open a monitor on ${show(hostname)}: it may cancel tasks, and listens on 127.0.0.1, ` +
      "::1 or a unix socket only",
  );
}

/** The longest line, in bytes. */
const LINE_BYTES = 256;
/** How long a client may say nothing, in milliseconds. */
const IDLE_MS = 600_000;
/** How long it may leave an answer unread, in milliseconds. */
const UNREAD_MS = 5_000;

const NEWLINE = 10;

/** Serves a client to the end of its session, and closes its socket. */
function* serveClient(
  socket: Socket,
  scheduler: Scheduler,
): Generator<unknown, void, unknown> {
  try {
    yield* say(socket, 'weft monitor; "help" lists the commands\n\n');
    for (let rest: Uint8Array = new Uint8Array(0);;) {
      const end = rest.indexOf(NEWLINE);
      if ((end === -1 ? rest.length : end) > LINE_BYTES) {
        return yield* say(socket, `Cannot read on: a line has at most ${LINE_BYTES} bytes\n`);
      }
      if (end === -1) {
        socket.timeout = IDLE_MS;
        const bytes = yield* socket.recv(LINE_BYTES);
        if (bytes.length === 0) return;
        rest = joined(rest, bytes);
        continue;
      }
      const line = new TextDecoder().decode(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      if (/ HTTP\/\d/.test(line)) return yield* say(socket, "Cannot speak HTTP\n");
      const { kind, text } = answer(scheduler, line);
      yield* say(socket, `${text}\n`);
      if (kind === "quit") return;
    }
  } catch (error) {
    // Never thrown: the session is no part of the run that it looks at, and must not fail it.
    if (error instanceof Cancelled) throw error;
    if (!isClientsAffair(error)) report(scheduler, error);
  } finally {
    socket.close();
  }
}

function* say(socket: Socket, text: string): Generator<unknown, void, unknown> {
  socket.timeout = UNREAD_MS;
  yield* socket.sendAll(new TextEncoder().encode(text));
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Tells the run that is looked at; its `warn` may throw, which must not end a session either. */
function report(scheduler: Scheduler, error: unknown): void {
  const warn = (): void =>
    scheduler.warn(`A session of the monitor has failed: ${errorText(error)}`);
  guarded(warn, "The run's warn", (message) => console.warn(message))();
}

/** It has gone, sleeps, does not read; or the monitor is closed. */
function isClientsAffair(error: unknown): boolean {
  return error instanceof BrokenError || error instanceof TimeoutError ||
    error instanceof ClosedError;
}

/** One part of an address, in decimal, without a leading zero. */
const PART = "(0|[1-9]\\d{0,2})";
const IPV4 = new RegExp(`^${PART}\\.${PART}\\.${PART}\\.${PART}$`);

/** The address that a hostname stands for, if that is one of the loopback interface. */
function loopbackOf(hostname: unknown): string | undefined {
  if (typeof hostname !== "string") return undefined;
  if (hostname === "localhost") return "127.0.0.1";
  return isLoopback(hostname) ? hostname : undefined;
}

/** Whether a text is an address of 127.0.0.0/8, or `::1` in whatever form. */
function isLoopback(address: string): boolean {
  const parts = IPV4.exec(address)?.slice(1).map(Number);
  if (parts !== undefined) return parts[0] === 127 && parts.every((part) => part <= 255);
  if (!/^[0-9a-f:]+$/i.test(address)) return false;
  const { hostname } = URL.parse(`http://[${address}]/`) ?? { hostname: "" };
  return hostname === "[::1]";
}
