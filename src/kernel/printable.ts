/**
 * What is shown of names and values that come from elsewhere: one line, of bounded length, that does
 * nothing to the terminal it is printed on.
 *
 * A name may be a file's, a peer's or a megabyte long, and reports put it between their own words. So
 * what controls a terminal (C0, C1, escape), ends a line (also U+2028 and U+2029), or turns the direction
 * of text (the bidi controls) is replaced, and what is too long is cut. Rejected: to escape it as JSON
 * does. It makes six characters of each, and a line of a report has a width.
 *
 * Nothing here throws, whatever a `toString`, a getter or a proxy does: code that reports a failure must
 * not fail of it.
 */

/** So many UTF-16 units of a name are shown. */
const NAME_LENGTH = 200;
/** So many of a text of several lines. */
const TEXT_LENGTH = 20_000;
/** So many of a string that was passed as a value. */
const VALUE_LENGTH = 60;

/** Controls, invisible format characters, line ends, and halves of surrogate pairs. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * A name, or anything that has a text, as one line.
 *
 * @param value What to show; its `toString` may do as it likes.
 * @param most How many UTF-16 units may be shown of it.
 * @returns The text, with `?` for what must not get to a terminal, and `…` where it was cut.
 */
export function printable(value: unknown, most: number = NAME_LENGTH): string {
  const text = textOf(value);
  const shown = text.length <= most ? text : `${text.slice(0, most - 1)}…`;
  return shown.replace(UNFIT, "?");
}

/**
 * A text of several lines, as a report or the message of an error is: its newlines stay.
 *
 * @param value What to show.
 * @param most How many UTF-16 units may be shown of it.
 * @returns The text, each line of it printable.
 */
export function printableText(value: unknown, most: number = TEXT_LENGTH): string {
  const text = textOf(value);
  const shown = text.length <= most ? text : `${text.slice(0, most - 1)}…`;
  return shown.split("\n").map((line) => line.replace(UNFIT, "?")).join("\n");
}

/** An error as `name: message`, and anything else that was thrown as its text. */
export function errorText(error: unknown): string {
  return printableText(isError(error) ? attempt(() => `${error.name}: ${error.message}`) : error);
}

/** The message of an error without its name, and anything else that was thrown as its text. */
export function messageText(error: unknown): string {
  return printableText(isError(error) ? attempt(() => error.message) : error);
}

/**
 * A value that somebody passed, as a message about it names it: strings in quotes, functions by name,
 * objects by kind.
 */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `"${printable(value, VALUE_LENGTH)}"`;
    case "bigint":
      return printable(`${value}n`, VALUE_LENGTH);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "function": {
      const name = functionName(value);
      return name === "" ? "an anonymous function" : `the function ${printable(name)}`;
    }
    case "object":
      return value === null ? "null" : kindOf(value);
    default:
      return printable(value);
  }
}

/** The name of a function as it is; empty if it has none that is a string. */
export function functionName(f: { readonly name: string }): string {
  const name: unknown = attempt(() => f.name);
  return typeof name === "string" ? name : "";
}

/** As in `a Map`; what hides its kind is still an object. */
function kindOf(value: object): string {
  const tag = attempt(() => Object.prototype.toString.call(value).slice(8, -1), "Object");
  if (tag === "Object" || tag === "Array") return `an ${tag.toLowerCase()}`;
  return `${/^[AEIO]/.test(tag) ? "an" : "a"} ${printable(tag, VALUE_LENGTH)}`;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return attempt(() => String(value), typeof value === "object" ? "an object" : "?");
}

function isError(value: unknown): value is Error {
  return attempt(() => value instanceof Error, false);
}

/** What a piece of somebody else's code gives, or what stands in for it if that throws or is no text. */
function attempt<T>(ask: () => T, instead?: T): T {
  try {
    return ask();
  } catch {
    return instead as T;
  }
}

const counts = new Map<string, number>();

/** The next name of a kind. */
export function nextName(kind: string): string {
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  return `${kind}#${count}`;
}

/**
 * What reports call a thing: by the name that its maker chose, made fit to be shown, or else by the next
 * one of its kind.
 *
 * @throws {TypeError} If the chosen name is no string.
 */
export function reportName(kind: string, chosen: string | undefined): string {
  if (chosen === undefined) return nextName(kind);
  if (typeof chosen === "string") return printable(chosen);
  throw new TypeError(`Cannot name a ${kind} ${show(chosen)}: a name must be a string`);
}
