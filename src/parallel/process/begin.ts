/** The start of a process: the first message, which says what it is and what it is to do, and its way there. */
import { printable } from "../../kernel/printable.ts";
import { addressOf } from "../jobs.ts";
import { type AnyClass, placeOf } from "./classes.ts";
import { currentProcess, nextIdent, programModule } from "./current.ts";
import { checkMayRead } from "./flags.ts";
import type { ProcessSettings } from "./options.ts";
import { startSubprocess } from "./subprocess_backend.ts";
import type { BeginMessage, ProcessBody, ProcessEnding } from "./wire.ts";
import { startWorker } from "./worker_backend.ts";
import { type Carriage, dropShared, holdsHandle, packShared } from "../shared/pack.ts";

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
    const startBody = described.backend === "worker" ? startWorker : startSubprocess;
    return { body: startBody({ begin, grace, flags, ended }), begin };
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
  const keys = Object.keys(fields);
  const packed = packAll([...args, ...Object.values(fields)], carriage);
  return {
    ...start,
    args: packed.slice(0, args.length),
    fields: Object.fromEntries(keys.map((key, i) => [key, packed[args.length + i]])),
  };
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
  const values = [...begin.args, ...Object.values(begin.fields)];
  if (values.some((value) => holdsHandle(value))) {
    const { unpackArguments } = await import("../shared/unpack.ts");
    unpackArguments(values, values.keys());
  }
  const args = values.splice(0, begin.args.length);
  const keys = Object.keys(begin.fields);
  return { ...begin, args, fields: Object.fromEntries(keys.map((key, i) => [key, values[i]])) };
}
