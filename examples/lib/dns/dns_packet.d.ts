/** Types of the part of dns-packet that is used here; its own are a package that drags Node's along. */

/** A resource record. What `data` is depends on the type. */
export interface PacketRecord {
  name: string;
  type: string;
  class?: string;
  ttl?: number;
  data?: unknown;
}

/** The pseudo-record of EDNS. */
export interface PacketOpt {
  name: ".";
  type: "OPT";
  udpPayloadSize: number;
  extendedRcode: number;
  ednsVersion: number;
  flags: number;
  options: unknown[];
}

/** A message. */
export interface Packet {
  type?: "query" | "response";
  id?: number;
  flags?: number;
  questions?: { name: string; type: string; class: string }[];
  answers?: PacketRecord[];
  authorities?: PacketRecord[];
  additionals?: (PacketRecord | PacketOpt)[];
}

interface Library {
  encode(packet: Packet): Uint8Array;
  /** After a call, `bytes` says how many bytes of the buffer it has read. */
  decode: { (buffer: Uint8Array): Required<Packet>; bytes: number };
}

declare const library: Library;
export default library;
