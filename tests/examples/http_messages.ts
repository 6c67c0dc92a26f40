/** Requests as text, what a parser makes of them, and seeds from which to make worse ones. */
import { RequestParser } from "../../examples/lib/http/parser.ts";
import { HttpError } from "../../examples/lib/http/status.ts";

/** What became of some bytes: the requests in them, and the status that ended it. */
export interface Outcome {
  /** Each request as `METHOD target: body`; one whose body has no end says `…` for it. */
  readonly requests: string[];
  /** The status of the error; `null` if it only wants more. */
  readonly status: number | null;
}

/** Small limits, so that each is within reach. */
export const SMALL_LIMITS = { requestLine: 80, head: 300, lines: 6, body: 40 };

/** Text as bytes, a byte for each character. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** What a parser makes of bytes that come in pieces, which end at `cuts`. */
export function parsed(
  bytes: Uint8Array,
  cuts: Iterable<number> = [],
  limits?: typeof SMALL_LIMITS,
): Outcome {
  const parser = limits === undefined ? new RequestParser() : new RequestParser(limits);
  const requests: string[] = [];
  let body = "";
  let at = 0;
  try {
    for (const cut of [...cuts, bytes.length]) {
      parser.push(bytes.subarray(at, cut));
      at = cut;
      for (let part; (part = parser.next()) !== null;) {
        if (part.kind === "head") {
          requests.push(`${part.head.method} ${part.head.target}: …`);
          body = "";
        } else if (part.kind === "data") {
          body += String.fromCharCode(...part.bytes);
        } else {
          requests.push(requests.pop()!.replace(/…$/, () => body));
        }
      }
    }
    return { requests, status: null };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return { requests, status: error.status };
  }
}

/** Requests that are right. */
export const SEEDS: readonly string[] = [
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  "GET http://a:80/b?c HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nConnection: close\r\n\r\n",
  "HEAD /%41 HTTP/1.0\r\nX:\tq \t\r\nY:\r\n\r\n",
  "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
  "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  'PUT /f HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n3;a="\\"";b\r\na\r\n\r\n00\r\nT: x\r\n\r\n',
  "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n!",
];

const SPICE = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "\x7f",
  "é",
  "0",
  "g",
  "-1",
  "\r\n ",
]
  .concat([
    "HTTP/1.1",
    "HTTP/2.0",
    "Host: b\r\n",
    "Content-Length: 3\r\n",
    "%",
    "..",
    "#",
    "\r\n\r\n",
  ])
  .concat([
    "Transfer-Encoding: chunked\r\n",
    "Expect: x\r\n",
    "ffffffffffffffffff",
    "x".repeat(90),
  ]);

/** Bytes that began as a few requests, and had accidents. */
export function malformed(random: (below: number) => number): Uint8Array {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  let text = "";
  for (let count = 1 + random(3); count > 0; count--) text += pick(SEEDS);
  for (let count = 1 + random(4); count > 0; count--) {
    const at = random(text.length + 1);
    const until = Math.min(text.length, at + random(random(4) === 0 ? 30 : 2));
    const between = random(3) === 0 ? String.fromCharCode(random(256)) : pick(["", ...SPICE]);
    text = text.slice(0, at) + between + text.slice(until);
  }
  return bytesOf(text);
}

/** Ascending places at which to cut bytes. */
export function cutsOf(length: number, random: (below: number) => number): number[] {
  const count = random(4) === 0 ? length : random(6);
  return Array.from({ length: count }, () => random(length + 1)).sort((a, b) => a - b);
}
