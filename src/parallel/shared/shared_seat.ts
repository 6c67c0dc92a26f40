/** Where a shared primitive lives: its stretch of shared memory, its name, and this thread's part in it. */
import { nextName } from "../../kernel/names.ts";
import { type Party, partyIn, thisParty } from "./shared_party.ts";
import type { SharedHandle } from "./shared_pack.ts";

/** One thread's view of one primitive's memory. */
export interface Seat {
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
  readonly party: Party;
}

/** Makes a primitive's memory: `bytes` of zeros, to which `growth` more may come. */
export function newSeat(kind: string, bytes: number, growth = 0): Seat {
  const size = (bytes + 7) & ~7;
  const memory = growth === 0
    ? new SharedArrayBuffer(size)
    : new SharedArrayBuffer(size, { maxByteLength: size + growth });
  const words = new Int32Array(memory, 0, size / 4);
  return { kind, name: nextName(kind), memory, at: 0, words, party: thisParty() };
}

/** Views the memory that a handle stands for. */
export function seatOf(handle: SharedHandle, kind: string): Seat {
  if (handle?.weft !== "shared" || handle.kind !== kind) {
    throw new TypeError(
      `Cannot make a ${kind} from ${describe(handle)}: pass what share() of a ${kind} gave`,
    );
  }
  const { name, memory, at, parties } = handle;
  return { kind, name, memory, at, words: new Int32Array(memory), party: partyIn(parties) };
}

/** The memory that a handle stands for, or without one new memory of so many bytes. */
export function seatFor(
  kind: string,
  handle: SharedHandle | undefined,
  bytes: number,
): Seat {
  return handle === undefined ? newSeat(kind, bytes) : seatOf(handle, kind);
}

/** A handle of another primitive within the same memory, whose words begin at `at`. */
export function handleWithin(seat: Seat, kind: string, at: number, name: string): SharedHandle {
  return handleOf({ ...seat, kind, at, name });
}

/** What stands for a seat in a message. */
export function handleOf({ kind, name, memory, at, party }: Seat): SharedHandle {
  return { weft: "shared", kind, name, memory, at, parties: party.table };
}

function describe(handle: SharedHandle | undefined): string {
  return handle?.weft === "shared" ? `a handle of ${handle.name}` : String(handle);
}
