/**
 * Domain names: as they stand in a question, as text, and as keys that are the same for all spellings.
 *
 * A label may hold any byte (RFC 2181 §11). As text, what is neither a printable character nor free of a
 * meaning here is written `\DDD`, as in zone files; so a dot inside a label is never taken for one between
 * two, and a name that looks like ours is ours.
 */

/** The longest label and the longest name, in bytes (RFC 1035 §2.3.4). */
const MOST_LABEL = 63;
const MOST_NAME = 255;

const DOT = 0x2e;
const BACKSLASH = 0x5c;

/** A name in a message. */
export interface NameInMessage {
  /** As it was spelt, without the last dot; the root is empty. */
  readonly name: string;
  /** Where it ends. */
  readonly end: number;
}

/** Reads an uncompressed name; `null` if there is none. A question has nothing before it to point to. */
export function readName(bytes: Uint8Array, start: number): NameInMessage | null {
  const labels: string[] = [];
  for (let at = start; at < bytes.length && at - start < MOST_NAME;) {
    const length = bytes[at++]!;
    if (length === 0) return { name: labels.join("."), end: at };
    if (length > MOST_LABEL || at + length > bytes.length) return null;
    let label = "";
    for (const byte of bytes.subarray(at, at + length)) {
      const isPlain = byte > 0x20 && byte < 0x7f && byte !== DOT && byte !== BACKSLASH;
      label += isPlain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`;
    }
    labels.push(label);
    at += length;
  }
  return null;
}

/** A name as bytes, uncompressed. */
export function encodeName(name: string): Uint8Array {
  const bytes: number[] = [];
  for (const label of labelsOf(name)) {
    const octets = [...label.matchAll(/\\(\d{3})|(.)/gs)].map(([, number, character]) =>
      number === undefined ? character!.charCodeAt(0) : Number(number)
    );
    bytes.push(octets.length, ...octets);
  }
  return new Uint8Array([...bytes, 0]);
}

/** The key of a name: upper and lower case of ASCII letters are the same, and of nothing else. */
export function keyOf(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The labels of a name; the root has none. */
export function labelsOf(name: string): string[] {
  return name === "" ? [] : name.split(".");
}

/** Whether a key is that of a zone, or of something in it. */
export function isWithin(key: string, zone: string): boolean {
  return zone === "" || key === zone || key.endsWith(`.${zone}`);
}

/** A key and those above it, down to the root: `www.example.test`, `example.test`, `test`, and the empty one. */
export function* upFrom(key: string): Generator<string> {
  for (let at = 0; key !== ""; key = key.slice(at)) {
    yield key;
    at = key.indexOf(".") + 1;
    if (at === 0) break;
  }
  yield "";
}

/** Whether a text is a name that a zone file may have: printable, and not too long. */
export function isName(text: unknown): text is string {
  if (typeof text !== "string" || text.length > MOST_NAME - 2) return false;
  return text !== "" && text.split(".").every((label) => {
    return /^[!-[\]-~]+$/.test(label) && label.length <= MOST_LABEL;
  });
}

/** A name as dns-packet writes it, and as people read it: the root is a dot. */
export function shown(name: string): string {
  return name === "" ? "." : name;
}
