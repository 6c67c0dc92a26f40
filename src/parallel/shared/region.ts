/** Where a shared primitive lives: its part of shared memory, its name, and this thread's number. */
import { nextName, printable, show } from "../../kernel/printable.ts";
import { thisThread, type ThreadId, threadIn } from "../thread/table.ts";
import { isHandle, shareable, type SharedHandle } from "./pack.ts";

/** One thread's view of one primitive's memory. */
export interface Region {
  /** Its class. */
  readonly kind: string;
  /** What reports call it. */
  readonly name: string;
  /** The memory. */
  readonly memory: SharedArrayBuffer;
  /** The primitive's words begin here; or which end of a pipe it is. */
  readonly at: number;
  /** The words of the whole memory. */
  readonly words: Int32Array;
  /** This thread. */
  readonly thread: ThreadId;
}

/**
 * What every shared primitive is: a view of a region, which can be sent.
 *
 * @internal
 */
export abstract class SharedObject {
  /** Makes a handle, for a bare `postMessage`; jobs and processes take the object itself. */
  readonly share: () => SharedHandle;
  readonly #name: string;

  /** A view of a region; `share` makes its handle, where that is more than the region's. */
  constructor(
    region: Region,
    share: () => SharedHandle = () => handleOf(region),
    isCounted: boolean = false,
  ) {
    this.#name = region.name;
    this.share = shareable(this, share, isCounted);
  }

  /** Its name, as in `SharedLock#1`. */
  toString(): string {
    return this.#name;
  }
}

/** From so many bytes on memory is mapped by itself. */
const LARGE = 1 << 16;

/** Makes a primitive's memory: `bytes` of zeros, to which `growth` more may come. */
export function newRegion(kind: string, bytes: number, growth = 0): Region {
  const size = (bytes + 7) & ~7;
  // Memory that can grow is mapped, not touched: an empty ring takes none of the machine's.
  const memory = growth === 0 && size < LARGE
    ? new SharedArrayBuffer(size)
    : new SharedArrayBuffer(size, { maxByteLength: size + growth });
  const words = wordsOf(memory);
  return { kind, name: nextName(kind), memory, at: 0, words, thread: thisThread() };
}

/** The words, of a length that is fixed: one that follows memory which grows is read three times as slowly. */
function wordsOf(memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory, 0, memory.byteLength >>> 2);
}

/** Views the memory that a handle stands for. */
export function regionOf(handle: SharedHandle, kind: string): Region {
  if (!isHandle(handle) || handle.kind !== kind) {
    throw new TypeError(
      `Cannot make a ${kind} from ${describe(handle)}: pass what share() of a ${kind} gave`,
    );
  }
  const { name, memory, at, threads } = handle;
  return { kind, name, memory, at, words: wordsOf(memory), thread: threadIn(threads) };
}

/** The memory that a handle stands for, or without one new memory of so many bytes. */
export function regionFor(
  kind: string,
  handle: SharedHandle | undefined,
  bytes: number,
): Region {
  return handle === undefined ? newRegion(kind, bytes) : regionOf(handle, kind);
}

/** A handle of another primitive within the same memory, whose words begin at `at`. */
export function handleWithin(region: Region, kind: string, at: number, name: string): SharedHandle {
  return handleOf({ ...region, kind, at, name });
}

/** What stands for a region in a message. */
export function handleOf({ kind, name, memory, at, thread }: Region): SharedHandle {
  return { weft: "shared", kind, name, memory, at, threads: thread.table };
}

/** Something else than weft has written into the memory; `cause` is what came of that. */
export function damaged(cause?: unknown): Error {
  const text = "Cannot use shared memory: it was overwritten by something else";
  return cause === undefined ? new Error(text) : new Error(text, { cause });
}

function describe(handle: unknown): string {
  return isHandle(handle) ? `a handle of ${printable(handle.name)}` : show(handle);
}
