/**
 * The other side of the wire, as a process of its own, so that its CPU time and memory are nobody's
 * on the table: a server that answers each question after a while, and one that echoes.
 *
 * It is plain Deno on purpose: whatever it costs, it costs every engine the same. It prints its two
 * ports as one line of JSON and lives as long as its stdin is open, so it cannot outlive the program
 * that started it, however that one ends.
 */
import { readExactly, writeAll } from "./plain_io.ts";
import { answerTo, decode, delayFor, encode, WORD_BYTES } from "./work.ts";

/** Lets a thousand clients knock at once; with Deno's 511 the kernel drops some, which retry after 1 s. */
const BACKLOG = 4096;

async function answerLater(conn: Deno.Conn): Promise<void> {
  const question = decode(await readExactly(conn, WORD_BYTES));
  await new Promise((resolve) => setTimeout(resolve, delayFor(question)));
  await writeAll(conn, encode(answerTo(question)));
}

async function echo(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
    await writeAll(conn, buffer.subarray(0, n));
  }
}

async function talk(conn: Deno.Conn, serve: (conn: Deno.Conn) => Promise<void>): Promise<void> {
  try {
    await serve(conn);
  } catch {
    // A client that was stopped in the middle; its own process says so.
  } finally {
    conn.close();
  }
}

function open(serve: (conn: Deno.Conn) => Promise<void>): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: BACKLOG });
  (async () => {
    for await (const conn of listener) void talk(conn, serve);
  })();
  return listener.addr.port;
}

console.log(JSON.stringify({ delayPort: open(answerLater), echoPort: open(echo) }));
for await (const _ of Deno.stdin.readable); // nothing is ever sent: this waits for its end
Deno.exit(0);
