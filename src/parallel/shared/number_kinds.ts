/**
 * The kinds of numbers that shared memory holds, and how each is read and written.
 *
 * Whole numbers and truth values go through `Atomics`, so that nobody sees half a value or an old one.
 * There are no atomics for floats: these are plainly read and written. On the machines Deno runs on an
 * aligned float is never seen half written either.
 */
import { printable, show } from "../../kernel/printable.ts";

/** Kinds of whole numbers. */
export type WholeKind =
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "bigint64"
  | "biguint64";

/** Kinds of values that can be shared. */
export type SharedKind = WholeKind | "float32" | "float64" | "bool";

/** The type of a value of some kind. */
export type KindOf<K extends SharedKind> = K extends "bool" ? boolean
  : K extends "bigint64" | "biguint64" ? bigint
  : number;

/** The type of a value of some kind, if it is a kind of whole numbers. */
export type WholeOf<K extends SharedKind> = K extends WholeKind ? KindOf<K> : never;

/** The typed array that holds values of some kind; a truth value is a byte, 0 or 1. */
export type ArrayOf<K extends SharedKind> = K extends keyof KindArrays ? KindArrays[K] : never;

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

type ViewArgs = [buffer: SharedArrayBuffer, byteOffset: number, length: number];

/** All kinds, in an order that never changes: shared memory holds places in it. */
export const kindNames: readonly SharedKind[] = [
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "bigint64",
  "biguint64",
  "float32",
  "float64",
  "bool",
];

/** How many bytes a value of some kind takes. */
export function bytesOf(kind: SharedKind): number {
  const maker = typeof kind === "string" ? makers[kind] : undefined;
  const bytes: unknown = Reflect.get(maker ?? {}, "BYTES_PER_ELEMENT");
  if (typeof bytes === "number") return bytes;
  throw new TypeError(
    `Cannot share values of kind ${show(kind)}: the kinds are ${kindNames.join(", ")}`,
  );
}

function isWhole(kind: SharedKind): boolean {
  return kind !== "bool" && !isFloat(kind);
}

function isFloat(kind: SharedKind): boolean {
  return kind === "float32" || kind === "float64";
}

/** Values of one kind in shared memory, by index. */
export interface SharedView<K extends SharedKind> {
  /** The kind. */
  readonly kind: K;
  /** The typed array. */
  readonly array: ArrayOf<K>;
  /** The value at an index. */
  read(index: number): KindOf<K>;
  /** Sets the value at an index. */
  write(index: number, value: KindOf<K>): void;
  /** Adds a whole number; returns the value before. */
  add(index: number, by: KindOf<K>): KindOf<K>;
  /** Subtracts a whole number; returns the value before. */
  sub(index: number, by: KindOf<K>): KindOf<K>;
  /** Sets the value if it is what was expected; returns the value before. */
  compareExchange(index: number, expected: KindOf<K>, next: KindOf<K>): KindOf<K>;
}

/** Views memory as values of some kind; `owner` is for messages. */
export function viewOf<K extends SharedKind>(
  kind: K,
  memory: SharedArrayBuffer,
  byteOffset: number,
  length: number,
  owner: string,
): SharedView<K> {
  bytesOf(kind);
  return new NumberView(kind, new makers[kind](memory, byteOffset, length), owner) as never;
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

class NumberView {
  readonly kind: SharedKind;
  readonly array: { [index: number]: unknown };
  readonly #owner: string;
  readonly #type: "boolean" | "bigint" | "number";
  readonly #float: boolean;

  constructor(kind: SharedKind, array: { [index: number]: unknown }, owner: string) {
    this.kind = kind;
    this.array = array;
    this.#owner = owner;
    this.#type = kind === "bool" ? "boolean" : kind.startsWith("big") ? "bigint" : "number";
    this.#float = isFloat(kind);
  }

  read(index: number): unknown {
    if (this.#float) return this.array[index];
    const value = atomics.load(this.array, index);
    return this.#type === "boolean" ? value === 1 : value;
  }

  write(index: number, value: unknown): void {
    const cell = this.#cell(value);
    if (this.#float) this.array[index] = cell;
    else atomics.store(this.array, index, cell);
  }

  add(index: number, by: unknown): unknown {
    return atomics.add(this.array, index, this.#wholeCell(by));
  }

  sub(index: number, by: unknown): unknown {
    return atomics.sub(this.array, index, this.#wholeCell(by));
  }

  compareExchange(index: number, expected: unknown, next: unknown): unknown {
    if (this.#float) {
      throw new TypeError(
        `Cannot exchange ${this.#owner} in one step: there are no atomics for "${this.kind}"; use its lock`,
      );
    }
    const before = atomics.compareExchange(
      this.array,
      index,
      this.#cell(expected),
      this.#cell(next),
    );
    return this.#type === "boolean" ? before === 1 : before;
  }

  #wholeCell(by: unknown): unknown {
    if (isWhole(this.kind)) return this.#cell(by);
    throw new TypeError(
      `Cannot add to ${this.#owner} in one step: its kind "${this.kind}" is no whole number; use its lock`,
    );
  }

  /** What stands in memory for a value; the wrong type would be turned into zero in silence. */
  #cell(value: unknown): unknown {
    const type: string = typeof value;
    if (type !== this.#type) {
      throw new TypeError(
        `Cannot put ${
          typeof value === "string" ? printable(value, 60) : show(value)
        } into ${this.#owner}: its kind "${this.kind}" takes a ${this.#type}`,
      );
    }
    return this.#type === "boolean" ? Number(value) : value;
  }
}
