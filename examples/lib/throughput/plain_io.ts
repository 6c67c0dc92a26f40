/**
 * Whole messages over a plain `Deno.Conn`, whose `read` and `write` may do less than they are asked.
 * (On weft's sockets these two are called `recvExactly` and `sendAll`.)
 */

/** Reads exactly `n` bytes. */
export async function readExactly(conn: Deno.Conn, n: number): Promise<Uint8Array> {
  const message = new Uint8Array(n);
  for (let filled = 0; filled < n;) {
    const got = await conn.read(message.subarray(filled));
    if (got === null) throw new Error(`Connection ended after ${filled} of ${n} bytes`);
    filled += got;
  }
  return message;
}

/** Writes all of it. */
export async function writeAll(conn: Deno.Conn, message: Uint8Array): Promise<void> {
  for (let sent = 0; sent < message.length;) sent += await conn.write(message.subarray(sent));
}
