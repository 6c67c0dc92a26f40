/**
 * Values as bytes, for queues and pipes in shared memory.
 *
 * Numbers, strings, byte arrays and the like are written here. Everything else that can be cloned (lists,
 * maps, dates, errors, objects that contain themselves) goes through the engine's own serializer, the
 * one behind `structuredClone`. It costs some microseconds a value and 5 ms to load, so it is loaded
 * when it is first needed. Rejected: a serializer for objects of our own; it would be faster for small
 * ones, and different from a clone in a hundred corners.
 *
 * That serializer knows only the engine's own types. A `URL`, a `Blob`, an `Event` keep what they are in
 * private fields or behind symbols, and it makes `{}` of them, in silence; so does this host's
 * `structuredClone` where they lie within another object (measured on 2.9). So an object is looked through
 * for objects of the platform first: each object's class is looked up among the global ones. The look calls
 * no getter: that is for the serializer to do, once. Members of a list are read as they are, because to ask
 * for the keys of a long one takes longer than to serialize it.
 *
 * An error goes as in every message of this library: with its class, code and fields.
 */
import { messageText } from "../../kernel/printable.ts";
import { packError, type TransportedError, unpackError } from "../transported_error.ts";
import { isShared } from "./pack.ts";
import { damaged } from "./region.ts";

/** A value as bytes. */
export interface Packet {
  /** How to read them. */
  readonly tag: number;
  /** The bytes; unless they are {@linkcode keep}t, only good until the next value is encoded. */
  readonly bytes: Uint8Array;
}

/** Tags must be less than this. */
export const TAGS = 16;

const UNDEFINED = 0;
const NULL = 1;
const TRUE = 2;
const FALSE = 3;
const INT32 = 4;
const FLOAT64 = 5;
const STRING = 6;
const BYTES = 7;
const CLONE = 8;
const ERROR = 9;
/** Tags from here on mean nothing. */
const KNOWN = 10;

const scratch = new Uint8Array(1 << 14);
const cells = new DataView(scratch.buffer);
const none = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

let loaded: typeof import("node:v8") | null = null;

function engine(): typeof import("node:v8") {
  return loaded ??= process.getBuiltinModule("node:v8");
}

/** Whether encoding it may run code of the value's own, such as a getter. */
export function isPlainCode(value: unknown): boolean {
  return typeof value !== "object" || value === null || isBytes(value);
}

/** Whether it is a `Uint8Array` and nothing more. Runs no code of the value's own. */
function isBytes(value: object): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.getPrototypeOf(value) === Uint8Array.prototype;
}

/**
 * Encodes a value. `what` needs that, as in `put into SharedQueue#1`.
 *
 * @throws {TypeError} If it cannot be cloned.
 */
export function encode(value: unknown, what: string): Packet {
  switch (typeof value) {
    case "undefined":
      return { tag: UNDEFINED, bytes: none };
    case "boolean":
      return { tag: value ? TRUE : FALSE, bytes: none };
    case "number":
      return encodeNumber(value);
    case "string":
      if (value.isWellFormed()) return { tag: STRING, bytes: encodeText(value) };
      break;
    case "object":
      if (value === null) return { tag: NULL, bytes: none };
      if (isBytes(value)) return { tag: BYTES, bytes: attached(value, what) };
      if (isShared(value)) throw refusal(what, value, "pass it as an argument instead");
      break;
  }
  try {
    if (Error.isError(value)) return { tag: ERROR, bytes: serialize(packError(value)) };
    const stranger = findPlatformObject(value);
    if (stranger === null) return { tag: CLONE, bytes: serialize(value) };
    throw new TypeError(`a ${stranger} has no copy that is bytes`);
  } catch (error) {
    throw refusal(what, value, messageText(error), error);
  }
}

/** The bytes themselves, which cannot be copied if they were moved elsewhere. */
function attached(bytes: Uint8Array, what: string): Uint8Array {
  if (!(bytes.buffer as ArrayBuffer).detached) return bytes;
  throw refusal(what, bytes, "its memory was moved to another thread");
}

/**
 * What the engine's own serializer makes of a value.
 *
 * @throws {Error} If something in it has no copy that is bytes, as shared memory.
 */
export function serialize(value: unknown): Uint8Array {
  const serializer = new (engine().Serializer)();
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer();
}

/** The value that {@linkcode serialize} was given. */
export function deserialize(bytes: Uint8Array): unknown {
  const deserializer = new (engine().Deserializer)(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}

/** A packet that stays as it is. */
export function keep({ tag, bytes }: Packet): Packet {
  return { tag, bytes: bytes.slice() };
}

/** Where the bytes of a value of some length are to be copied before they are decoded. */
export function room(tag: number, length: number): Uint8Array {
  return tag >= BYTES || length > scratch.length
    ? new Uint8Array(length)
    : scratch.subarray(0, length);
}

/** Whether a tag means anything, and may stand before so many bytes. */
export function isSound(tag: number, length: number): boolean {
  switch (tag) {
    case INT32:
      return length === 4;
    case FLOAT64:
      return length === 8;
    default:
      return tag > FALSE ? tag < KNOWN : length === 0;
  }
}

/** Decodes a value. */
export function decode(tag: number, bytes: Uint8Array): unknown {
  switch (tag) {
    case UNDEFINED:
      return undefined;
    case NULL:
      return null;
    case TRUE:
      return true;
    case FALSE:
      return false;
    case INT32:
      return cells.getInt32(0, true);
    case FLOAT64:
      return cells.getFloat64(0, true);
    case STRING:
      return decoder.decode(bytes);
    case BYTES:
      return bytes;
  }
  let value: unknown;
  try {
    value = deserialize(bytes);
  } catch (cause) {
    throw damaged(cause);
  }
  return tag === ERROR ? unpackError(value as TransportedError) : value;
}

function encodeNumber(value: number): Packet {
  if ((value | 0) === value && !Object.is(value, -0)) {
    cells.setInt32(0, value, true);
    return { tag: INT32, bytes: scratch.subarray(0, 4) };
  }
  cells.setFloat64(0, value, true);
  return { tag: FLOAT64, bytes: scratch.subarray(0, 8) };
}

function encodeText(text: string): Uint8Array {
  if (3 * text.length > scratch.length) return encoder.encode(text);
  return scratch.subarray(0, encoder.encodeInto(text, scratch).written);
}

function refusal(what: string, value: unknown, why: string, cause?: unknown): TypeError {
  const name = typeof value === "object" && value !== null && isShared(value)
    ? value.toString()
    : `a value of type ${typeof value}`;
  return new TypeError(`Cannot ${what}: ${name} does not go into bytes: ${why}`, { cause });
}

// -- Objects of the platform --

/** Global classes whose objects the engine copies by itself. */
const copied: ReadonlySet<string> = new Set((
  "Object Array Map Set Date RegExp Boolean Number String BigInt Error AggregateError EvalError " +
  "RangeError ReferenceError SuppressedError SyntaxError TypeError URIError DOMException " +
  "ArrayBuffer SharedArrayBuffer DataView"
).split(" "));

/** A chain of prototypes is followed this far: that of a proxy may have no end. */
const MOST_PROTOTYPES = 64;

/** Lists up to this length are looked through for named members, too. */
const SHORT = 64;

/** The name of the platform's class that a prototype belongs to; `null` if it is none of these. */
const classNames = new WeakMap<object, string | null>();

/** The class of an object of the platform that is, or lies within, a value; `null` if there is none. */
function findPlatformObject(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const seen = new Set<object>([value]);
  for (const object of seen) { // it grows while it is gone through
    const name = platformClassOf(object);
    if (name !== null) return name;
    addMembers(object, seen);
  }
  return null;
}

function platformClassOf(object: object): string | null {
  let prototype: object | null = Object.getPrototypeOf(object);
  if (prototype === Object.prototype || prototype === Array.prototype) return null;
  if (ArrayBuffer.isView(object)) return null;
  for (let i = 0; i < MOST_PROTOTYPES && prototype !== null; i++) {
    let name = classNames.get(prototype);
    if (name === undefined) classNames.set(prototype, name = platformClass(prototype));
    if (name !== null) return name;
    prototype = Object.getPrototypeOf(prototype);
  }
  return null;
}

/** Looked up by its name, because the host loads many of its classes when they are first asked for. */
function platformClass(prototype: object): string | null {
  const type: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  if (typeof type !== "function") return null;
  const name: unknown = Object.getOwnPropertyDescriptor(type, "name")?.value;
  if (typeof name !== "string" || copied.has(name)) return null;
  const isKnown = [globalThis, Deno].some((space) => {
    const property = Object.getOwnPropertyDescriptor(space, name);
    if (property === undefined) return false;
    // What a program makes global by an assignment is enumerable.
    if (space === globalThis && property.enumerable && "value" in property) return false;
    return Reflect.get(space, name) === type;
  });
  return isKnown ? name : null;
}

function addMembers(object: object, seen: Set<object>): void {
  if (ArrayBuffer.isView(object)) return;
  if (object instanceof Map) {
    for (const [key, value] of Map.prototype.entries.call(object)) {
      add(key, seen);
      add(value, seen);
    }
  } else if (object instanceof Set) {
    for (const value of Set.prototype.values.call(object)) add(value, seen);
  }
  if (Array.isArray(object)) {
    for (const member of object) add(member, seen);
    if (object.length > SHORT) return;
  }
  for (const key of Object.keys(object)) {
    add(Object.getOwnPropertyDescriptor(object, key)?.value, seen);
  }
}

function add(value: unknown, seen: Set<object>): void {
  if (typeof value === "object" && value !== null) seen.add(value);
}
