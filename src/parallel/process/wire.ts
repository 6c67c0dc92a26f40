/**
 * What a process and the one that started it say to one another.
 *
 * There are three things to say: begin, please stop, and how it ended. Everything else (a value, a
 * queue, a pipe) is the program's own business and travels by means of its own.
 *
 * A subprocess gets the first one as bytes. Its channel would serialize it by itself, but only once the child
 * is there, and its errors come up where nobody waits for them. It also copies a view of shared memory in
 * silence; the plain serializer refuses that, as it should, because what was to be shared would not be.
 */
import type { Place } from "../jobs.ts";
import type { ThreadParts } from "../thread/wire.ts";
import { printable } from "../../kernel/printable.ts";
import { type TransportedError, unpackError } from "../transported_error.ts";
import { WorkerCrashedError } from "../worker_error.ts";

/** Which kind of process: a thread of this one, or a real one. */
export type ProcessBackend = "worker" | "subprocess";

/** A process as others know it. */
export interface ProcessInfo {
  /** Its name, as in `Process-1`. */
  readonly name: string;
  /** The operating system's number of the process it runs in; a worker runs in that of its parent. */
  readonly pid: number;
}

/** What a process is told at its start. */
export interface BeginMessage {
  /** Tells it from any other message. */
  readonly kind: "weft.begin";
  /** Its name. */
  readonly name: string;
  /** Its number; a real process takes its pid instead. */
  readonly ident: number;
  /** Whether its parent ends without it. */
  readonly daemon: boolean;
  /** Which kind of process it is. */
  readonly backend: ProcessBackend;
  /** Who started it. */
  readonly parent: ProcessInfo;
  /** The main module of the program, from where its configuration is looked for. */
  readonly mainModule: string | null;
  /** The function it runs. */
  readonly target: Place | null;
  /** What the function is called with. */
  readonly args: readonly unknown[];
  /** The class it is an instance of, unless that is the plain one. */
  readonly type: Place | null;
  /** The public fields of that instance. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The first message to a worker, through its own channel. */
export interface WorkerBeginMessage extends BeginMessage, ThreadParts {
  /** The word that counts the workers of this operating system process. */
  readonly idents: Int32Array;
}

/** The first message to a subprocess: the begin message, serialized where its errors can be told. */
export interface SubprocessBeginMessage {
  /** Tells it from any other message. */
  readonly kind: "weft.begin";
  /** A {@linkcode BeginMessage}. */
  readonly bytes: Uint8Array;
}

/** The process is asked to stop. */
export interface StopMessage {
  /** Tells it from any other message. */
  readonly kind: "weft.stop";
  /** Why. */
  readonly reason: TransportedError;
}

/** The process is about to end. */
export interface EndMessage {
  /** Tells it from any other message. */
  readonly kind: "weft.end";
  /** Its exit code. */
  readonly code: number;
  /** What it failed with. */
  readonly error: TransportedError | null;
}

/** Whether this asks a process to stop. */
export function isStopMessage(data: unknown): data is StopMessage {
  return isKind(data, "weft.stop") && typeof (data as Partial<StopMessage>).reason === "object";
}

/** Whether a process is to begin by this. */
export function isSubprocessBegin(data: unknown): data is SubprocessBeginMessage {
  return isKind(data, "weft.begin") &&
    (data as Partial<SubprocessBeginMessage>).bytes instanceof Uint8Array;
}

function isKind(data: unknown, kind: string): boolean {
  return typeof data === "object" && data !== null && (data as { kind?: unknown }).kind === kind;
}

/** How a process ended. */
export interface ProcessEnding {
  /** 0, or what it exited with, 1 after an error, and -N after signal N. */
  readonly code: number;
  /** What it failed with, or `undefined`. */
  readonly error: unknown;
}

/**
 * How a process says that it has ended; `null` if that is no such message. The program can use the channel, too,
 * so each message is checked.
 */
export function endingIn(data: unknown): ProcessEnding | null {
  if (!isKind(data, "weft.end")) return null;
  const { code, error } = data as Partial<EndMessage>;
  if (!Number.isInteger(code) || typeof error !== "object") return null;
  return { code: code!, error: error === null ? undefined : unpackError(error) };
}

/** How a process has ended that has said something else. */
export function garbledEnding(name: string): ProcessEnding {
  const why = "it sent a message that is none of a process's, and was ended";
  return {
    code: 1,
    error: new WorkerCrashedError(name, `Cannot finish "${printable(name)}": ${why}`),
  };
}

/** A process as the backends show it to {@linkcode WorkerProcess}. */
export interface ProcessBody {
  /** The operating system's number of the process it runs in. */
  readonly pid: number;
  /** Its number. */
  readonly ident: number;
  /** Asks it to stop: the flag, and a cancel of what it runs. */
  stop(reason: unknown): void;
  /** Ends it: SIGTERM, or what comes nearest. */
  terminate(): void;
  /** Ends it: SIGKILL, or what comes nearest. */
  kill(): void;
  /** Whether it keeps the host process alive. */
  hold(held: boolean): void;
}

/** What a backend needs to start a process. */
export interface Departure {
  /** What it is told. */
  readonly begin: BeginMessage;
  /** How long a worker gets between the flag and the end, in milliseconds. */
  readonly grace: number;
  /** Further flags for a subprocess. */
  readonly flags: readonly string[];
  /** Called once, when it has ended. */
  readonly ended: (ending: ProcessEnding) => void;
}

/** Exit code after SIGTERM, and of whatever let itself be stopped. */
export const TERMINATED = -15;
/** Exit code after SIGKILL. */
export const KILLED = -9;
