/** The first message to a process: what it is, and what it is to do. */
import { addressOf } from "../jobs.ts";
import { type AnyClass, placeOf } from "./classes.ts";
import { currentProcess, nextIdent, programModule } from "./current.ts";
import { checkMayRead } from "./flags.ts";
import type { BeginMessage, ProcessBackend } from "./wire.ts";
import { type Carriage, dropShared, holdsHandle, packShared } from "../shared/pack.ts";

/** A process as it is described to itself. */
export interface Description {
  /** Its name. */
  readonly name: string;
  /** Whether its parent ends without it. */
  readonly daemon: boolean;
  /** Which kind it is. */
  readonly backend: ProcessBackend;
  /** The job function it runs, if any. */
  readonly target: unknown;
  /** What that is called with. */
  readonly args: readonly unknown[];
  /** Its class, if that is not the plain one. */
  readonly type: AnyClass | null;
  /** The public fields of the object. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Makes the message.
 *
 * @throws {TypeError} If the class was not made known, or memory shared by threads is to go elsewhere.
 * @throws {Error} If the code may not be read.
 */
export function makeBegin(
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
