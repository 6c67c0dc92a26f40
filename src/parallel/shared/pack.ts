/**
 * How a lock, a queue or any other shared primitive travels between threads.
 *
 * Structured clone keeps memory shared but drops classes: a primitive would arrive as an empty object.
 * So each is a thin view of shared memory and can say which, in a {@linkcode SharedHandle} that clones.
 * What carries arguments packs them on one side and unpacks them on the other; a bare `postMessage` is
 * handed `lock.share()`, and the other side calls `SharedLock.from(handle)`.
 *
 * Looking for primitives in arguments costs nothing until a thread has made or received the first one.
 * They are found as arguments, and in arguments that are small plain objects and arrays. Anywhere else
 * they are refused by the clone: `share` is a function and stands on the object itself, and functions
 * do not clone. So none is ever lost in silence.
 *
 * A thread that unpacks must have the classes. They register here when they load; see unpack.ts.
 */
import { isRevoked } from "../../kernel/checks.ts";
import { InternalError } from "../../kernel/errors.ts";

/** A shared primitive on its way: plain data that any `postMessage` between threads carries. */
export interface SharedHandle {
  /** Marks it. */
  readonly weft: "shared";
  /** Its class. */
  readonly kind: string;
  /** What reports call it. */
  readonly name: string;
  /** The memory. */
  readonly memory: SharedArrayBuffer;
  /** Where in the memory it begins, in words; or which end of a pipe it is. */
  readonly at: number;
  /** The threads that share memory. */
  readonly threads: SharedArrayBuffer;
  /** Another primitive that it works with. */
  readonly inner?: SharedHandle;
  /**
   * The end of a pipe that is on its way: the number of the thread that counts it among its own, and a word
   * that is 1 once it was taken.
   */
  readonly pass?: { readonly by: number; readonly taken: SharedArrayBuffer };
}

/** What a channel can carry: memory, between threads; or only bytes, between processes. */
export type Carriage = "memory" | "bytes";

/** Primitives are looked for this deep in arguments. */
const DEEPEST = 3;
/** And in lists and objects of no more than so many members. */
const LONGEST = 64;

/** Whether this thread has a primitive at all. */
let any = false;
/** Whether it has one that is counted, so that it must not be given up while it is on its way. */
let anyCounted = false;
/**
 * The property by which each of them makes its handle. Rejected: a weak map, because what is in one lives
 * until the next great collection, and with it its memory.
 */
const SHARE = Symbol("weft.share");
const kinds = new Map<string, Kind>();

/** What is known of a class. */
interface Kind {
  readonly revive: (handle: SharedHandle) => object;
  /** Says that a handle will not be revived; only of what is counted. */
  readonly drop: ((handle: SharedHandle) => void) | undefined;
}

/** Makes a class known to {@linkcode unpackShared}; with `drop` one whose handles are counted. */
export function registerShared(
  kind: string,
  revive: (handle: SharedHandle) => object,
  drop?: (handle: SharedHandle) => void,
): void {
  kinds.set(kind, { revive, drop });
}

/** Makes an object one that can be packed; returns how. */
export function shareable(
  owner: object,
  share: () => SharedHandle,
  counted = false,
): () => SharedHandle {
  any = true;
  anyCounted ||= counted;
  Object.defineProperty(owner, SHARE, { value: share });
  return share;
}

/**
 * `args` as they are to be sent later: the ends of pipes in them may be closed meanwhile, and count as on
 * their way.
 *
 * @throws {ClosedError} If one is closed already.
 */
export function keepShared<A extends readonly unknown[]>(args: A): A {
  return anyCounted ? args.map((arg) => walk(arg, keep)) as unknown as A : args;
}

function keep(value: object): object | undefined {
  const handle = shareOf(value)?.();
  if (handle === undefined || handle.pass === undefined) return handle && value;
  return Object.defineProperty({}, SHARE, { value: () => handle });
}

/** Says that what was packed, or kept, will not be unpacked; without effect where it has been. */
export function dropShared(value: unknown): void {
  if (anyCounted) walk(value, drop);
}

function drop(value: object): object | undefined {
  const handle = shareOf(value)?.() ?? value;
  if (!isHandle(handle)) return undefined;
  if (handle.pass !== undefined) kinds.get(handle.kind)?.drop?.(handle);
  return value;
}

/** How a value makes its handle; `undefined` if it is no shared primitive. Runs no code but a proxy's. */
function shareOf(value: object): (() => SharedHandle) | undefined {
  try {
    return Object.getOwnPropertyDescriptor(value, SHARE)?.value;
  } catch {
    return undefined; // a proxy that cannot be asked
  }
}

/** Whether a value is a shared primitive. */
export function isShared(value: object): boolean {
  return any && shareOf(value) !== undefined;
}

/**
 * `value` with its shared primitives replaced by handles; `value` itself if it has none.
 *
 * @throws {TypeError} If there is one, and the channel carries no memory.
 */
export function packShared(value: unknown, carriage: Carriage = "memory"): unknown {
  return any ? walk(value, carriage === "memory" ? pack : refuse) : value;
}

/**
 * The inverse of {@linkcode packShared}, on the other side. The classes must have been loaded.
 *
 * What holds no handle comes back as it is.
 */
export function unpackShared(value: unknown): unknown {
  return walk(value, unpack);
}

/** A list of arguments, packed, and which of them have to be unpacked; `null` if none has. */
export function packArguments(
  args: readonly unknown[],
): { readonly args: readonly unknown[]; readonly packed: readonly number[] } | null {
  if (!any) return null;
  let changed: unknown[] | null = null;
  const packed: number[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    const other = walk(arg, pack);
    if (other === arg) continue;
    (changed ??= [...args])[i] = other;
    packed.push(i);
  }
  return changed === null ? null : { args: changed, packed };
}

/** Whether something has to be unpacked. */
export function holdsHandle(value: unknown): boolean {
  return walk(value, (object) => isHandle(object) ? null : undefined) !== value;
}

function pack(value: object): SharedHandle | undefined {
  return shareOf(value)?.();
}

function refuse(value: object): undefined {
  if (shareOf(value) === undefined) return;
  throw new TypeError(
    `Cannot send ${value} to another process: it is memory that the threads of one process ` +
      `share; start it with the backend "worker"`,
  );
}

function unpack(value: object): object | undefined {
  if (!isHandle(value)) return undefined;
  const kind = kinds.get(value.kind);
  if (kind !== undefined) return kind.revive(value);
  throw new InternalError(`Cannot unpack ${value.name}: no class "${value.kind}" is loaded`);
}

/** A value with others in place of some objects in it: those for which `replace` gives one. */
function walk(
  value: unknown,
  replace: (value: object) => object | null | undefined,
  depth: number = 0,
): unknown {
  if (typeof value !== "object" || value === null) return value;
  const other = replace(value);
  if (other !== undefined) return other;
  return mapMembers(value, depth, (member) => walk(member, replace, depth + 1));
}

/** A copy of a small list or plain object with its members changed; the same if none was. */
function mapMembers(value: object, depth: number, change: (member: unknown) => unknown): unknown {
  if (depth >= DEEPEST || isRevoked(value)) return value;
  if (Array.isArray(value)) {
    if (value.length > LONGEST) return value;
    let copy: unknown[] | null = null;
    for (let i = 0; i < value.length; i++) {
      const member: unknown = change(value[i]);
      if (member !== value[i]) (copy ??= [...value])[i] = member;
    }
    return copy ?? value;
  }
  if (!isPlain(value)) return value;
  const keys = Object.keys(value);
  if (keys.length > LONGEST) return value;
  let copy: Record<string, unknown> | null = null;
  for (const key of keys) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key)!;
    if (!("value" in descriptor)) continue; // a getter is for the clone to call, once
    const member = change(descriptor.value);
    if (member !== descriptor.value) (copy ??= { ...value })[key] = member;
  }
  return copy ?? value;
}

/** Whether something is a handle of shared memory, of whatever kind. */
export function isHandle(value: unknown): value is SharedHandle {
  return typeof value === "object" && value !== null && !isRevoked(value) &&
    (value as { weft?: unknown }).weft === "shared";
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
