/**
 * Headers that are written once.
 *
 * The client's own headers are a table that checks, sorts and joins: as much work as all else that is done
 * to send a small job. To publish, it asks of them one thing: their bytes. Here they are made in one go of
 * values that hold no line end: heads, keys and signatures, each of which is checked or made here.
 */
import type { MsgHdrs } from "@nats-io/transport-node";
import { HEAD, MESSAGE_ID, SIGNATURE } from "../wire/protocol.ts";

const utf8 = new TextEncoder();

/** Headers for the client: what `publish` asks of them. */
class RawHeaders {
  readonly #bytes: Uint8Array;

  constructor(lines: string) {
    this.#bytes = utf8.encode(`NATS/1.0\r\n${lines}\r\n\r\n`);
  }

  encode(): Uint8Array {
    return this.#bytes;
  }
}

/** The head that was asked for last: results have the same one again and again. */
let last: { readonly head: string; readonly headers: MsgHdrs } | null = null;

/** Headers that hold a head. */
export function headOnly(head: string): MsgHdrs {
  if (last?.head === head) return last.headers;
  const headers = new RawHeaders(`${HEAD}: ${head}`) as unknown as MsgHdrs;
  last = { head, headers };
  return headers;
}

/** Headers of a job: its head, and the id by which the server knows it. */
export function headWithId(head: string, id: string): MsgHdrs {
  return new RawHeaders(`${MESSAGE_ID}: ${id}\r\n${HEAD}: ${head}`) as unknown as MsgHdrs;
}

/** Headers of a result that is signed. */
export function headSigned(head: string, signature: string): MsgHdrs {
  return new RawHeaders(`${HEAD}: ${head}\r\n${SIGNATURE}: ${signature}`) as unknown as MsgHdrs;
}
