/**
 * Looking at what a worker says before it is believed.
 *
 * The code of a job can get at the port, by accident or on purpose, and then anything may arrive. What
 * is not of the right shape, or does not fit what the worker has to do, is no message of weft's: its
 * worker is given up, because nothing that it says can be relied on any more.
 */
import type { Batch } from "./batch.ts";
import { type LogLevel, logLevels, type ResultsMessage, type ToPool } from "../thread/wire.ts";
import type { ThreadState } from "../thread/worker_thread.ts";

/** What is known of the worker that speaks. */
export interface Speaker {
  /** Where it stands. */
  readonly state: ThreadState;
  /** The batch with this slot. */
  batchAt(slot: number): Batch | undefined;
  /** Whether it was told of the function with this number. */
  knows(id: number): boolean;
}

/** The message, if it is one that the speaker may send; else `null`. */
export function checkedMessage(data: unknown, speaker: Speaker): ToPool | null {
  return Array.isArray(data) && fits(data, speaker) ? data as unknown as ToPool : null;
}

function fits(data: readonly unknown[], speaker: Speaker): boolean {
  switch (data[0]) {
    case "results":
      return fitsResults(data, speaker);
    case "hello":
    case "unfit":
      return speaker.state === "starting";
    case "progress":
      return Number.isInteger(data[1]) && Number.isInteger(data[2]);
    case "log":
      return Number.isInteger(data[1]) && Number.isInteger(data[2]) &&
        logLevels.includes(data[3] as LogLevel) && typeof data[4] === "string";
    case "heard":
      return Number.isInteger(data[1]);
    case "taskBody":
      return typeof data[1] === "number" && speaker.knows(data[1]) && Number.isInteger(data[2]);
    case "leaving":
      return typeof data[1] === "string";
    case "stray":
      return true; // whatever the error is, unpacking takes it
    default:
      return false;
  }
}

/** Whether these are the next results of a batch that it has, and after the last, all of them. */
function fitsResults(data: readonly unknown[], speaker: Speaker): boolean {
  const [, slot, first, values, end, spent, failures] = data as Partial<ResultsMessage>;
  if (typeof slot !== "number" || !Array.isArray(values) || typeof end !== "boolean") return false;
  const batch = speaker.batchAt(slot);
  if (batch === undefined || first !== batch.answered) return false;
  const after = first + values.length;
  if (after > batch.count || (end && after < batch.count)) return false;
  return fitsSpent(spent ?? null, speaker) && fitsFailures(failures ?? [], first, after);
}

function fitsSpent(spent: unknown, speaker: Speaker): boolean {
  if (spent === null) return true;
  if (!Array.isArray(spent) || spent.length % 3 !== 0) return false;
  for (let i = 0; i < spent.length; i += 3) {
    const [id, calls, ms] = [spent[i], spent[i + 1], spent[i + 2]];
    if (!speaker.knows(id) || !(calls > 0 && calls < Infinity)) return false;
    if (!(ms >= 0 && ms < Infinity)) return false;
  }
  return true;
}

/** In order, each of its own place. */
function fitsFailures(failures: unknown, first: number, after: number): boolean {
  if (!Array.isArray(failures)) return false;
  let next = first;
  for (const failure of failures) {
    const index: unknown = Array.isArray(failure) ? failure[0] : undefined;
    if (typeof index !== "number" || !(Number.isInteger(index) && index >= next && index < after)) {
      return false;
    }
    next = index + 1;
  }
  return true;
}
