/** How a job learns that nobody wants its result any more: the signal of the job that runs. */
import { cancelWord, STOP_WORD, StopSignal } from "../thread/wire.ts";

/** A job, by the words that speak of it. */
export interface RunningJob {
  /** The words shared with the pool. */
  readonly words: Int32Array;
  /** Its batch. */
  readonly slot: number;
  /** Its place there. */
  readonly index: number;
}

/** Makes the signal of a job. */
export function makeJobSignal(job: RunningJob): StopSignal {
  const made = new StopSignal(
    () => isTold(job),
    () => made.abort(new DOMException("The job was cancelled", "AbortError")),
  );
  return made;
}

/** Whether the shared words say that a job is to stop; what gets the worker ready, at -1, never is. */
export function isTold({ words, slot, index }: RunningJob): boolean {
  if (slot < 0) return false;
  return Atomics.load(words, cancelWord(slot)) === index + 1 ||
    Atomics.load(words, STOP_WORD) === 1;
}

/** What becomes of a job that nobody waits for any more, and that was never called. */
export function cancelledEarly(): DOMException {
  return new DOMException("The job was cancelled before it began", "AbortError");
}

let words: Int32Array | null = null;
let slot = 0;
let index = 0;
let made: StopSignal | null = null;

/** Finds the task body whose code is running, and its signal; set once a worker runs such jobs. */
export const taskSignal: { find: () => StopSignal | null; job: () => RunningJob | null } = {
  find: () => null,
  job: () => null,
};

/** The job whose code is running; `null` if there is none. */
export function currentJob(): RunningJob | null {
  return taskSignal.job() ?? (words === null ? null : { words, slot, index });
}

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

/** For code that asks and is no job. */
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

function currentSignal(): StopSignal | null {
  return words === null ? null : made ??= makeJobSignal({ words, slot, index });
}
