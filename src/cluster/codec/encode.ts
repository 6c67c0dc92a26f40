/**
 * Writing a value as bytes.
 *
 * The bytes grow in one buffer that is kept, and the result is a copy of its used part: an allocation per
 * message and no more. Two views of one buffer arrive with a buffer each. What has no copy on another machine
 * is refused, with the path to it; nothing is left out in silence, and no instance of a class turns into a
 * plain object. Properties are read as structured clone reads them (a getter is called), so a value must not
 * change while it is written.
 */
import { printable, show } from "../../kernel/printable.ts";
import { packError } from "../../parallel/transported_error.ts";
import { DEEPEST, TAG, VIEWS } from "./tags.ts";

/** No value may take more than this, in bytes. */
const MOST = 1 << 28;
/** The buffer is not kept if it has grown beyond this, in bytes. */
const MOST_KEPT = 1 << 20;

const utf8 = new TextEncoder();

/** A value has no copy on another machine. */
export class UnsendableError extends TypeError {
  /** `"UnsendableError"`. */
  override readonly name = "UnsendableError";
}

/**
 * Writes a value.
 *
 * @throws {UnsendableError} If part of it cannot travel; the message says which and why.
 */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const writer = spare ?? new Writer();
  spare = null;
  try {
    writer.value(value, 0);
    return writer.take();
  } finally {
    writer.clear();
    if (writer.size <= MOST_KEPT) spare = writer;
  }
}

/** The writer that is at rest; a getter that encodes something meanwhile gets one of its own. */
let spare: Writer | null = null;

class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;
  #seen: Map<object, number> | null = null;
  readonly #path: string[] = [];

  get size(): number {
    return this.#bytes.length;
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#used);
  }

  clear(): void {
    this.#used = 0;
    this.#seen = null;
    this.#path.length = 0;
  }

  value(value: unknown, depth: number): void {
    switch (typeof value) {
      case "undefined":
        return this.#byte(TAG.undefined);
      case "boolean":
        return this.#byte(value ? TAG.true : TAG.false);
      case "number":
        return this.#number(value);
      case "string":
        return this.#string(value);
      case "bigint":
        this.#byte(TAG.bigint);
        this.#byte(value < 0n ? 1 : 0);
        return this.#string((value < 0n ? -value : value).toString(16));
      case "object":
        if (value === null) return this.#byte(TAG.null);
        return this.#object(value, depth);
      default:
        return this.#refuse(
          typeof value === "function" ? "a function has no copy there" : "a symbol has none",
          value,
        );
    }
  }

  #object(value: object, depth: number): void {
    const seen = this.#seen ??= new Map();
    const number = seen.get(value);
    if (number !== undefined) {
      this.#byte(TAG.seen);
      return this.#count(number);
    }
    if (depth > DEEPEST) this.#refuse(`it is nested more than ${DEEPEST} deep`, value);
    seen.set(value, seen.size);
    if (Array.isArray(value)) return this.#array(value, depth);
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#plain(value, depth);
    if (ArrayBuffer.isView(value)) return this.#viewOf(value);
    if (value instanceof ArrayBuffer) return this.#buffer(value);
    if (value instanceof Map) return this.#map(value, depth);
    if (value instanceof Set) return this.#set(value, depth);
    if (value instanceof Date) {
      this.#byte(TAG.date);
      return this.#double(Date.prototype.getTime.call(value));
    }
    if (value instanceof RegExp) {
      this.#byte(TAG.regexp);
      this.#string(value.source);
      return this.#string(value.flags);
    }
    if (value instanceof Error) return this.#error(value, depth);
    this.#refuse(reasonFor(value), value);
  }

  #array(items: readonly unknown[], depth: number): void {
    if (items.length > MOST) this.#refuseSize();
    this.#byte(TAG.array);
    this.#count(items.length);
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (item === undefined && !(i in items)) this.#byte(TAG.hole);
      else this.#inside(item, depth, `[${i}]`);
    }
  }

  #plain(value: object, depth: number): void {
    const keys = Object.keys(value);
    this.#byte(TAG.object);
    this.#count(keys.length);
    for (const key of keys) {
      this.#string(key);
      this.#inside((value as Record<string, unknown>)[key], depth, `.${key}`);
    }
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    const pairs = [...map];
    this.#byte(TAG.map);
    this.#count(pairs.length);
    for (const [key, item] of pairs) {
      this.#inside(key, depth, " → a key");
      this.#inside(item, depth, " → an item");
    }
  }

  #set(set: ReadonlySet<unknown>, depth: number): void {
    const items = [...set];
    this.#byte(TAG.set);
    this.#count(items.length);
    for (const item of items) this.#inside(item, depth, " → an item");
  }

  #buffer(buffer: ArrayBuffer): void {
    if (buffer.detached) this.#refuse("the buffer has been moved away", buffer);
    this.#byte(TAG.buffer);
    this.#raw(new Uint8Array(buffer));
  }

  /** A view takes its own part of the buffer along, and nothing of what else is in there. */
  #viewOf(view: ArrayBufferView): void {
    const kind = VIEWS.findIndex((type) => view instanceof type);
    const { buffer, byteOffset, byteLength } = view;
    if (kind < 0) this.#refuse("this kind of view has no copy there", view);
    if (!(buffer instanceof ArrayBuffer)) this.#refuse("shared memory is of one machine", view);
    if (buffer.detached) this.#refuse("its buffer has been moved away", view);
    this.#byte(TAG.view);
    this.#byte(kind);
    this.#raw(new Uint8Array(buffer, byteOffset, byteLength));
  }

  /** An error travels with what of it can; the rest of it is worth more than one field. */
  #error(error: Error, depth: number): void {
    this.#byte(TAG.error);
    const packed = packError(error);
    const [used, seen, steps] = [this.#used, new Map(this.#seen), this.#path.length];
    try {
      this.value(packed, depth + 1);
    } catch {
      this.#used = used;
      this.#seen = seen;
      this.#path.length = steps;
      const bare = packed.kind === "error" ? { ...packed.error, fields: [] } : undefined;
      this.value(bare === undefined ? undefined : { kind: "error", error: bare }, depth + 1);
    }
  }

  #inside(value: unknown, depth: number, step: string): void {
    this.#path.push(step);
    this.value(value, depth + 1);
    this.#path.pop();
  }

  #number(n: number): void {
    if ((n | 0) === n && !(n === 0 && 1 / n < 0)) {
      this.#byte(TAG.int);
      return this.#count(((n << 1) ^ (n >> 31)) >>> 0);
    }
    this.#byte(TAG.double);
    this.#double(n);
  }

  #double(n: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#used, n, true);
    this.#used += 8;
  }

  #string(text: string): void {
    const { length } = text;
    this.#room(length * 3 + 6);
    if (length <= 64) {
      let at = this.#used;
      const bytes = this.#bytes;
      bytes[at++] = TAG.ascii;
      bytes[at++] = length;
      let i = 0;
      for (; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 127) break;
        bytes[at++] = unit;
      }
      if (i === length) {
        this.#used = at;
        return;
      }
    }
    if (!text.isWellFormed()) return this.#units(text);
    this.#byte(TAG.text);
    const written = utf8.encodeInto(text, this.#bytes.subarray(this.#used + 5)).written;
    const start = this.#used + 5;
    this.#count(written);
    this.#bytes.copyWithin(this.#used, start, start + written);
    this.#used += written;
  }

  #units(text: string): void {
    this.#byte(TAG.units);
    this.#count(text.length);
    for (let i = 0; i < text.length; i++) {
      this.#view.setUint16(this.#used, text.charCodeAt(i), true);
      this.#used += 2;
    }
  }

  #raw(bytes: Uint8Array): void {
    this.#count(bytes.length);
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #count(n: number): void {
    this.#room(6);
    while (n > 127) {
      this.#bytes[this.#used++] = (n % 128) | 128;
      n = Math.floor(n / 128);
    }
    this.#bytes[this.#used++] = n;
  }

  #byte(byte: number): void {
    this.#room(1);
    this.#bytes[this.#used++] = byte;
  }

  #room(count: number): void {
    const needed = this.#used + count;
    if (needed <= this.#bytes.length) return;
    if (needed > MOST) this.#refuseSize();
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  #refuseSize(): never {
    throw new UnsendableError(`Cannot send more than ${MOST} bytes to another machine at once`);
  }

  #refuse(why: string, value: unknown): never {
    const where = this.#path.length === 0 ? "" : ` at ${printable(this.#path.join(""))}`;
    throw new UnsendableError(
      `Cannot send ${show(value)}${where} to another machine: ${why}`,
    );
  }
}

function reasonFor(value: object): string {
  if (value instanceof Promise) return "await a promise before you send its value";
  if (value instanceof SharedArrayBuffer) return "shared memory is of one machine";
  const name = (value.constructor as { name?: unknown } | undefined)?.name;
  const of = typeof name === "string" && name !== "" ? ` ${printable(name)}` : "";
  return `an instance of the class${of} has no copy there; send its fields as a plain object`;
}
