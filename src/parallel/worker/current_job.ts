/**
 * What the code of a job can ask and tell: whether anybody still wants its result, how far it has come,
 * and what it writes to the console.
 *
 * Each report is a message of its own, sent at once: a job that computes gives this thread no other time
 * to send it. It overtakes no result and none overtakes it, because all go through one port.
 */
import { StopSignal } from "../thread/realm.ts";
import {
  cancelWord,
  type LogLevel,
  logLevels,
  type LogMessage,
  type ProgressMessage,
  STOP_WORD,
} from "../thread/wire.ts";

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

let post: (message: ProgressMessage | LogMessage) => void = () => {};

/** Where reports go from now on. */
export function reportTo(target: (message: ProgressMessage | LogMessage) => void): void {
  post = target;
}

/**
 * Reports a value from within a job, to the reader of `future.progress()`, or to the option `onProgress` of
 * a map. Never waits, and never slows down for a reader: of what is not read in time, the oldest is dropped.
 *
 * In plain and async jobs it can be called anywhere until the job is over, in a task body wherever a task of
 * its own runs. Where no job runs, as when a job function is called directly, and once the job is over or
 * cancelled, it has no effect. A report costs some ten microseconds: report now and then, not for every item.
 * See `Future.progress` for an example.
 *
 * @param value What to report: it is cloned, so it holds no function, and nothing that is shared by weft's
 *   own primitives.
 * @throws {DOMException} `DataCloneError`, if it cannot be cloned.
 */
export function progress(value: unknown): void {
  const job = currentJob();
  if (job !== null) post(["progress", job.slot, job.index, value]);
}

/** From now on what this thread writes to the console goes to the pool, with the job whose code writes it. */
export function captureConsole(): void {
  for (const level of logLevels) {
    console[level] = (...parts: unknown[]) => {
      const job = currentJob();
      post(["log", job?.slot ?? -1, job?.index ?? -1, level satisfies LogLevel, textOf(parts)]);
    };
  }
}

/** The line as the console would write it; what cannot be shown must not fail the job that shows it. */
function textOf(parts: readonly unknown[]): string {
  try {
    return process.getBuiltinModule("node:util").format(...parts);
  } catch {
    return "a line that cannot be shown";
  }
}
