/** Questions of DNS as bytes, right and wrong, and a client that sends them as they are. */
import { deadline } from "@std/async/deadline";
import { encodeName, readName } from "../../examples/lib/dns/names.ts";
import { typeNumber } from "../../examples/lib/dns/types.ts";

const LIMIT_MS = 5000;

/** What to put into a question. */
export interface Asked {
  name?: string;
  type?: string;
  id?: number;
  flags?: number;
  klass?: number;
  /** How many questions it says it has. */
  questions?: number;
  /** The size to offer by EDNS. */
  size?: number;
  version?: number;
  /** How many EDNS records there are. */
  opts?: number;
}

/** A question as bytes. */
export function questionOf(asked: Asked = {}): Uint8Array {
  const { name = "www.example.test", type = "A", id = 7, flags = 0x100, klass = 1 } = asked;
  const { questions = 1, size, version = 0, opts = size === undefined ? 0 : 1 } = asked;
  const opt = [0, 0, 41, (size ?? 512) >> 8, (size ?? 512) & 255, 0, version, 0, 0, 0, 0];
  return new Uint8Array([
    ...[id >> 8, id & 255, flags >> 8, flags & 255],
    ...[0, questions, 0, 0, 0, 0, 0, opts],
    ...encodeName(name),
    ...[typeNumber(type) >> 8, typeNumber(type) & 255, 0, klass],
    ...Array.from({ length: opts }, () => opt).flat(),
  ]);
}

/** The header of an answer, and the name in its question. */
export interface Head {
  readonly id: number;
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly answers: number;
  readonly name: string;
}

/** Reads the head of an answer; throws if it is none. */
export function headOf(bytes: Uint8Array): Head {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  if ((flags & 0x8000) === 0) throw new Error("That is no answer");
  return {
    id: view.getUint16(0),
    rcode: flags & 15,
    authoritative: (flags & 0x400) !== 0,
    truncated: (flags & 0x200) !== 0,
    answers: view.getUint16(6),
    name: view.getUint16(4) === 0 ? "" : readName(bytes, 12)!.name,
  };
}

/** A UDP socket that sends to one port. */
export class UdpClient implements Disposable {
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #to: Deno.NetAddr;

  /** A client of a server on this machine. */
  constructor(port: number) {
    this.#to = { transport: "udp", hostname: "127.0.0.1", port };
  }

  /** Sends bytes, whatever they are. */
  async send(bytes: Uint8Array): Promise<void> {
    await this.#socket.send(bytes, this.#to);
  }

  /** The next answer. */
  async receive(): Promise<Uint8Array> {
    return (await deadline(this.#socket.receive(), LIMIT_MS))[0];
  }

  /** Sends a question and waits for the answer. */
  async ask(asked: Asked): Promise<Uint8Array> {
    await this.send(questionOf(asked));
    return await this.receive();
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

const TYPES = ["A", "AAAA", "NS", "CNAME", "MX", "TXT", "SOA", "ANY", "TYPE65"];

/** Bytes that began as a question, and had accidents. */
export function malformedQuestion(random: (below: number) => number): Uint8Array {
  const asked: Asked = { type: TYPES[random(TYPES.length)]!, id: random(65_536) };
  if (random(2) === 0) asked.size = random(65_536);
  if (random(4) === 0) asked.opts = random(3);
  if (random(8) === 0) asked.questions = random(3);
  if (random(8) === 0) asked.flags = random(65_536);
  if (random(8) === 0) asked.version = random(3);
  let bytes = [...questionOf(asked)];
  for (let count = random(4); count > 0; count--) {
    const at = random(bytes.length);
    const kind = random(4);
    if (kind === 0) bytes = bytes.slice(0, at);
    else if (kind === 1) bytes.splice(at, 0, random(256), random(256));
    else bytes[at] = kind === 2 ? random(256) : 0xc0 | random(64);
  }
  return new Uint8Array(bytes);
}
