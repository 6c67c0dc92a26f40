/** The start of a process: what it is made with, and the first message, which says what it is to do. */
import { checkMs, checkOptions } from "../../kernel/checks.ts";
import { withScope } from "../../kernel/context.ts";
import { printable, show } from "../../kernel/printable.ts";
import { type Addressed, addressOf, type AnyClass, type AnyFunction, placeOf } from "../jobs.ts";
import { currentProcess, nextIdent, programModule } from "./current.ts";
import { checkMayRead } from "./flags.ts";
import { SubprocessBody } from "./subprocess_backend.ts";
import type { BeginMessage, ProcessBackend, ProcessBody, ProcessEnding } from "./wire.ts";
import { WorkerBody } from "./worker_backend.ts";
import { type Carriage, dropShared, holdsHandle, packShared } from "../shared/pack.ts";

/** How long a worker gets between the stop flag and its end, unless said otherwise, in milliseconds. */
const GRACE_MS = 100;

/** Whether a target cannot be called without arguments: then `args` may not be missing. */
export type NeedsArguments<A extends readonly unknown[]> = [A] extends [never] ? false
  : [] extends A ? false
  : true;

/** What a process is made with. */
export interface WorkerProcessOptions<A extends readonly unknown[] = never> {
  /** What it runs: a function made by `jobs`, plain, async, or a task body. A subclass has `run`. */
  target?: Addressed<(...args: A) => unknown>;
  /** What `target` is called with: cloned, or moved where `transfer` says so. @default {[]} */
  args?: NoInfer<A>;
  /** Its name. @default as in `Process-1`, after the class */
  name?: string;
  /** Whether it ends with its parent, which otherwise waits for it. @default {false} */
  daemon?: boolean;
  /** A thread or a real process. @default {"worker"} */
  backend?: ProcessBackend;
  /** How long `terminate` lets a worker go on after the stop flag, in milliseconds. @default {100} */
  grace?: number;
  /** Further flags of Deno for a subprocess, as `--v8-flags=--max-old-space-size=64`. @default {[]} */
  flags?: readonly string[];
  /** Told of the error that it fails with, and of its name. @default prints both on stderr */
  report?: (error: unknown, name: string) => void;
}

/** The options, checked, with something in the place of each that is missing. */
export interface ProcessSettings
  extends Required<Omit<WorkerProcessOptions, "target" | "args" | "name">> {
  /** What it runs. */
  readonly target: Addressed<AnyFunction> | undefined;
  /** What that is called with. */
  readonly args: readonly unknown[];
}

/**
 * Checks the options.
 *
 * @throws {TypeError} If `target` is a plain function, or there is no such backend.
 * @throws {RangeError} If the time of grace is negative.
 */
export function settingsOf<A extends readonly unknown[]>(
  options: WorkerProcessOptions<A>,
): ProcessSettings {
  const { target, args = [], daemon = false, backend = "worker", flags = [] } = checkOptions(
    options,
    "WorkerProcess",
  );
  if (target !== undefined) addressOf(target);
  if (backend !== "worker" && backend !== "subprocess") {
    throw new TypeError(
      `Cannot make a process of kind ${show(backend)}: it is "worker" or "subprocess"`,
    );
  }
  const grace = checkMs(options.grace ?? GRACE_MS, "a time of grace");
  return {
    target: target as never,
    args,
    daemon,
    backend,
    grace,
    flags,
    report: options.report ?? printFailure,
  };
}

/** Prints a failure, as Python does. */
export function printFailure(error: unknown, name: string): void {
  console.error(`${printable(name)} failed:`, error);
}

/** A process as it is to be. */
export interface Description extends ProcessSettings {
  /** Its name. */
  readonly name: string;
  /** Its class, if that is not the plain one. */
  readonly type: AnyClass | null;
  /** The public fields of the object. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A process that was started. */
export interface Started {
  /** The process. */
  readonly body: ProcessBody;
  /** What it was told. */
  readonly begin: BeginMessage;
}

/**
 * Starts a process.
 *
 * @throws {TypeError} If its arguments or fields cannot be sent, or its class was not made known.
 * @throws {Error} If a permission is missing. In either case nothing was started.
 */
export function start(
  described: Description,
  ended: (ending: ProcessEnding) => void,
): Started {
  const begin = makeBegin(described);
  const { grace, flags } = described;
  try {
    const Body = described.backend === "worker" ? WorkerBody : SubprocessBody;
    // In nobody's scope: its messages are not part of the task that happened to start it.
    return { body: withScope(null, () => new Body({ begin, grace, flags, ended })), begin };
  } catch (cause) {
    dropBegin(begin);
    if (!(cause instanceof Error && /could not be cloned/.test(cause.message))) throw cause;
    const what = `${printable(described.name)}: its arguments or fields cannot be sent`;
    throw new TypeError(`Cannot start ${what}: ${cause.message}`, { cause });
  }
}

/** The ends of pipes in a message that were never received are closed. */
export function dropBegin({ args, fields }: BeginMessage): void {
  dropShared(args);
  dropShared(fields);
}

/**
 * Makes the message.
 *
 * @throws {TypeError} If the class was not made known, or memory shared by threads is to go elsewhere.
 * @throws {Error} If the code may not be read.
 */
function makeBegin(
  { name, daemon, backend, target, args, type, fields }: Description,
): BeginMessage {
  const carriage: Carriage = backend === "worker" ? "memory" : "bytes";
  const { name: parent, pid } = currentProcess();
  const start = {
    kind: "weft.begin",
    name,
    ident: backend === "worker" ? nextIdent() : 0,
    daemon,
    backend,
    parent: { name: parent, pid },
    mainModule: programModule(),
    target: target === undefined ? null : addressOf(target),
    type: type === null ? null : placeOf(type, name),
  } as const;
  checkMayRead(start);
  const begin = { ...start, args, fields };
  return withValues(begin, packAll(valuesOf(begin), carriage));
}

/** All that a process is given: the arguments, and the values of the fields. */
export function valuesOf({ args, fields }: Pick<BeginMessage, "args" | "fields">): unknown[] {
  return [...args, ...Object.values(fields)];
}

/** The same message with other values, in that order. */
function withValues(begin: BeginMessage, values: readonly unknown[]): BeginMessage {
  const { length } = begin.args;
  const fields = Object.keys(begin.fields).map((key, i) => [key, values[length + i]]);
  return { ...begin, args: values.slice(0, length), fields: Object.fromEntries(fields) };
}

/** Packs all or, if one of them cannot be, none. */
function packAll(values: readonly unknown[], carriage: Carriage): unknown[] {
  const packed: unknown[] = [];
  try {
    for (const value of values) packed.push(packShared(value, carriage));
    return packed;
  } catch (error) {
    packed.forEach(dropShared);
    throw error;
  }
}

/** The message as the process wants it: with locks, queues and the like in place of their handles. */
export async function openBegin(begin: BeginMessage): Promise<BeginMessage> {
  const values = valuesOf(begin);
  if (!values.some(holdsHandle)) return begin;
  const { unpackArguments } = await import("../shared/unpack.ts");
  unpackArguments(values, values.keys());
  return withValues(begin, values);
}
