/**
 * `multiprocessing.Process` on Deno: a function, or an object with `run`, in a process of its own.
 *
 * Two kinds of process stand behind the one class. The rest of the program should not care which, so
 * what they differ in is said here, in one place:
 *
 * | | `"worker"` (a thread) | `"subprocess"` (a real process) |
 * |---|---|---|
 * | up after, takes | some 40 ms, 12 MiB | some 65 ms, 47 MiB |
 * | memory | its own, but can share a `SharedArrayBuffer` | its own |
 * | `pid` | that of this process | its own |
 * | `terminate` | stop flag, grace, end; a loop runs on without effect | SIGTERM, which ends a loop, too |
 * | `kill` | the same without grace | SIGKILL |
 * | out of memory | takes the whole program down | exit code -5 or so |
 * | started by a worker | up after some 1000 ms more (Deno 2.9) | the same as ever |
 * | the parent is killed | ends with it | lives on (an orphan), unless it is a daemon |
 * | flags | `--allow-read` | `--allow-read --allow-run --allow-env` |
 *
 * A failure is told the way Python tells it: exit code 1, and the error on stderr at once, by the
 * parent. It does not make a join throw or a run reject: a process is a program, and its exit code is
 * its result. For errors as values there is the pool. The option `report` takes the place of stderr.
 */
import { printable } from "../../kernel/printable.ts";
import { callSafely } from "../../kernel/callback.ts";
import { checkMs } from "../../kernel/checks.ts";
import { ClosedError } from "../../kernel/errors.ts";
import { type Operation, sequence } from "../../kernel/operation.ts";
import { hold, letGo, type Resource } from "../../kernel/resource.ts";
import { moveOnAfter } from "../../tasks/time.ts";
import { type AnyClass, type AnyFunction, isLoading, loadingError } from "../jobs.ts";
import {
  dropBegin,
  type NeedsArguments,
  printFailure,
  type ProcessSettings,
  settingsOf,
  start,
  type WorkerProcessOptions,
} from "./begin.ts";
import { childrenAlive, currentProcess, enterChild, nextName } from "./current.ts";
import { ExitFuture } from "./exit_future.ts";
import type { BeginMessage, ProcessBackend, ProcessBody, ProcessEnding } from "./wire.ts";

/** The life of a process, as its parent knows it; or that it is the process that asks. */
type Life =
  | { readonly kind: "new" }
  | { readonly kind: "alive"; readonly body: ProcessBody }
  | { readonly kind: "ended"; readonly body: ProcessBody; readonly ending: ProcessEnding }
  | { readonly kind: "self" };

let makeSelf: (type: AnyClass, begin: BeginMessage, target: AnyFunction | null) => WorkerProcess;

/**
 * A function, or an object's `run`, in a process of its own.
 *
 * - Nothing happens before `start`. It can be started once. Until then `daemon` can be set: whether it
 *   ends with its parent, which otherwise waits for it.
 * - A plain function is called, a promise it gives is awaited, and a task body (`function*` or
 *   `async function*`) is run as by `run`. The process ends when that has ended and its own children
 *   have ended; timers and the like that are left do not keep it.
 * - The exit code is 0 after a return, 1 after an error, n after `Deno.exit(n)`, -N after signal N, and
 *   -15 when it let itself be stopped by a cancel.
 * - The backend `"worker"` needs `--allow-read` for the code. A loop in a worker cannot be stopped from
 *   outside: it is given up and computes on, without effect; and a worker that runs out of memory takes the
 *   whole program with it. The backend `"subprocess"` needs `--allow-read`, `--allow-run` and
 *   `--allow-env`, and can be killed whatever it does. It gets no permission that this program lacks:
 *   those granted in full, reading where its code lies, and what `flags` adds.
 * - Started inside a run: when the run ends, daemons are terminated and others are waited for. Started
 *   outside: the same, with the program in place of the run, except that `Deno.exit` waits for nobody.
 * - A subclass overrides `run` and is made known with {@linkcode processes}. Its public fields are
 *   copied over when it starts, and changes stay there. Its constructor does not run there, so
 *   private `#fields` do not exist; nothing comes back.
 * - It does not return a value. Send one through a pipe or a queue, or use a {@linkcode WorkerPool}.
 *
 * @example A process with a name and an exit code
 * ```ts
 * import { jobs, WorkerProcess } from "@weft/weft";
 * const { work } = jobs(import.meta, {
 *   work(n: number): void {
 *     if (n < 0) throw new RangeError("too small");
 *   },
 * });
 * if (import.meta.main) {
 *   const process = new WorkerProcess({ target: work, args: [1] });
 *   process.start();
 *   await process.join();
 *   if (process.exitCode !== 0) throw new Error(`${process.name} failed`);
 * }
 * ```
 *
 * @typeParam A What the target is called with.
 */
export class WorkerProcess<A extends readonly unknown[] = never> {
  static {
    makeSelf = (type, { name, daemon, backend, args }, target) => {
      // Only this constructor, not the subclass's, whose arguments nobody kept.
      const self = Reflect.construct(WorkerProcess, [{ name, daemon, backend }], type);
      self.#life = { kind: "self" };
      self.#call = target === null ? null : () => target(...(args as never));
      return self;
    };
  }

  // Whatever an object of a subclass has that is not private is its own: it is sent.
  readonly #name: string;
  readonly #settings: ProcessSettings;
  readonly #exit: ExitFuture;
  readonly #resource: Resource = { release: () => this.#end(), toString: () => String(this) };
  #daemon: boolean;
  #life: Life = { kind: "new" };
  #isClosed = false;
  /** Whether its end is awaited by the end of a run, of a program or of a block. */
  #isAwaited = false;
  /** What it was told at its start, until it has ended. */
  #begin: BeginMessage | null = null;
  /** Takes it out of the list of children. */
  #leave: () => void = () => {};
  /** In the process itself: calls the target. */
  #call: (() => unknown) | null = null;

  /**
   * Makes a process that has not been started.
   *
   * @param options What it runs, and how.
   * @throws {TypeError} If `target` is a plain function; the message says what to write.
   * @throws {RangeError} If the time of grace is negative.
   */
  constructor(
    ...[options = {}]: NeedsArguments<A> extends true
      ? [options: WorkerProcessOptions<A> & { args: NoInfer<A> }]
      : [options?: WorkerProcessOptions<A>]
  ) {
    const settings = this.#settings = settingsOf(options);
    this.#name = options.name ?? nextName(new.target === WorkerProcess ? "" : new.target.name);
    this.#daemon = settings.daemon;
    this.#exit = new ExitFuture(() => `${this}`, () => this.#holdHost());
  }

  /** Its name: `Process-1`, and `Process-1:1` for a child of that. */
  get name(): string {
    return this.#name;
  }

  /** A thread or a real process. */
  get backend(): ProcessBackend {
    return this.#settings.backend;
  }

  /** Whether it ends with its parent, which otherwise waits for it. Can be set until it is started. */
  get daemon(): boolean {
    return this.#daemon;
  }

  set daemon(daemon: boolean) {
    if (this.#life.kind !== "new") {
      throw new Error(`Cannot make ${this} a daemon, or not: it has been started`);
    }
    this.#daemon = daemon;
  }

  /** Whether it has been started and has not ended. */
  get isAlive(): boolean {
    return this.#life.kind === "alive" || this.#life.kind === "self";
  }

  /** Its exit code; `null` until it has ended. See the class for which is which. */
  get exitCode(): number | null {
    return this.#life.kind === "ended" ? this.#life.ending.code : null;
  }

  /** Its end, to be waited for: its exit code. Also what `connectionWait` and a poll registry take. */
  get exitFuture(): ExitFuture {
    return this.#exit;
  }

  /** The same, by the name that Python has for it. */
  get sentinel(): ExitFuture {
    return this.#exit;
  }

  /** What it failed with, as a copy; `undefined` before its end, and if it did not fail. */
  get error(): unknown {
    return this.#life.kind === "ended" ? this.#life.ending.error : undefined;
  }

  /**
   * The operating system's number of the process it runs in; `null` until it is started. A worker runs
   * in the process that started it, so there it is that one's.
   */
  get pid(): number | null {
    if (this.#life.kind === "new") return null;
    return this.#life.kind === "self" ? Deno.pid : this.#life.body.pid;
  }

  /** Its pid, or for a worker its number among the workers of this process; `null` until it is started. */
  get ident(): number | null {
    if (this.#life.kind === "new") return null;
    return this.#life.kind === "self" ? currentProcess().ident : this.#life.body.ident;
  }

  /**
   * What the process does; a subclass overrides it, with a plain, an async or a generator method. As it
   * is, it calls the target. Called directly, it runs here and now.
   */
  run(): unknown {
    if (this.#call !== null) return this.#call();
    const { target, args } = this.#settings;
    return (target as AnyFunction | undefined)?.(...(args as never));
  }

  /**
   * Starts the process. Never waits for it to be up; what goes wrong there is its exit code.
   *
   * @throws {Error} If it was started before, if a permission is missing, or if its arguments or
   *   fields cannot be sent; then it was not started.
   * @throws {ClosedError} If it has been closed.
   */
  start(): void {
    this.#refuseIfClosed("start");
    if (this.#life.kind !== "new") {
      throw new Error(`Cannot start ${this} twice: a process runs once; make another one`);
    }
    if (isLoading()) throw loadingError(`start ${this}`);
    const type = this.constructor as AnyClass;
    const own = type === WorkerProcess as AnyClass
      ? { type: null, fields: {} }
      : { type, fields: Object.fromEntries(Object.entries(this)) };
    const described = { ...this.#settings, ...own, name: this.name, daemon: this.#daemon };
    const { body, begin } = start(described, (ending) => this.#ended(ending));
    this.#life = { kind: "alive", body };
    this.#begin = begin;
    this.#leave = enterChild({
      process: this,
      daemon: this.#daemon,
      terminate: () => this.#endByForce(),
      ended: () => this.#whenOver(),
      toString: () => String(this),
    });
    hold(this.#resource);
    this.#holdHost();
  }

  /**
   * Waits until the process has ended, or until `ms` have passed. Never throws its error. Joining is
   * allowed any number of times; a joiner that is cancelled leaves the process alone.
   *
   * @param ms How long to wait at most. @default for ever
   * @returns An operation that evaluates to the exit code, or to `null` if time ran out.
   * @throws {Error} If it has not been started, or is the process that asks.
   */
  join(ms?: number): Operation<number | null> {
    if (ms !== undefined) checkMs(ms, "a timeout");
    return sequence({ toString: () => `${this}.join()` }, () => this.#join(ms));
  }

  /**
   * Asks it to stop, and leaves it at that: `currentProcess().stopRequested` becomes true there, its
   * signal aborts, and every task of every run in it is cancelled. A process that does not look goes on.
   *
   * @param reason What its signal aborts with.
   */
  stop(reason?: unknown): void {
    this.#bodyFor("stop")?.stop(
      reason ?? new DOMException("The process was stopped", "AbortError"),
    );
  }

  /**
   * Ends it. A subprocess gets SIGTERM, now. A worker is asked to stop, and ended when it has not done
   * so within the time of grace; a loop in it computes on, since nothing can stop it. Clean-up
   * runs only in a worker that is stopped by a cancel. Without effect when it has ended.
   */
  terminate(): void {
    this.#bodyFor("terminate")?.terminate();
    this.#holdHost();
  }

  /** Like {@linkcode terminate}, with SIGKILL, and with no grace for a worker. Exit code -9. */
  kill(): void {
    this.#bodyFor("kill")?.kill();
    this.#holdHost();
  }

  /**
   * Marks it as done with: it can be neither started nor joined any more. May be called again.
   *
   * @throws {Error} If it is alive.
   */
  close(): void {
    if (this.isAlive) {
      throw new Error(`Cannot close ${this}: it is alive; terminate() and join() it first`);
    }
    this.#isClosed = true;
  }

  /** Terminates it if it is alive, and does not wait for that. */
  [Symbol.dispose](): void {
    if (this.#life.kind === "alive") this.terminate();
    else this.close();
  }

  /** Terminates it if it is alive, waits until it has ended, and closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    this.close();
  }

  /** The name. */
  toString(): string {
    return printable(this.name);
  }

  *#join(ms: number | undefined): Generator<unknown, number | null, unknown> {
    this.#refuseIfClosed("join");
    if (this.#life.kind === "new") throw new Error(`Cannot join ${this}: it has not been started`);
    if (this.#life.kind === "self") throw new Error(`Cannot join ${this}: it is this very process`);
    const end = this.#exit.end();
    yield* ms === undefined ? end : moveOnAfter(ms, end);
    return this.exitCode;
  }

  #ended(ending: ProcessEnding): void {
    if (this.#life.kind !== "alive") return;
    this.#life = { kind: "ended", body: this.#life.body, ending };
    this.#leave();
    letGo(this.#resource);
    if (this.#begin !== null) dropBegin(this.#begin);
    this.#begin = null;
    this.#exit.settle(ending.code);
    if (ending.error !== undefined) this.#tell(ending.error);
  }

  #tell(error: unknown): void {
    callSafely(() => this.#settings.report(error, this.name), (thrown) => {
      printFailure(thrown, `The report of ${this}`);
      printFailure(error, this.name);
    });
  }

  /** A daemon lets the host go, unless somebody waits for its end. */
  #holdHost(): void {
    if (this.#life.kind !== "alive") return;
    this.#life.body.hold(!this.#daemon || this.#exit.isAwaited || this.#isAwaited);
  }

  #bodyFor(verb: string): ProcessBody | null {
    this.#refuseIfClosed(verb);
    if (this.#life.kind === "alive") return this.#life.body;
    if (this.#life.kind === "ended") return null;
    const why = this.#life.kind === "new" ? "it has not been started" : "it is this very process";
    throw new Error(`Cannot ${verb} ${this}: ${why}`);
  }

  #refuseIfClosed(verb: string): void {
    if (this.#isClosed) throw new ClosedError(`Cannot ${verb} ${this}: it has been closed`);
  }

  #end(): Promise<void> {
    this.#endByForce();
    return this.#whenOver();
  }

  #endByForce(): void {
    if (this.#life.kind === "alive") this.#life.body.terminate();
  }

  async #whenOver(): Promise<void> {
    if (this.#life.kind !== "alive") return;
    this.#isAwaited = true;
    this.#holdHost();
    await new Promise<void>((ended) => this.#exit.link(() => ended()));
  }
}

/** Makes the process object of the process that is running, for the entry: with public fields as sent. */
export function embody(
  type: AnyClass | null,
  begin: BeginMessage,
  target: AnyFunction | null,
): WorkerProcess {
  const self = makeSelf(type ?? WorkerProcess as AnyClass, begin, target);
  for (const [key, value] of Object.entries(begin.fields)) {
    Object.defineProperty(self, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return self;
}

/** The processes that this one has started and that are alive: `multiprocessing.active_children()`. */
export function activeChildren(): readonly WorkerProcess[] {
  return childrenAlive().map((child) => child.process as WorkerProcess);
}
