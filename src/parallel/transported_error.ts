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
 */
import * as kernelErrors from "../kernel/errors.ts";
import { BrokenPoolError, WorkerCrashedError, WorkerError } from "./worker_error.ts";

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

const ownParts: ReadonlySet<string> = new Set(["name", "message", "stack"]);

const prototypes = new Map<string, object>();
const baseNames = new Map<object, string>();

function know(name: string, value: unknown): void {
  if (typeof value !== "function" || !(value.prototype instanceof Error || value === Error)) return;
  prototypes.set(name, value.prototype);
  baseNames.set(value.prototype, name);
}

for (
  const type of [
    Error,
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
    AggregateError,
    SuppressedError,
    DOMException,
    WorkerError,
    WorkerCrashedError,
    BrokenPoolError,
  ]
) know(type.name, type);
for (const [name, type] of Object.entries(kernelErrors)) know(name, type);
for (const [name, type] of Object.entries(Deno.errors)) know(`Deno.errors.${name}`, type);

/** Takes whatever was thrown apart, so that a message can carry it. */
export function packError(thrown: unknown, depth = 0): TransportedError {
  if (isError(thrown)) {
    if (depth < DEEPEST) return { kind: "error", error: packRecord(thrown, depth) };
    return { kind: "plain", value: String(thrown) };
  }
  if (Array.isArray(thrown) && thrown.some(isError)) {
    return { kind: "list", items: thrown.map((item) => packError(item, depth + 1)) };
  }
  return { kind: "plain", value: canBeCloned(thrown) ? thrown : String(thrown) };
}

/** Makes anew what {@linkcode packError} took apart. */
export function unpackError(transported: TransportedError): unknown {
  switch (transported.kind) {
    case "plain":
      return transported.value;
    case "list":
      return transported.items.map(unpackError);
    case "error":
      return unpackRecord(transported.error);
  }
}

/** Whether a value can be copied into another thread. */
export function canBeCloned(value: unknown): boolean {
  if (typeof value === "function" || typeof value === "symbol") return false;
  if (typeof value !== "object" || value === null) return true;
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

function isError(value: unknown): value is Error {
  return value instanceof Error;
}

function packRecord(error: Error, depth: number): ErrorRecord {
  const base = nearestBase(error);
  const fields: ErrorField[] = [];
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(error))) {
    if (ownParts.has(key) || !("value" in property)) continue;
    const value = property.value as unknown;
    if (!isError(value) && !Array.isArray(value) && !canBeCloned(value)) continue;
    fields.push({
      key,
      enumerable: property.enumerable === true,
      value: packError(value, depth + 1),
    });
  }
  return { base, name: nameOf(error), message: String(error.message), stack: error.stack, fields };
}

/** Its own name; failing that, the name of its class. */
function nameOf(error: Error): string {
  const { name } = error;
  const typeName = error.constructor?.name;
  return name === "Error" && typeof typeName === "string" && typeName !== ""
    ? typeName
    : String(name);
}

function nearestBase(error: Error): string {
  for (let type = Object.getPrototypeOf(error); type !== null; type = Object.getPrototypeOf(type)) {
    const name = baseNames.get(type);
    if (name !== undefined) return name;
  }
  return "Error";
}

function unpackRecord(record: ErrorRecord): Error {
  const error = blank(record);
  const hidden = { enumerable: false, configurable: true, writable: true };
  if (error.name !== record.name) {
    Object.defineProperty(error, "name", { ...hidden, value: record.name });
  }
  if (record.stack !== undefined) {
    Object.defineProperty(error, "stack", { ...hidden, value: record.stack });
  }
  for (const { key, enumerable, value } of record.fields) {
    Object.defineProperty(error, key, { ...hidden, enumerable, value: unpackError(value) });
  }
  return error;
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
