/**
 * A process that is a worker: a thread of this process with memory of its own.
 *
 * How a thread is started, heard and ended stands in thread/worker_thread.ts; here, what that means
 * for a process: its exit code and its error.
 */
import { packError } from "../transported_error.ts";
import { WorkerThread } from "../thread/worker_thread.ts";
import { movablesOf } from "../transfer.ts";
import { WorkerCrashedError } from "../worker_error.ts";
import { identWord } from "./current.ts";
import {
  type Departure,
  endingIn,
  garbledEnding,
  KILLED,
  type ProcessBody,
  type ProcessEnding,
  type StopMessage,
  TERMINATED,
} from "./wire.ts";

const entry = new URL("./entry.ts", import.meta.url);

/** One worker that is a process. */
export class WorkerBody implements ProcessBody {
  /** That of this very process. */
  readonly pid: number = Deno.pid;
  /** Its number among the workers of this process. */
  readonly ident: number;
  readonly #departure: Departure;
  readonly #thread: WorkerThread;
  /** What it said of its end, or what is said of it. */
  #said: ProcessEnding | null = null;
  /** Minus the signal that it was sent, as far as a worker has signals; 0 for none. */
  #signal = 0;

  /**
   * Starts it. This blocks for some milliseconds, as `new Worker` does.
   *
   * @throws {DOMException} If the arguments or fields cannot be cloned; then nothing was started.
   */
  constructor(departure: Departure) {
    this.#departure = departure;
    const { begin } = departure;
    this.ident = begin.ident;
    const start = {
      entry,
      name: begin.name,
      permissions: null,
      words: new Int32Array(new SharedArrayBuffer(4)),
      message: { ...begin, idents: identWord() },
      movables: movablesOf([...begin.args, ...Object.values(begin.fields)]) ?? [],
    };
    this.#thread = new WorkerThread(start, {
      hear: (data) => this.#hear(data),
      gone: (_asked, cause) => departure.ended(this.#said ?? this.#silentEnding(cause)),
    });
  }

  /** Asks it to stop. */
  stop(reason: unknown): void {
    if (this.#thread.state === "ended") return;
    this.#thread.stop();
    this.#thread.post({ kind: "weft.stop", reason: packError(reason) } satisfies StopMessage);
  }

  /** Asks it to stop, and ends it after its time of grace. */
  terminate(): void {
    if (this.#signal !== 0 || this.#thread.state === "ended") return;
    this.stop(`${this.#departure.begin.name} was terminated`);
    this.#signal = TERMINATED;
    this.#thread.end(this.#departure.grace);
  }

  /** Ends it. */
  kill(): void {
    this.#signal = KILLED;
    this.#said ??= { code: KILLED, error: undefined }; // it is not heard any more
    this.#thread.end();
  }

  /** Whether it keeps the host process alive. */
  hold(held: boolean): void {
    this.#thread.hold(held);
  }

  #hear(data: unknown): void {
    if (this.#said !== null) return;
    const ending = endingIn(data);
    this.#said = ending ?? garbledEnding(this.#departure.begin.name);
    if (ending === null) this.kill();
    else if (this.#thread.state === "starting") this.#thread.state = "up"; // there is no more to wait for
  }

  /** How it ended if it did not say so. */
  #silentEnding(cause: unknown): ProcessEnding {
    if (cause !== undefined) return { code: 1, error: cause };
    if (this.#signal !== 0) return { code: this.#signal, error: undefined };
    const { name } = this.#departure.begin;
    const why = `Cannot finish "${name}": its worker exited without reporting a result`;
    return { code: 1, error: new WorkerCrashedError(name, why) };
  }
}
