/** Conditional requests (RFC 9110 §13) and ranges (§14): what to answer, given what there is. */
import type { Fields } from "./fields.ts";
import { parseHttpDate } from "./http_date.ts";

/** What a representation is told from others by. */
export interface Validators {
  /** Its entity tag, quotes included. */
  readonly etag: string;
  /** When it was last changed, in milliseconds. */
  readonly modified: number;
}

/** Goes on, or ends with 304 or 412. */
export type Verdict = "go on" | 304 | 412;

/**
 * Judges the conditions in the order of §13.2.2.
 *
 * @param method The request's method.
 * @param fields Its fields.
 * @param current What there is now; `null` if there is nothing.
 */
export function judge(method: string, fields: Fields, current: Validators | null): Verdict {
  const isRead = method === "GET" || method === "HEAD";
  const ifMatch = fields.get("if-match");
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current, false)) return 412;
  } else {
    const since = dateOf(fields, "if-unmodified-since");
    if (since !== undefined && (current === null || seconds(current.modified) > since)) return 412;
  }
  const ifNoneMatch = fields.get("if-none-match");
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, current, true)) return isRead ? 304 : 412;
  } else if (isRead && current !== null) {
    const since = dateOf(fields, "if-modified-since");
    if (since !== undefined && seconds(current.modified) <= since) return 304;
  }
  return "go on";
}

/** A part of a file: its first byte and the one behind its last. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * The part that is asked for: `null` for all of it, also where the field is to be ignored (several ranges,
 * another unit, no sense in it, or `If-Range` of something else), and 416 for one that is not there.
 */
export function chooseRange(fields: Fields, size: number, current: Validators): Range | 416 | null {
  const parts = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(fields.get("range") ?? "");
  if (parts === null || !isStill(fields.get("if-range"), current)) return null;
  const [, first, last] = parts;
  if (first === "") {
    if (last === "") return null;
    const length = Math.min(Number(last), size);
    return length === 0 ? 416 : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === "" ? Infinity : Number(last) + 1;
  if (end <= start) return null;
  return start >= size ? 416 : { start, end: Math.min(end, size) };
}

/** Whether a client that has a part of something has a part of this. */
function isStill(ifRange: string | undefined, current: Validators): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === current.etag;
  return parseHttpDate(ifRange) === seconds(current.modified);
}

/** Whether a list of entity tags has this one; `*` is anything that there is. */
function matches(list: string, current: Validators | null, weakly: boolean): boolean {
  if (current === null) return false;
  if (list === "*") return true;
  for (const [, weak, tag] of list.matchAll(/(W\/)?("[^"]*")/g)) {
    if (tag === current.etag && (weakly || weak === undefined)) return true;
  }
  return false;
}

function dateOf(fields: Fields, name: string): number | undefined {
  const text = fields.get(name);
  return text === undefined ? undefined : parseHttpDate(text);
}

function seconds(ms: number): number {
  return ms - ms % 1000;
}
