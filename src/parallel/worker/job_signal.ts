/**
 * How a job learns that nobody wants its result any more.
 *
 * A message cannot reach code that computes, so the pool also writes a word of shared memory, and the
 * signal that a job gets looks at that word whenever its `aborted` is read. Where the job waits for
 * something instead, the message arrives and fires the signal as usual.
 */
import { cancelWord, STOP_WORD } from "../dispatch/wire.ts";

/** A job, by the words that speak of it. */
export interface RunningJob {
  /** The words shared with the pool. */
  readonly words: Int32Array;
  /** Its batch. */
  readonly slot: number;
  /** Its place there. */
  readonly index: number;
}

const nativeAborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted")!.get!;

/** One job's signal, made when it asks. */
export class JobSignal {
  readonly #job: RunningJob;
  readonly #controller = new AbortController();
  #state: "waiting" | "fired" | "over" = "waiting";

  /** The signal of a job that runs. */
  constructor(job: RunningJob) {
    this.#job = job;
    const { signal } = this.#controller;
    Object.defineProperty(signal, "aborted", { get: () => this.#aborted });
    Object.defineProperty(signal, "throwIfAborted", {
      value: () => {
        if (this.#aborted) throw signal.reason;
      },
    });
  }

  /** What the job gets to see. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Fires it. */
  abort(reason: unknown): void {
    if (this.#state !== "waiting") return;
    this.#state = "fired"; // first, because aborting reads `aborted`
    this.#controller.abort(reason);
  }

  /** Never fires it from now on. */
  end(): void {
    this.#state = "over";
  }

  get #aborted(): boolean {
    if (this.#state === "waiting" && isTold(this.#job)) {
      this.abort(new DOMException("The job was cancelled", "AbortError"));
    }
    return nativeAborted.call(this.signal) as boolean;
  }
}

/** Whether the shared words say that a job is to stop. */
function isTold({ words, slot, index }: RunningJob): boolean {
  return Atomics.load(words, cancelWord(slot)) === index + 1 ||
    Atomics.load(words, STOP_WORD) === 1;
}

let words: Int32Array | null = null;
let slot = 0;
let index = 0;
let made: JobSignal | null = null;

/** Finds the signal of the task body whose code is running; set once a worker runs such jobs. */
export const taskSignal: { find: () => JobSignal | null } = { find: () => null };

/** Enters a job, and leaves the one before. */
export function enterJob(sharedWords: Int32Array, itsSlot: number, itsIndex: number): void {
  leaveJob();
  words = sharedWords;
  slot = itsSlot;
  index = itsIndex;
}

/** Leaves the job: its signal never fires again. */
export function leaveJob(): void {
  words = null;
  if (made === null) return;
  made.end();
  made = null;
}

/** Fires the signal of the job that runs. */
export function abortJob(reason: unknown): void {
  currentSignal()?.abort(reason);
}

/** For whoever asks and is no job. */
const never = new AbortController().signal;

/**
 * The signal of the job that calls: it aborts when the job is cancelled, when its time is up, and when
 * the pool is terminated.
 *
 * Reading `aborted` sees a cancel even in a loop that never waits, so that such a loop can stop; hand
 * the signal to `fetch` and the like to stop these. Take it before the first `await`: afterwards other
 * jobs may run. In a task body it can be taken anywhere; a cancel throws `Cancelled` at its waits, too.
 * Called where no job runs, as when a job function is called directly, it gives a signal that never
 * aborts.
 *
 * @example A loop that can be stopped
 * ```ts
 * import { jobs } from "@weft/weft";
 * import { jobSignal } from "@weft/weft/worker";
 *
 * const { count } = jobs(import.meta, {
 *   count(to: number): number {
 *     const signal = jobSignal();
 *     let n = 0;
 *     while (n < to && !signal.aborted) n++;
 *     return n;
 *   },
 * });
 * if (count(3) !== 3) throw new Error();
 * ```
 */
export function jobSignal(): AbortSignal {
  return (taskSignal.find() ?? currentSignal())?.signal ?? never;
}

function currentSignal(): JobSignal | null {
  return words === null ? null : made ??= new JobSignal({ words, slot, index });
}
