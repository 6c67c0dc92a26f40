/**
 * The tags of the codec: one byte that says what follows.
 *
 * The codec is our own. Node's `v8.serialize` was rejected: its reader is made for bytes that come from
 * the same program, V8 says of it that it is not safe for others, its format follows V8's version, and on
 * Deno each call crosses into the host, which costs more than the small values that most jobs carry. JSON
 * was rejected because it knows no typed array, no `Map`, no cycle and no `undefined`.
 *
 * Reading runs no code but this: what comes is data, objects get own properties only (`__proto__`
 * included, as a property), and an error gets its class from those that both sides know.
 *
 * A format of version 1. What changes it changes `PROTOCOL` in wire/protocol.ts.
 */

/** What a byte stands for. Lengths and counts are unsigned LEB128. */
export const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** A whole number: zigzag LEB128 of 32 bits. */
  int: 4,
  /** Any other number: 8 bytes, little-endian. */
  double: 5,
  /** `length`, that many Latin-1 bytes below 128. */
  ascii: 6,
  /** `length` in bytes, UTF-8: only for text that has such a form. */
  text: 7,
  /** `length` in units, two bytes each, little-endian: any text, lone surrogates included. */
  units: 8,
  /** A sign, and a text of hexadecimal digits. */
  bigint: 9,
  /** A double. */
  date: 10,
  /** Source and flags, two strings. */
  regexp: 11,
  /** `count`, items. */
  array: 12,
  /** No item at this place of an array. */
  hole: 13,
  /** `count`, pairs of string and value. */
  object: 14,
  /** `count`, pairs. */
  map: 15,
  /** `count`, items. */
  set: 16,
  /** `length`, bytes. */
  buffer: 17,
  /** The kind of view, `length` in bytes, bytes. */
  view: 18,
  /** The record of an error. */
  error: 19,
  /** An object that was met before, by its number in the order of meeting. */
  seen: 20,
} as const;

/** How deeply values may be nested; each level takes some of the stack. */
export const DEEPEST = 500;

/** The constructor of a view. */
export type ViewType = new (buffer: ArrayBuffer) => ArrayBufferView;

/** The views of buffers, by their number on the wire: never reorder. */
export const VIEWS: readonly ViewType[] = [
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  Float16Array,
];
