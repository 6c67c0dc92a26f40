/** IP addresses as text and as the bytes that go over the wire: `inet_pton` and `inet_ntop` of C. */

/** The four or sixteen bytes of an address; `null` if it is none. */
export function addressToBytes(text: string): Uint8Array | null {
  return text.includes(":") ? sixToBytes(text) : fourToBytes(text);
}

/** The text of an address of four or sixteen bytes, as RFC 5952 writes it. */
export function addressToText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16),
  );
  const text = groups.join(":");
  const zeros = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(([run]) => run);
  if (zeros.length === 0) return text;
  const longest = zeros.reduce((a, b) => colons(b) > colons(a) ? b : a);
  const at = text.indexOf(longest);
  return `${text.slice(0, at)}::${text.slice(at + longest.length).replace(/^:/, "")}`;
}

/** How many groups a run of zeros has, as far as comparing goes. */
function colons(run: string): number {
  return run.split("0").length;
}

function fourToBytes(text: string): Uint8Array | null {
  const parts = text.split(".");
  const isFour = parts.length === 4 &&
    parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
  return isFour ? Uint8Array.from(parts, Number) : null;
}

function sixToBytes(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map(groupsOf);
  if (head === null || tail === null) return null;
  const missing = 8 - head!.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head!, ...new Array<number>(missing).fill(0), ...(tail ?? [])];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The 16-bit groups of a part of an IPv6 address, whose end may be written as an IPv4 address. */
function groupsOf(part: string): number[] | null {
  if (part === "") return [];
  const groups: number[] = [];
  const words = part.split(":");
  for (const [i, word] of words.entries()) {
    const four = i === words.length - 1 && word.includes(".") ? fourToBytes(word) : null;
    if (four !== null) groups.push((four[0]! << 8) | four[1]!, (four[2]! << 8) | four[3]!);
    else if (/^[0-9a-f]{1,4}$/i.test(word)) groups.push(parseInt(word, 16));
    else return null;
  }
  return groups;
}
