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

/** Headers for the client: `encode` is all that its `publish` asks of them. */
function rawHeaders(lines: string): MsgHdrs {
  const bytes = utf8.encode(`NATS/1.0\r\n${lines}\r\n\r\n`);
  const headers: Partial<MsgHdrs> & { encode(): Uint8Array } = { encode: () => bytes };
  return headers as MsgHdrs;
}

/** The head that was asked for last: results have the same one again and again. */
let last: { readonly head: string; readonly headers: MsgHdrs } | null = null;

/** Headers that hold a head. */
export function headOnly(head: string): MsgHdrs {
  if (last?.head === head) return last.headers;
  const headers = rawHeaders(`${HEAD}: ${head}`);
  last = { head, headers };
  return headers;
}

/** Headers of a job: its head, and the id by which the server knows it. */
export function headWithId(head: string, id: string): MsgHdrs {
  return rawHeaders(`${MESSAGE_ID}: ${id}\r\n${HEAD}: ${head}`);
}

/** Headers of a result that is signed. */
export function headSigned(head: string, signature: string): MsgHdrs {
  return rawHeaders(`${HEAD}: ${head}\r\n${SIGNATURE}: ${signature}`);
}
