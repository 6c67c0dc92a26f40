/**
 * Messages of DNS (RFC 1035 §4, EDNS by RFC 6891). The wire format is dns-packet's; the question is read
 * here, byte by byte, because it goes back as it came, in its own spelling, into each answer.
 */
import { Buffer } from "node:buffer";
// @ts-types="./dns_packet.d.ts"
import packet from "dns-packet";
import type { PacketOpt, PacketRecord } from "./dns_packet.d.ts";
import { encodeName, keyOf, readName } from "./names.ts";
import { type Rcode, RCODES } from "./rcodes.ts";
import { typeName, typeNumber } from "./types.ts";

/** A resource record of class IN. */
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly data: unknown;
}

/** What is asked. */
export interface Question {
  readonly name: string;
  readonly key: string;
  readonly type: string;
}

/** A question of somebody. */
export interface Query extends Question {
  readonly id: number;
  readonly recursionDesired: boolean;
  /** The most bytes of an answer by UDP. */
  readonly size: number;
  /** Whether the client speaks EDNS. */
  readonly edns: boolean;
  /** The question's bytes. */
  readonly bytes: Uint8Array;
  readonly flags: number;
}

/** What is answered. */
export interface Reply {
  readonly rcode: Rcode;
  readonly authoritative?: boolean;
  readonly recursionAvailable?: boolean;
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

/** What a message amounts to: a question, an answer that can be given at once, or nothing to be answered. */
export type Received = { readonly query: Query } | { readonly refusal: Uint8Array } | null;

const HEADER = 12;
const QR = 0x8000;
const AA = 0x0400;
const TC = 0x0200;
const RD = 0x0100;
const RA = 0x0080;
const CD = 0x0010;
const OPCODE = 0x7800;
const IN = 1;
const NOTHING = new Uint8Array(0);

/** The sizes of answers by UDP: without EDNS, and the most that is agreed to. */
const LEAST_SIZE = 512;
const MOST_SIZE = 4096;
/** The longest message by TCP. */
export const MOST_STREAM_SIZE = 65_535;

/** Reads what a client sent. */
export function readQuery(bytes: Uint8Array): Received {
  if (bytes.length < HEADER) return null;
  const view = viewOf(bytes);
  const id = view.getUint16(0);
  const flags = view.getUint16(2);
  if ((flags & QR) !== 0) return null; // to answer an answer would be a game without end
  const name = view.getUint16(4) === 1 ? readName(bytes, HEADER) : null;
  const hasQuestion = name !== null && name.end + 4 <= bytes.length;
  const question = hasQuestion ? bytes.slice(HEADER, name.end + 4) : NOTHING;
  const base = { id, flags, bytes: question, edns: false, size: LEAST_SIZE };
  const refuse = (rcode: Rcode, edns = false): Received => ({
    refusal: encodeReply({ ...base, edns }, { rcode }, LEAST_SIZE),
  });
  if ((flags & OPCODE) !== 0) return refuse("NOTIMP");
  if (!hasQuestion) return refuse("FORMERR");
  const opts = readOpts(bytes);
  if (opts === null || opts.length > 1) return refuse("FORMERR");
  const [opt] = opts;
  if (opt !== undefined && opt.ednsVersion > 0) return refuse("BADVERS", true);
  if (view.getUint16(name.end + 2) !== IN) return refuse("REFUSED", opt !== undefined);
  return {
    query: {
      ...base,
      edns: opt !== undefined,
      size: Math.min(Math.max(opt?.udpPayloadSize ?? 0, LEAST_SIZE), MOST_SIZE),
      name: name.name,
      key: keyOf(name.name),
      type: typeName(view.getUint16(name.end)),
      recursionDesired: (flags & RD) !== 0,
    },
  };
}

/** The EDNS records of a message; `null` if it is malformed, or has them where they do not belong. */
function readOpts(bytes: Uint8Array): PacketOpt[] | null {
  if (bytes.length === HEADER + 4) return null;
  try {
    const { answers, authorities, additionals } = packet.decode(Buffer.from(bytes));
    if (packet.decode.bytes !== bytes.length) return null;
    const isOpt = (record: PacketRecord | PacketOpt): record is PacketOpt => record.type === "OPT";
    if (answers.some(isOpt) || authorities.some(isOpt)) return null;
    const opts = additionals.filter(isOpt);
    return opts.every((opt) => opt.name === ".") ? opts : null;
  } catch {
    return null;
  }
}

/** An answer as bytes, of `size` at most: one that is longer says so, and the client asks by TCP. */
export function encodeReply(
  query: Pick<Query, "id" | "flags" | "bytes" | "edns">,
  reply: Reply,
  size: number,
): Uint8Array {
  const whole = encode(query, reply, 0);
  return whole.length <= size ? whole : encode(query, { ...reply, ...EMPTY }, TC);
}

const EMPTY = { answers: [], authorities: [], additionals: [] };

function encode(
  query: Pick<Query, "id" | "flags" | "bytes" | "edns">,
  reply: Reply,
  more: number,
): Uint8Array {
  const rcode = RCODES[reply.rcode];
  const flags = query.flags & (OPCODE | RD | CD) | more | rcode & 15 |
    (reply.authoritative === true ? AA : 0) | (reply.recursionAvailable === true ? RA : 0);
  const opt: PacketOpt = {
    name: ".",
    type: "OPT",
    udpPayloadSize: MOST_SIZE,
    extendedRcode: rcode >> 4,
    ednsVersion: 0,
    flags: 0,
    options: [],
  };
  const rest = packet.encode({
    type: "response",
    id: query.id,
    flags,
    answers: [...reply.answers ?? []],
    authorities: [...reply.authorities ?? []],
    additionals: [...reply.additionals ?? [], ...query.edns ? [opt] : []],
  });
  const bytes = new Uint8Array(rest.length + query.bytes.length);
  bytes.set(rest.subarray(0, HEADER));
  bytes.set(query.bytes, HEADER);
  bytes.set(rest.subarray(HEADER), HEADER + query.bytes.length);
  viewOf(bytes).setUint16(4, query.bytes.length > 0 ? 1 : 0);
  return bytes;
}

/** A question as one server asks another, with EDNS and without a wish for recursion. */
export function encodeQuestion(id: number, { key, type }: Question): Uint8Array {
  const name = encodeName(key);
  const tail = packet.encode({
    type: "query",
    id,
    additionals: [
      {
        name: ".",
        type: "OPT",
        udpPayloadSize: MOST_SIZE,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        options: [],
      },
    ],
  });
  const bytes = new Uint8Array(tail.length + name.length + 4);
  bytes.set(tail.subarray(0, HEADER));
  bytes.set(name, HEADER);
  const view = viewOf(bytes);
  view.setUint16(4, 1);
  view.setUint16(HEADER + name.length, typeNumber(type));
  view.setUint16(HEADER + name.length + 2, IN);
  bytes.set(tail.subarray(HEADER), HEADER + name.length + 4);
  return bytes;
}

/** An answer to a question of ours. */
export interface Response extends Required<Omit<Reply, "recursionAvailable">> {
  readonly truncated: boolean;
}

/**
 * Reads an answer to `asked`, the bytes of a question; `null` if it is none, wherever it is from: another id,
 * another question, no answer at all, or nothing that can be read.
 */
export function readResponse(bytes: Uint8Array, asked: Uint8Array): Response | null {
  const question = readName(asked, HEADER)!.end + 4;
  if (bytes.length < question) return null;
  const view = viewOf(bytes);
  const flags = view.getUint16(2);
  if ((flags & QR) === 0 || (flags & OPCODE) !== 0 || view.getUint16(4) !== 1) return null;
  for (let at = 0; at < question; at++) {
    if ((at < 2 || at >= HEADER) && bytes[at] !== asked[at]) return null;
  }
  try {
    const { answers, authorities, additionals } = packet.decode(Buffer.from(bytes));
    return {
      rcode: rcodeOf(flags & 15),
      authoritative: (flags & AA) !== 0,
      truncated: (flags & TC) !== 0,
      answers: answers.map(recordOf),
      authorities: authorities.map(recordOf),
      additionals: additionals.filter((one) => one.type !== "OPT").map(recordOf),
    };
  } catch {
    return null;
  }
}

function recordOf({ name, type, ttl, data }: PacketRecord | PacketOpt & PacketRecord): DnsRecord {
  return { name: name === "." ? "" : name, type, ttl: ttl ?? 0, data };
}

function rcodeOf(number: number): Rcode {
  const found = Object.entries(RCODES).find(([, other]) => other === number);
  return found === undefined ? "SERVFAIL" : found[0] as Rcode;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
