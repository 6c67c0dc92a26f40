/**
 * The kinds of numbers that shared memory holds, and how each is read and written, one or several side by side.
 *
 * Whole numbers and truth values go through `Atomics`, so that nobody sees half a value or an old one.
 * There are no atomics for floats: these are plainly read and written. On the machines Deno runs on an
 * aligned float is never seen half written either.
 */
import { checkWhole } from "../../kernel/checks.ts";
import { printable, show } from "../../kernel/printable.ts";
import { LOCK_WORDS, SharedRLock } from "./lock.ts";
import { damaged, handleWithin, newRegion, type Region } from "./region.ts";

/** Kinds of values that can be shared. */
export type SharedKind = keyof KindArrays;

/** Kinds of whole numbers. */
export type WholeKind = Exclude<SharedKind, "float32" | "float64" | "bool">;

/** The type of a value of some kind. */
export type KindOf<K extends SharedKind> = K extends "bool" ? boolean
  : K extends "bigint64" | "biguint64" ? bigint
  : number;

/** The type of a value of some kind, if it is a kind of whole numbers. */
export type WholeOf<K extends SharedKind> = K extends WholeKind ? KindOf<K> : never;

/** The typed array that holds values of some kind; a truth value is a byte, 0 or 1. */
export type ArrayOf<K extends SharedKind> = KindArrays[K];

/** The typed array of each kind. */
export interface KindArrays {
  /** 8 bits, signed. */
  int8: Int8Array<SharedArrayBuffer>;
  /** 8 bits. */
  uint8: Uint8Array<SharedArrayBuffer>;
  /** 16 bits, signed. */
  int16: Int16Array<SharedArrayBuffer>;
  /** 16 bits. */
  uint16: Uint16Array<SharedArrayBuffer>;
  /** 32 bits, signed. */
  int32: Int32Array<SharedArrayBuffer>;
  /** 32 bits. */
  uint32: Uint32Array<SharedArrayBuffer>;
  /** 64 bits, signed, as `bigint`. */
  bigint64: BigInt64Array<SharedArrayBuffer>;
  /** 64 bits, as `bigint`. */
  biguint64: BigUint64Array<SharedArrayBuffer>;
  /** A float of 32 bits. */
  float32: Float32Array<SharedArrayBuffer>;
  /** A float of 64 bits, as every `number` is. */
  float64: Float64Array<SharedArrayBuffer>;
  /** `true` or `false`. */
  bool: Uint8Array<SharedArrayBuffer>;
}

/** All kinds, in an order that never changes: shared memory holds places in it. */
const makers: { readonly [K in SharedKind]: new (...args: ViewArgs) => KindArrays[K] } = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bigint64: BigInt64Array,
  biguint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
  bool: Uint8Array,
};

/** Their names, in that order. */
export const kindNames: readonly SharedKind[] = Object.keys(makers) as SharedKind[];

type ViewArgs = [buffer: SharedArrayBuffer, byteOffset: number, length: number];

/** How many bytes a value of some kind takes. */
function bytesOf(kind: SharedKind): number {
  const maker = typeof kind === "string" ? makers[kind] : undefined;
  const bytes: unknown = Reflect.get(maker ?? {}, "BYTES_PER_ELEMENT");
  if (typeof bytes === "number") return bytes;
  throw new TypeError(
    `Cannot share values of kind ${show(kind)}: the kinds are ${kindNames.join(", ")}`,
  );
}

/** The kind, as a place in the list of kinds; and how many there are. */
const KIND = 0;
const LENGTH = 1;
const LOCK = 2;
/** Where the values begin, in bytes, so that any kind is aligned. */
const VALUES_BYTE = 4 * (LOCK + LOCK_WORDS);

/**
 * The memory for so many values of a kind.
 *
 * @throws {TypeError} If there is no such kind.
 */
export function newCells(name: string, kind: SharedKind, length: number): Region {
  checkWhole(length, `make a ${name} of`, "elements", { least: 0, most: 0x7fff_ffff });
  const region = newRegion(name, VALUES_BYTE + length * bytesOf(kind));
  region.words[KIND] = kindNames.indexOf(kind);
  region.words[LENGTH] = length;
  return region;
}

/** Atomics over arrays of numbers and of bigints alike; TypeScript has no one type for both. */
interface AnyAtomics {
  load(array: unknown, index: number): unknown;
  store(array: unknown, index: number, value: unknown): unknown;
  add(array: unknown, index: number, value: unknown): unknown;
  sub(array: unknown, index: number, value: unknown): unknown;
  compareExchange(array: unknown, index: number, expected: unknown, next: unknown): unknown;
}

const atomics = Atomics as unknown as AnyAtomics;

/** Values of one kind in shared memory, by index, and a lock for them: the inside of both classes. */
export class Cells<K extends SharedKind> {
  /** The kind. */
  readonly kind: K;
  /** How many there are. */
  readonly length: number;
  /** The typed array over their memory. */
  readonly array: ArrayOf<K>;
  readonly #region: Region;
  readonly #type: "boolean" | "bigint" | "number";
  readonly #isFloat: boolean;
  #lock: SharedRLock | undefined;

  /** The values in a region, of the kind that it was made for. */
  constructor(region: Region) {
    const kind = kindNames[region.words[KIND]!];
    if (kind === undefined) throw damaged();
    this.#region = region;
    this.kind = kind as K;
    this.length = region.words[LENGTH]!;
    this.array = new makers[kind](region.memory, VALUES_BYTE, this.length) as ArrayOf<K>;
    this.#type = kind === "bool" ? "boolean" : kind.startsWith("big") ? "bigint" : "number";
    this.#isFloat = kind.startsWith("float");
  }

  /** The lock, the same in all threads. */
  get lock(): SharedRLock {
    const name = `${this.#region.name}.lock`;
    return this.#lock ??= new SharedRLock(handleWithin(this.#region, "SharedRLock", LOCK, name));
  }

  /** The value at an index. */
  read(index: number): KindOf<K> {
    if (this.#isFloat) return this.array[index] as KindOf<K>;
    return this.#value(atomics.load(this.array, index));
  }

  /** Sets the value at an index. */
  write(index: number, value: KindOf<K>): void {
    const cell = this.#cell(value);
    if (this.#isFloat) this.array[index] = cell as never;
    else atomics.store(this.array, index, cell);
  }

  /** Adds a whole number; returns the value before. */
  add(index: number, by: WholeOf<K>): KindOf<K> {
    return atomics.add(this.array, index, this.#wholeCell(by)) as KindOf<K>;
  }

  /** Subtracts a whole number; returns the value before. */
  sub(index: number, by: WholeOf<K>): KindOf<K> {
    return atomics.sub(this.array, index, this.#wholeCell(by)) as KindOf<K>;
  }

  /** Sets the value if it is what was expected; returns the value before. */
  compareExchange(index: number, expected: KindOf<K>, next: KindOf<K>): KindOf<K> {
    if (this.#isFloat) {
      throw new TypeError(
        `Cannot exchange ${this.#region.name} in one step: there are no atomics for "${this.kind}"; use its lock`,
      );
    }
    const [old, cell] = [this.#cell(expected), this.#cell(next)];
    return this.#value(atomics.compareExchange(this.array, index, old, cell));
  }

  #value(cell: unknown): KindOf<K> {
    return (this.#type === "boolean" ? cell === 1 : cell) as KindOf<K>;
  }

  #wholeCell(by: unknown): unknown {
    if (!this.#isFloat && this.#type !== "boolean") return this.#cell(by);
    throw new TypeError(
      `Cannot add to ${this.#region.name} in one step: its kind "${this.kind}" is no whole number; use its lock`,
    );
  }

  /** What stands in memory for a value; the wrong type would be turned into zero in silence. */
  #cell(value: unknown): unknown {
    const type: string = typeof value;
    if (type !== this.#type) {
      const text = typeof value === "string" ? printable(value, 60) : show(value);
      throw new TypeError(
        `Cannot put ${text} into ${this.#region.name}: its kind "${this.kind}" takes a ${this.#type}`,
      );
    }
    return this.#type === "boolean" ? Number(value) : value;
  }
}
