/** Names for things that reports speak of: `Lock#1`, `Queue#2`, counted per kind within the process. */
import { printable, show } from "./printable.ts";

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
