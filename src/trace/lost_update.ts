/** What a lost update is, as a record and in words. */
import { printable, show } from "../kernel/printable.ts";
import { placeOf, type Site } from "../kernel/sites.ts";

/** Where somebody touched a property, and what was there. */
export interface Access {
  /** The name of the task; `undefined` for code outside of every task. */
  readonly task: string | undefined;
  /** What was read or written. */
  readonly value: unknown;
  /** The line of the program, as in `file:///a.ts:12:5`, if that could be told. */
  readonly site: string | undefined;
}

/** A read, a write by somebody else, and then a write that knew nothing of that. */
export interface LostUpdate {
  /** The property by its path, as in `tickets.left` or `board.rows[3]`. */
  readonly property: string;
  /** What the late writer had read. */
  readonly read: Access;
  /** What somebody else wrote after that, and what is lost now; the last such write. */
  readonly foreign: Access;
  /** What the late writer put in its place. */
  readonly write: Access;
  /** How many writes by others there were between read and write. */
  readonly lost: number;
  /** All of it in one line. */
  readonly message: string;
}

/** An access before anybody asked for words. */
export interface Touch {
  /** Who it was; `null` for code outside of every task. */
  readonly task: { readonly name: string } | null;
  /** What was read or written. */
  readonly value: unknown;
  /** Where, not yet in words: that costs ten times as much as taking it down. */
  readonly site: Site;
}

/** Puts a finding into words, and freezes it. */
export function lostUpdate(
  property: string,
  touched: { read: Touch; foreign: Touch; write: Touch },
  lost: number,
): LostUpdate {
  const read = inWords(touched.read);
  const foreign = inWords(touched.foreign);
  const write = inWords(touched.write);
  const message =
    `Lost update of ${printable(property, 1000)}: ${who(read)} read ${show(read.value)}${
      at(read)
    }, ` +
    `then ${who(foreign)} wrote ${show(foreign.value)}${at(foreign)}` +
    `${lost > 1 ? ` (the last of ${lost} such writes)` : ""}, ` +
    `then ${who(read)} wrote ${show(write.value)}${at(write)} without having read it again`;
  return Object.freeze({ property, read, foreign, write, lost, message });
}

/** The path of a property below that of its object. */
export function pathOf(object: string, key: string | symbol): string {
  if (typeof key === "symbol") return `${object}[${printable(key)}]`;
  if (/^\d+$/.test(key)) return `${object}[${key}]`;
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key)
    ? `${object}.${printable(key)}`
    : `${object}[${show(key)}]`;
}

function inWords({ task, value, site }: Touch): Access {
  return Object.freeze({ task: task?.name, value, site: placeOf(site) });
}

function who({ task }: Access): string {
  return task === undefined ? "code outside of every task" : `task "${printable(task)}"`;
}

function at({ site }: Access): string {
  return site === undefined ? "" : ` at ${printable(site, 500)}`;
}
