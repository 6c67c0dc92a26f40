/**
 * Errors on their way between threads.
 *
 * Structured clone turns an error of one's own class, an `AggregateError` and a `Deno.errors.*` into a
 * plain `Error`, and drops `code` and every other field. So an error travels as a record, and is made
 * anew from the nearest class that both sides know, with the name, stack and fields it had. An
 * `instanceof RangeError` thus holds for a subclass of one's own too; its own class cannot be rebuilt,
 * because only its module knows the constructor.
 *
 * A field that no message can carry is left out: the rest of the error is worth more than the field.
 *
 * Whatever is thrown must arrive as something, or its job would never end. A getter, a proxy or a
 * `toString` may throw when it is looked at, and may do so the second time only. So every look at a
 * thrown value is in a catch, and what goes into a record is read once: plain values are cloned here,
 * and no code of the thrower runs when the message is sent. Errors that refer to one another are each
 * taken apart once, however many ways lead to them, and a circle is cut where it closes.
 */
import * as kernelErrors from "../kernel/errors.ts";
import { errorText, printable } from "../kernel/printable.ts";
import * as workerErrors from "./worker_error.ts";

/** A value on its way: cloned as it is, or an error, or a list that may contain errors. */
export type TransportedError =
  | { readonly kind: "plain"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: ErrorRecord }
  | { readonly kind: "list"; readonly items: readonly TransportedError[] };

/** An error, taken apart. */
export interface ErrorRecord {
  /** The nearest class that both sides know. */
  readonly base: string;
  /** Its name, or that of its class if it has no name of its own. */
  readonly name: string;
  /** Its message. */
  readonly message: string;
  /** Where it was made. */
  readonly stack: string | undefined;
  /** Its other own properties, `cause` among them. */
  readonly fields: readonly ErrorField[];
}

/** An own property of an error. */
export interface ErrorField {
  /** Its key. */
  readonly key: string;
  /** Whether it shows up in loops. */
  readonly enumerable: boolean;
  /** Its value. */
  readonly value: TransportedError;
}

/** Causes of causes are followed this far. */
const DEEPEST = 8;
/** A chain of prototypes is followed this far: that of a proxy may have no end. */
const MOST_PROTOTYPES = 64;
/** So much is shown of a value that cannot be sent. */
const LONGEST = 1000;

const ownParts: ReadonlySet<string> = new Set(["name", "message", "stack"]);

const prototypes = new Map<string, object>();
const baseNames = new Map<object, string>();

function know(name: string, value: unknown): void {
  if (typeof value !== "function" || !(value.prototype instanceof Error || value === Error)) return;
  prototypes.set(name, value.prototype);
  baseNames.set(value.prototype, name);
}

const standard =
  "Error TypeError RangeError SyntaxError ReferenceError EvalError URIError AggregateError " +
  "SuppressedError DOMException";

for (const name of standard.split(" ")) know(name, Reflect.get(globalThis, name));
for (const [name, type] of Object.entries({ ...kernelErrors, ...workerErrors })) know(name, type);
for (const [name, type] of Object.entries(Deno.errors)) know(`Deno.errors.${name}`, type);

/** Takes whatever was thrown apart, so that a message can carry it. Never throws. */
export function packError(thrown: unknown): TransportedError {
  try {
    return pack(thrown, 0, new Map());
  } catch {
    return plainError(thrown);
  }
}

/** Makes anew what {@linkcode packError} took apart. Never throws, even if it is something else. */
export function unpackError(transported: TransportedError): unknown {
  try {
    return unpack(transported, new Map());
  } catch {
    return new Error("An error came that cannot be read");
  }
}

function pack(
  thrown: unknown,
  depth: number,
  seen: Map<object, TransportedError>,
): TransportedError {
  if (typeof thrown !== "object" || thrown === null) return packPlain(thrown);
  const known = seen.get(thrown);
  if (known !== undefined) return known;
  if (isError(thrown)) {
    if (depth >= DEEPEST) return { kind: "plain", value: errorText(thrown) };
    const record = packRecord(thrown);
    // As long as its fields are being packed, what leads back to it finds it without any.
    seen.set(thrown, { kind: "error", error: record });
    const fields = packFields(thrown, depth, seen);
    const transported: TransportedError = { kind: "error", error: { ...record, fields } };
    seen.set(thrown, transported);
    return transported;
  }
  if (depth < DEEPEST && isListWithErrors(thrown)) {
    seen.set(thrown, { kind: "list", items: [] });
    const items: TransportedError[] = [];
    for (const item of thrown) items.push(pack(item, depth + 1, seen));
    const transported: TransportedError = { kind: "list", items };
    seen.set(thrown, transported);
    return transported;
  }
  return packPlain(thrown);
}

/** A value that is no error: its clone; failing that, what it says of itself. */
function packPlain(value: unknown): TransportedError {
  const clone = cloneOf(value);
  if (clone !== null) return { kind: "plain", value: clone.value };
  const text = attempt(() => String(value));
  return text === undefined ? plainError(value) : { kind: "plain", value: text };
}

/** An error that stands for a value of which nothing can be sent. */
function plainError(thrown: unknown): TransportedError {
  const shown = attempt(() => printable(Deno.inspect(thrown), LONGEST)) ?? "an object";
  const message = `Something was thrown that cannot be sent: ${shown}`;
  return {
    kind: "error",
    error: { base: "Error", name: "Error", message, stack: undefined, fields: [] },
  };
}

/** A copy as a message would make it, or `null` if none can be made. */
function cloneOf(value: unknown): { readonly value: unknown } | null {
  if (typeof value === "function" || typeof value === "symbol") return null;
  if (typeof value !== "object" || value === null) return { value };
  return attempt(() => ({ value: structuredClone(value) })) ?? null;
}

function isError(value: unknown): value is Error {
  return typeof value === "object" && value !== null && baseOf(value) !== null;
}

function isListWithErrors(value: object): value is unknown[] {
  return attempt(() => Array.isArray(value) && value.some(isError)) === true;
}

function packRecord(error: Error): ErrorRecord {
  const stack = attempt(() => error.stack);
  return {
    base: baseOf(error) ?? "Error",
    name: attempt(() => nameOf(error)) ?? "Error",
    message: attempt(() => String(error.message)) ?? "its message cannot be read",
    stack: typeof stack === "string" ? stack : undefined,
    fields: [],
  };
}

/** Packs the other own properties. */
function packFields(
  error: Error,
  depth: number,
  seen: Map<object, TransportedError>,
): ErrorField[] {
  const fields: ErrorField[] = [];
  const properties = attempt(() => Object.getOwnPropertyDescriptors(error)) ?? {};
  for (const [key, property] of Object.entries<PropertyDescriptor>(properties)) {
    if (ownParts.has(key) || !("value" in property)) continue;
    const value = property.value as unknown;
    const isPlain = !isError(value) && !isListWithErrors(Object(value));
    const clone = isPlain ? cloneOf(value) : null;
    if (isPlain && clone === null) continue;
    fields.push({
      key,
      enumerable: property.enumerable === true,
      value: clone === null ? pack(value, depth + 1, seen) : { kind: "plain", value: clone.value },
    });
  }
  return fields;
}

/** Its own name; failing that, the name of its class. */
function nameOf(error: Error): string {
  const { name } = error;
  const typeName = attempt(() => error.constructor?.name);
  return name === "Error" && typeof typeName === "string" && typeName !== ""
    ? typeName
    : String(name);
}

/** The nearest class that both sides know; `null` if there is none, so that it is no error. */
function baseOf(value: object): string | null {
  return attempt(() => {
    let type: object | null = Object.getPrototypeOf(value);
    for (let i = 0; i < MOST_PROTOTYPES && type !== null; i++) {
      const name = baseNames.get(type);
      if (name !== undefined) return name;
      type = Object.getPrototypeOf(type);
    }
    return null;
  }) ?? null;
}

/** What `look` returns; `undefined` if it throws, because what it looks at does. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

function unpack(transported: TransportedError, made: Map<object, unknown>): unknown {
  if (made.has(transported)) return made.get(transported);
  switch (transported.kind) {
    case "plain":
      return transported.value;
    case "list": {
      const items: unknown[] = [];
      made.set(transported, items);
      for (const item of transported.items) items.push(unpack(item, made));
      return items;
    }
    case "error": {
      const error = blank(transported.error);
      made.set(transported, error);
      fill(error, transported.error, made);
      return error;
    }
    default:
      throw new TypeError("Cannot unpack an error: it is of no known kind");
  }
}

function fill(error: Error, record: ErrorRecord, made: Map<object, unknown>): void {
  const hidden = { enumerable: false, configurable: true, writable: true };
  if (error.name !== record.name) {
    Object.defineProperty(error, "name", { ...hidden, value: String(record.name) });
  }
  if (record.stack !== undefined) {
    Object.defineProperty(error, "stack", { ...hidden, value: record.stack });
  }
  for (const { key, enumerable, value } of record.fields) {
    Object.defineProperty(error, key, { ...hidden, enumerable, value: unpack(value, made) });
  }
}

/** An error of the right class, made without its constructor, whose parameters nobody knows here. */
function blank(record: ErrorRecord): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    if (record.base === "DOMException") return new DOMException(record.message, record.name);
    const error = new Error(record.message);
    const prototype = prototypes.get(record.base);
    return prototype === undefined ? error : Object.setPrototypeOf(error, prototype);
  } finally {
    Error.stackTraceLimit = limit;
  }
}
