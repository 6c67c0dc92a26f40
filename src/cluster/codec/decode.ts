/**
 * Reading a value from bytes that anybody may have written.
 *
 * Every length is held against the bytes that are left before anything is made of it, so that a short
 * message cannot ask for a long array; depth is bounded; what is no value is refused as a whole.
 */
import { type TransportedError, unpackError } from "../../parallel/transported_error.ts";
import { DEEPEST, TAG, VIEWS, type ViewType } from "./tags.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that are no value. */
export class UnreadableError extends Error {
  /** `"UnreadableError"`. */
  override readonly name = "UnreadableError";
}

/**
 * Reads what `encode` wrote.
 *
 * @throws {UnreadableError} If the bytes are anything else.
 */
export function decode(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  try {
    const value = reader.value(0);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof UnreadableError) throw error;
    throw new UnreadableError("Cannot read a message: it holds no value", { cause: error });
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  readonly #seen: object[] = [];

  constructor(bytes: Uint8Array) {
    // The client gives a `Buffer`, whose `slice` does not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) this.#refuse("something stands behind the value");
  }

  value(depth: number): unknown {
    if (depth > DEEPEST + 1) this.#refuse("it is nested too deeply");
    const tag = this.#byte();
    switch (tag) {
      case TAG.undefined:
        return undefined;
      case TAG.null:
        return null;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.int: {
        const n = this.#count();
        return (n >>> 1) ^ -(n & 1);
      }
      case TAG.double:
        return this.#double();
      case TAG.ascii:
      case TAG.text:
      case TAG.units:
        return this.#stringOf(tag);
      case TAG.bigint: {
        const isNegative = this.#byte() === 1;
        const digits = this.#string();
        if (!/^[0-9a-f]+$/.test(digits)) this.#refuse("a bigint has no digits");
        const n = BigInt(`0x${digits}`);
        return isNegative ? -n : n;
      }
      case TAG.date:
        return this.#met(new Date(this.#double()));
      case TAG.regexp: {
        const source = this.#string();
        return this.#met(new RegExp(source, this.#string()));
      }
      case TAG.array:
        return this.#array(depth);
      case TAG.object:
        return this.#object(depth);
      case TAG.map:
        return this.#map(depth);
      case TAG.set: {
        const set = this.#met(new Set<unknown>());
        for (let left = this.#size(1); left > 0; left--) set.add(this.value(depth + 1));
        return set;
      }
      case TAG.buffer:
        return this.#met(this.#buffer());
      case TAG.view:
        return this.#viewOf();
      case TAG.error: {
        const place = this.#seen.push({}) - 1;
        const error = unpackError(this.value(depth + 1) as TransportedError);
        return this.#seen[place] = Object(error);
      }
      case TAG.seen: {
        const value = this.#seen[this.#count()];
        return value ?? this.#refuse("it names an object that was not met");
      }
      default:
        return this.#refuse("it holds a tag that nobody knows");
    }
  }

  #array(depth: number): unknown[] {
    const items = this.#met([] as unknown[]);
    const count = this.#size(1);
    for (let i = 0; i < count; i++) {
      if (this.#bytes[this.#at] === TAG.hole) this.#at++;
      else items[i] = this.value(depth + 1);
    }
    items.length = count;
    return items;
  }

  #object(depth: number): object {
    const object = this.#met({} as Record<string, unknown>);
    for (let left = this.#size(2); left > 0; left--) {
      const key = this.#string();
      const value = this.value(depth + 1);
      if (key !== "__proto__") object[key] = value;
      else {
        Object.defineProperty(object, key, {
          value,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
    }
    return object;
  }

  #map(depth: number): Map<unknown, unknown> {
    const map = this.#met(new Map<unknown, unknown>());
    for (let left = this.#size(2); left > 0; left--) {
      const key = this.value(depth + 1);
      map.set(key, this.value(depth + 1));
    }
    return map;
  }

  #viewOf(): ArrayBufferView {
    const type: ViewType = VIEWS[this.#byte()] ?? this.#refuse("it holds a view that nobody knows");
    return this.#met(new type(this.#buffer()));
  }

  /** A buffer of its own, so that nothing else of the message stays in memory with it. */
  #buffer(): ArrayBuffer {
    const length = this.#size(1);
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length).buffer as ArrayBuffer;
  }

  #string(): string {
    return this.#stringOf(this.#byte());
  }

  #stringOf(tag: number): string {
    switch (tag) {
      case TAG.ascii: {
        const length = this.#size(1);
        const start = this.#take(length);
        let text = "";
        for (let i = start; i < start + length; i++) text += String.fromCharCode(this.#bytes[i]!);
        return text;
      }
      case TAG.text: {
        const length = this.#size(1);
        const start = this.#take(length);
        return utf8.decode(this.#bytes.subarray(start, start + length));
      }
      case TAG.units: {
        const length = this.#size(2);
        let text = "";
        for (let left = length; left > 0; left--) {
          text += String.fromCharCode(this.#view.getUint16(this.#take(2), true));
        }
        return text;
      }
      default:
        return this.#refuse("a text is missing");
    }
  }

  /** Numbers an object as the writer did: before what is in it. */
  #met<O extends object>(object: O): O {
    this.#seen.push(object);
    return object;
  }

  /** A count of things that take at least `least` bytes each. */
  #size(least: number): number {
    const count = this.#count();
    if (count * least > this.#bytes.length - this.#at) this.#refuse("it is cut off");
    return count;
  }

  #count(): number {
    let [n, unit] = [0, 1];
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte();
      n += (byte & 127) * unit;
      if (byte < 128) return n;
      unit *= 128;
    }
    return this.#refuse("a number has no end");
  }

  #double(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  /** Goes past `count` bytes; gives where they begin. */
  #take(count: number): number {
    const start = this.#at;
    if (count > this.#bytes.length - start) this.#refuse("it is cut off");
    this.#at = start + count;
    return start;
  }

  #refuse(why: string): never {
    throw new UnreadableError(`Cannot read a message: ${why}`);
  }
}
