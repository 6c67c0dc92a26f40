/** Names for things that reports speak of: `Lock#1`, `Queue#2`, counted per kind within the process. */

const counts = new Map<string, number>();

/** The next name of a kind. */
export function nextName(kind: string): string {
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  return `${kind}#${count}`;
}
