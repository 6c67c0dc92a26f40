/**
 * Checks of what users hand in: one rule and one wording for each kind of argument.
 *
 * Each names the value and the rule, before anything has happened. Verb and noun come apart, and not as a
 * ready text, so that a check that passes builds no string.
 */
import { printable, show } from "./printable.ts";

/** Which whole numbers will do. */
export interface WholeRange {
  readonly least: number;
  /** The greatest; all that are exact, unless said otherwise. */
  readonly most?: number;
  /** Whether `Infinity` will do, too. */
  readonly endless?: boolean;
}

/** How many there are, where none would make no sense. */
export const COUNT: WholeRange = { least: 1 };

/** How many there are, which may be none. */
export const COUNT_OR_NONE: WholeRange = { least: 0 };

/** How many there may be at most, or any number. */
export const BOUND: WholeRange = { least: 1, endless: true };

/** The same, where none is a bound, too. */
export const BOUND_OR_NONE: WholeRange = { least: 0, endless: true };

/**
 * Checks a whole number and returns it.
 *
 * @throws {RangeError} `Cannot <verb> <n> <noun>: it must be a whole number …`.
 */
export function checkWhole(n: number, verb: string, noun: string, range: WholeRange): number {
  const { least, most = Number.MAX_SAFE_INTEGER, endless = false } = range;
  if (Number.isSafeInteger(n) && n >= least && n <= most) return n;
  if (endless && n === Infinity) return n;
  const where = range.most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  const given: unknown = n;
  const isText = typeof given === "string";
  throw new RangeError(
    `Cannot ${verb} ${isText ? printable(n, 60) : show(n)} ${noun}: ` +
      `it must be a whole number ${where}${endless ? ", or Infinity" : ""}` +
      `${isText ? ", and not a string" : ""}`,
  );
}

/**
 * Checks a length of time and returns it.
 *
 * @throws {RangeError} If it is none.
 */
export function checkMs(ms: number, what: string): number {
  if (typeof ms !== "number" || Number.isNaN(ms) || ms < 0) {
    throw new RangeError(
      `Cannot use ${show(ms)} as ${what}: it must be a number of milliseconds, zero or more`,
    );
  }
  return ms;
}

/**
 * Checks a finite number, of either sign, and returns it.
 *
 * @throws {RangeError} If it is none.
 */
export function checkFinite(n: number, what: string): number {
  if (Number.isFinite(n)) return n;
  throw new RangeError(`Cannot use ${show(n)} as ${what}: it must be a finite number`);
}

/**
 * Checks a number, endless ones too, and returns it.
 *
 * @throws {RangeError} If it is none.
 */
export function checkNumber(n: number, what: string): number {
  if (typeof n === "number" && !Number.isNaN(n)) return n;
  throw new RangeError(`Cannot use ${show(n)} as ${what}: it must be a number`);
}

/**
 * Checks a function and returns it.
 *
 * @throws {TypeError} If it cannot be called.
 */
export function checkFunction<F>(f: F, what: string): F {
  if (typeof f === "function" && !isClass(f)) return f;
  throw new TypeError(`Cannot use ${show(f)} as ${what}: it must be a function`);
}

/**
 * Checks a function that may be left out, and returns it.
 *
 * @throws {TypeError} If something else was given.
 */
export function checkOptionalFunction<F>(f: F, what: string): F {
  return f === undefined ? f : checkFunction(f, what);
}

/**
 * Checks a flag and returns it.
 *
 * @throws {TypeError} If it is neither `true` nor `false`.
 */
export function checkFlag(flag: boolean, what: string): boolean {
  if (typeof flag === "boolean") return flag;
  throw new TypeError(`Cannot use ${show(flag)} as ${what}: it must be true or false`);
}

/**
 * Checks a string and returns it.
 *
 * @throws {TypeError} If it is none.
 */
export function checkString(text: string, what: string): string {
  if (typeof text === "string") return text;
  throw new TypeError(`Cannot use ${show(text)} as ${what}: it must be a string`);
}

/**
 * Checks one of a few words and returns it.
 *
 * @throws {TypeError} If it is none of them.
 */
export function checkOneOf<W extends string>(word: W, words: readonly W[], what: string): W {
  if (words.includes(word)) return word;
  const quoted = words.map((one) => `"${one}"`);
  const last = quoted.pop()!;
  throw new TypeError(
    `Cannot use ${show(word)} as ${what}: it must be ${
      quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`
    }`,
  );
}

/**
 * Checks an object and returns it. A function will not do, nor will a proxy that was revoked.
 *
 * @throws {TypeError} If it is none.
 */
export function checkObject<O extends object>(value: O, what: string): O {
  if (typeof value === "object" && value !== null && !isRevoked(value)) return value;
  throw new TypeError(`Cannot use ${show(value)} as ${what}: it must be an object`);
}

/**
 * Checks options, which must be an object if they are given at all, and returns them.
 *
 * @throws {TypeError} If they are something else, `null` included.
 */
export function checkOptions<O extends object>(options: O, of: string): O {
  if (isRecord(options)) return options;
  throw new TypeError(`Cannot use ${show(options)} as options of ${of}: they must be an object`);
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !isRevoked(value) && !Array.isArray(value);
}

/**
 * Checks that an object has the methods that will be called, and returns it.
 *
 * @throws {TypeError} If one is missing, naming it.
 */
export function checkMethods<O>(value: O, methods: readonly string[], what: string): O {
  if (typeof value === "object" && value !== null && !isRevoked(value)) {
    const missing = methods.find((name) => !hasMethod(value, name));
    if (missing === undefined) return value;
    throw new TypeError(`Cannot use ${show(value)} as ${what}: it has no method ${missing}()`);
  }
  throw new TypeError(`Cannot use ${show(value)} as ${what}: it must be an object`);
}

/** Whether a value is an object, or a function, with such a method. */
export function hasMethod(value: unknown, name: PropertyKey): boolean {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return !isRevoked(value) && typeof (value as Record<PropertyKey, unknown>)[name] === "function";
}

/** Whether an object is a proxy that any use of would throw. */
export function isRevoked(value: object): boolean {
  try {
    Reflect.getPrototypeOf(value);
    return false;
  } catch {
    return true;
  }
}

/** Whether a function is a class, which cannot be called without `new`. */
export function isClass(f: unknown): boolean {
  return typeof f === "function" && !isRevoked(f) &&
    Object.getOwnPropertyDescriptor(f, "prototype")?.writable === false;
}

/** Whether a value is an instance of a class; a proxy that was revoked is none. */
export function isInstance<T>(
  value: unknown,
  type: abstract new (...args: never[]) => T,
): value is T {
  return typeof value === "object" && value !== null && !isRevoked(value) && value instanceof type;
}

const GENERATOR_FUNCTIONS: readonly unknown[] = [
  Object.getPrototypeOf(function* () {}),
  Object.getPrototypeOf(async function* () {}),
];

/** Whether something is a `function*` or an `async function*`: by its prototype, and not by a tag. */
export function isGeneratorFunction(f: unknown): boolean {
  return typeof f === "function" && !isRevoked(f) &&
    GENERATOR_FUNCTIONS.includes(Object.getPrototypeOf(f));
}

/** Whether a value is a generator of either lane, or anything of that shape. */
export function isGenerator(
  value: unknown,
): value is Generator<unknown, unknown, never> | AsyncGenerator<unknown, unknown, never> {
  return typeof value === "object" && value !== null && "next" in value &&
    (Symbol.iterator in value || Symbol.asyncIterator in value);
}

/**
 * Checks a body that is called by somebody else, and returns it.
 *
 * @throws {TypeError} If it is no generator function.
 */
export function checkGeneratorFunction<F>(body: F, verb: string): F {
  if (isGeneratorFunction(body)) return body;
  throw new TypeError(
    `Cannot ${verb} ${show(body)}: a body is a function* or an async function*, passed uncalled`,
  );
}

/**
 * Checks an instance of a class and returns it.
 *
 * @throws {TypeError} If it is something else.
 */
export function checkInstance<T>(
  value: T,
  type: abstract new (...args: never[]) => unknown,
  what: string,
): T {
  if (isInstance(value, type)) return value;
  throw new TypeError(`Cannot use ${show(value)} as ${what}: it must be a ${type.name}`);
}

/**
 * Checks what a class that is only made by this library was made of, and returns it.
 *
 * @param part The part, or a stranger's value.
 * @param type The part's class.
 * @param made The class that is made.
 * @param by What makes it, as in `connect()`.
 * @throws {TypeError} If it is something else.
 */
export function checkPart<T>(
  part: T,
  type: abstract new (...args: never[]) => unknown,
  made: string,
  by: string,
): T {
  if (isInstance(part, type)) return part;
  throw new TypeError(`Cannot make a ${made} of ${show(part)}: it is made by ${by}`);
}

/**
 * Checks that something can be gone through by `for (… of …)`, and gives its items. A string is refused:
 * its letters are hardly meant. What its own iterator throws is thrown.
 *
 * @throws {TypeError} If it cannot.
 */
export function checkList<T>(items: Iterable<T>, what: string): T[] {
  if (typeof items === "object" && hasMethod(items, Symbol.iterator)) {
    const iterator = items[Symbol.iterator]();
    if (hasMethod(iterator, "next")) return [...{ [Symbol.iterator]: () => iterator }];
  }
  throw new TypeError(
    `Cannot use ${show(items)} as ${what}: it must be an array, or another iterable but a string`,
  );
}

/**
 * Checks an array and returns it.
 *
 * @throws {TypeError} If it is something else.
 */
export function checkArray<A extends readonly unknown[]>(items: A, what: string): A {
  if (typeof items === "object" && items !== null && !isRevoked(items) && Array.isArray(items)) {
    return items;
  }
  throw new TypeError(`Cannot use ${show(items)} as ${what}: it must be an array`);
}

/**
 * Checks an abort signal that may be left out, and returns it. Asked by its members: it may come from
 * another realm.
 *
 * @throws {TypeError} If something else was given.
 */
export function checkSignal<S extends AbortSignal | undefined>(signal: S): S {
  if (signal === undefined) return signal;
  if (hasMethod(signal, "addEventListener") && typeof signal.aborted === "boolean") return signal;
  throw new TypeError(`Cannot use ${show(signal)} as a signal: it must be an AbortSignal`);
}

/**
 * Checks that something can be gone through, in either way; a string, too, by its letters.
 *
 * @throws {TypeError} If it cannot.
 */
export function checkItems(items: unknown, verb: string): void {
  if (typeof items === "string" || isAsyncItems(items)) return;
  if (typeof items === "object" && hasMethod(items, Symbol.iterator)) return;
  throw new TypeError(
    `Cannot ${verb} ${show(items)}: it must be an iterable or an async iterable`,
  );
}

/** Whether a value is gone through by `for await`. */
export function isAsyncItems(items: unknown): items is AsyncIterable<unknown> {
  return typeof items === "object" && hasMethod(items, Symbol.asyncIterator);
}

/**
 * What an iterable gave as its iterator.
 *
 * @throws {TypeError} If it is none.
 */
export function checkIterator<I>(iterator: I, verb: string): I {
  if (hasMethod(iterator, "next")) return iterator;
  throw new TypeError(
    `Cannot ${verb} ${show(iterator)}: it is no iterator, it has no method next()`,
  );
}

/**
 * Checks an index into something of a fixed length, negative ones from the end, and gives it from the front.
 *
 * @throws {RangeError} If there is nothing at it.
 */
export function checkIndex(index: number, noun: string, of: unknown, length: number): number {
  const place = placeOfIndex(index, length);
  if (place !== undefined) return place;
  throw new RangeError(`Cannot set ${noun} ${show(index)} of ${of}: it has ${length} ${noun}s`);
}

/** An index from the front for one of either kind; `undefined` if there is nothing at it. */
export function placeOfIndex(index: number, length: number): number | undefined {
  if (!Number.isInteger(index)) return undefined;
  const place = index < 0 ? index + length : index;
  return place >= 0 && place < length ? place : undefined;
}
