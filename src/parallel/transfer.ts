/**
 * Marking what is to be moved into another thread instead of copied.
 *
 * The mark lies beside the value, in a weak map, so that the value keeps its type: a job that takes a
 * `Uint8Array` takes a marked one. It is read when the value leaves, on either side.
 */
import { checkList, checkObject } from "../kernel/checks.ts";

/** What a message can move; `Transferable` of the web platform. */
export type Movable = Transferable;

const marks = new WeakMap<object, readonly Movable[]>();
let anyMarks = false;

/**
 * Has `list` moved, not copied, when `value` is sent as an argument or returned from a job.
 *
 * Afterwards the moved objects are empty here (a detached `ArrayBuffer` has length 0). A job whose
 * arguments are moved stays with the worker it was sent to: should that one crash, the job fails,
 * because its arguments are gone.
 *
 * @example A megabyte that is not copied
 * ```ts
 * import { transfer } from "@weft/weft";
 * const bytes = new Uint8Array(1 << 20);
 * const same: Uint8Array = transfer(bytes, [bytes.buffer]); // now pool.submit(job, same)
 * if (same !== bytes) throw new Error("a mark makes no copy");
 * ```
 *
 * @param value The argument or result: an object that is, or contains, what is to be moved.
 * @param list The buffers, ports or streams to move.
 * @returns `value`.
 */
export function transfer<T extends object>(value: T, list: readonly Movable[]): T {
  checkObject(value, "a value to send");
  marks.set(value, checkList(list, "what is to be moved"));
  anyMarks = true;
  return value;
}

/** Whether sending a value moves something of it. */
export function isMoved(value: object): boolean {
  return anyMarks && marks.has(value);
}

/**
 * Whether all that is moved of a value is its own buffer, so that the host refuses it, if it does, before
 * it empties any: such values may travel together.
 */
export function movesItself(value: unknown): boolean {
  const list = typeof value === "object" && value !== null ? marks.get(value) : undefined;
  if (list === undefined) return typeof value !== "object" && typeof value !== "function";
  if (list.length !== 1 || typeof value !== "object" || value === null) return false;
  return list[0] === (ArrayBuffer.isView(value) ? value.buffer : value) &&
    list[0] instanceof ArrayBuffer;
}

/** What is to be moved along with these values, or `null` for nothing. */
export function movablesOf(values: readonly unknown[]): Movable[] | null {
  if (!anyMarks) return null;
  let found: Movable[] | null = null;
  for (const value of values) {
    if (typeof value !== "object" || value === null) continue;
    const list = marks.get(value);
    if (list !== undefined) (found ??= []).push(...list);
  }
  return found;
}

/** What sending some arguments moves: nothing, nothing but themselves, or more. */
export type Moving = "nothing" | "itself" | "more";

/**
 * What sending the arguments of one job moves. Only what is alike travels together, and what moves more goes by
 * itself: the host empties all buffers of a message before it finds that one of its values cannot be cloned.
 */
export function movingOf(args: readonly unknown[]): Moving {
  if (movablesOf(args) === null) return "nothing";
  return args.every(movesItself) ? "itself" : "more";
}

/** What it costs to move a buffer, of any size, there and back, in milliseconds. */
const MOVE_MS = 0.01;

/** What it costs to clone a megabyte twice, here and there, in milliseconds. */
const MEGABYTE_MS = 0.5;

/**
 * What cloning a value costs beyond the usual, in milliseconds. Megabytes that travel together travel
 * slowly: the other side sees nothing of them before the last is cloned.
 */
export function cloneCost(value: unknown): number {
  if (typeof value === "string") return value.length * (MEGABYTE_MS / (1 << 20));
  if (typeof value !== "object" || value === null) return 0;
  try {
    // A proxy may not even be asked what it is, and a view may have any `byteLength` of its own.
    if (!ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer)) return 0;
    return isMoved(value) ? MOVE_MS : Number(value.byteLength) * (MEGABYTE_MS / (1 << 20)) || 0;
  } catch {
    return 0;
  }
}
