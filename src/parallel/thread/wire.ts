/**
 * What a pool and its workers say to one another, and the words of memory they share.
 *
 * Batches are columns, not lists of jobs: cloning one flat array of a hundred thousand numbers takes
 * 3.5 ms, a list of as many `[id, [argument]]` 16 ms and more (measured). What is the same for a whole
 * batch, as a rule the function and the number of arguments, is sent as one value.
 *
 * Each batch owns four words in shared memory. The claim word counts the jobs its worker has begun:
 * the worker adds 1 before each, so the pool can take the rest back at any time by adding
 * {@linkcode TAKEN}, and both know exactly where the line runs. The cancel word names the job that is
 * to stop, for code that computes and therefore hears no message. The call word names the job with a
 * time limit whose function has been called: what its module takes to load is not its time. While results
 * are sent, it holds the number of the send, negative: a getter in a result may never end. The skip word is
 * for what is moved and cannot be taken back: it has a bit for each job that is not to begin.
 *
 * Batches are worked off one after another. A job that is a task body is a batch by itself, and holds no
 * turn: it runs beside whatever else its worker does.
 */
import type { ThreadTicket } from "./table.ts";
import type { TransportedError } from "../transported_error.ts";

/** One value for the whole batch, or one for each job. */
export type Column<T> = T | readonly T[];

/** Reads a column. */
export function at<T extends number>(column: Column<T>, index: number): T {
  return typeof column === "number" ? column : (column as readonly T[])[index]!;
}

/** Where a worker finds the function it will know by this number. */
export type FunctionDefinition = readonly [
  id: number,
  url: string,
  name: string,
  /** Whether it is known to be a task body. */
  isTaskBody: boolean,
];

/**
 * Jobs for a worker, in order.
 *
 * Every value in a message costs 50 to 100 ns on each side, which a single tiny job feels; so
 * messages are tuples, and what is mostly absent comes last.
 */
export type BatchMessage = readonly [
  kind: "batch",
  /** Which words of the shared memory belong to it; also its name in replies. */
  slot: number,
  /** How many jobs it has. */
  count: number,
  /** Which function each job calls. */
  functions: Column<number>,
  /** How many arguments each job has. */
  arity: Column<number>,
  /** The arguments of all jobs, one after another. */
  args: readonly unknown[],
  /** Functions this worker has not met yet. */
  define?: readonly FunctionDefinition[],
  /** How many milliseconds each job may take; 0 for any number. */
  limits?: Column<number>,
  /** Which arguments hold shared primitives and have to be unpacked. */
  packed?: readonly number[] | null,
  /** Whether something is moved, so that the skip word counts. */
  isMoved?: boolean,
];

/** The job at `index` of a batch is to stop. */
export type AbortMessage = readonly [
  kind: "abort",
  slot: number,
  index: number,
  reason: TransportedError,
];

/** Whether the jobs of a batch differ in nothing but their arguments. */
export function isUniform([, , , functions, arity, , , limits, , isMoved]: BatchMessage): boolean {
  return typeof functions === "number" && typeof arity === "number" &&
    typeof limits === "number" && isMoved !== true;
}

/** What a worker hears from its pool. */
export type ToWorker = BatchMessage | AbortMessage;

/** What the first message holds in any case: its end of the port, the words, and its number. */
export interface ThreadParts {
  /** Everything else goes through here; its end is the thread's end. */
  readonly port: MessagePort;
  /** The shared words. */
  readonly words: Int32Array;
  /** What the thread is among those that share memory. */
  readonly ticket: ThreadTicket;
}

/** The first message, sent through the worker's own channel: what the two will share. */
export interface StartMessage extends ThreadParts {
  /** Tells it from any other message. */
  readonly kind: "weft.start";
  /** What is to be called before the first job. */
  readonly setUp: SetUp | null;
  /** Whether the pool wants what is written to the console. */
  readonly log: boolean;
}

/** A function that gets a worker ready, and its arguments. */
export interface SetUp {
  /** The module. */
  readonly url: string;
  /** Its name there. */
  readonly name: string;
  /** The arguments. */
  readonly args: readonly unknown[];
}

/** A worker is up: its module is loaded, and what gets it ready has been called. */
export type HelloMessage = readonly [kind: "hello"];

/** Results of consecutive jobs of a batch. */
export type ResultsMessage = readonly [
  kind: "results",
  slot: number,
  /** The first job they are of. */
  first: number,
  /** What the jobs returned; `undefined` where one failed. */
  values: readonly unknown[],
  /** Whether the worker has put the batch away: its words are free. */
  end: boolean,
  /** Time spent: function, number of calls, milliseconds, and so on. */
  spent?: readonly number[] | null,
  /** The jobs that failed, by index. */
  failures?: readonly Failure[],
];

/** A job that failed. */
export type Failure = readonly [index: number, error: TransportedError];

/** An error came up that belongs to no job that still runs. */
export type StrayMessage = readonly [kind: "stray", error: TransportedError];

/** What should have got the worker ready has failed. */
export type UnfitMessage = readonly [kind: "unfit", error: TransportedError];

/** A worker is about to end, by its own doing. */
export type LeavingMessage = readonly [kind: "leaving", why: string];

/** A function has turned out to be a task body: the batch with this slot holds no turn. */
export type TaskBodyMessage = readonly [kind: "taskBody", id: number, slot: number];

/** A task was told to stop, and its worker lets it: the two are not stuck in a loop. */
export type HeardMessage = readonly [kind: "heard", slot: number];

/** The job at `index` of a batch reports something on its way. */
export type ProgressMessage = readonly [
  kind: "progress",
  slot: number,
  index: number,
  value: unknown,
];

/** How a line was written to the console: the methods of `console` that are heard. */
export const logLevels = ["debug", "log", "info", "warn", "error"] as const;

/** One of these. */
export type LogLevel = typeof logLevels[number];

/** A line for the console; slot and index are -1 where no job wrote it. */
export type LogMessage = readonly [
  kind: "log",
  slot: number,
  index: number,
  level: LogLevel,
  text: string,
];

/** What a pool hears from a worker. */
export type ToPool =
  | HelloMessage
  | ResultsMessage
  | StrayMessage
  | UnfitMessage
  | LeavingMessage
  | TaskBodyMessage
  | HeardMessage
  | ProgressMessage
  | LogMessage;

/** How many batches a worker can hold at a time, tasks not counted. */
export const SLOTS = 32;

/** Added to a claim word to take back what has not begun: more than any batch has jobs. */
export const TAKEN: number = 1 << 20;

/** The most jobs in one batch; replies and stealing stay cheap up to here. */
export const MOST_JOBS = 8192;

/** Index of the shared word that is 1 once a thread is to stop whatever it does. */
export const STOP_WORD = 0;

/** The words of batches begin behind that. */
const FIRST_WORD = 1;
/** Each batch has so many. */
const WORDS = 4;

/** Index of the word that counts the jobs begun. */
export function claimWord(slot: number): number {
  return FIRST_WORD + slot * WORDS;
}

/** Index of the word that holds the job to stop, counted from 1; 0 for none. */
export function cancelWord(slot: number): number {
  return FIRST_WORD + 1 + slot * WORDS;
}

/** Index of the word that holds the job whose time runs, counted from 1; 0 for none; negative in a send. */
export function callWord(slot: number): number {
  return FIRST_WORD + 2 + slot * WORDS;
}

/** Index of the word that has a bit for each job that must not begin, if the batch is moved. */
export function skipWord(slot: number): number {
  return FIRST_WORD + 3 + slot * WORDS;
}

/** The most jobs in a batch of which something is moved: as many as there are bits. */
export const MOST_MOVED = 30;

/** Makes the words for one worker that may have so many tasks at a time. */
export function makeWords(tasks: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * (FIRST_WORD + (SLOTS + tasks) * WORDS)));
}
