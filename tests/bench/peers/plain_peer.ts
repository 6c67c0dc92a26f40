/**
 * Deno without weft: what the language and the runtime do by themselves. It is the baseline.
 *
 *     deno run -A tests/bench/peers/plain_peer.ts WORK N
 */
import { CROWD, main, nap } from "./common.ts";

/** How long the list of waiting connections may be. */
const BACKLOG = 4096;

async function awaits(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await null;
}

async function* counts(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) yield i;
}

async function forAwaits(n: number): Promise<void> {
  for await (const _ of counts(n));
}

async function nothing(): Promise<void> {}

async function waiting(): Promise<void> {
  await null;
}

/** A permit that two async functions hand to and fro: each round is one park, one wake, one resume. */
class Permit {
  #waiting: (() => void) | null = null;
  #free = false;

  acquire(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#free) {
        this.#waiting = resolve;
        return;
      }
      this.#free = false;
      resolve();
    });
  }

  release(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#free = true;
    else waiting();
  }
}

async function play(mine: Permit, other: Permit, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    await mine.acquire();
    other.release();
  }
}

function handoff(n: number): Promise<unknown> {
  const here = new Permit();
  const there = new Permit();
  here.release();
  return Promise.all([play(here, there, n / 2), play(there, here, n / 2)]);
}

async function sleeper(i: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, nap(i)));
}

const parked: unknown[] = [];

async function park(): Promise<void> {
  await new Promise((resolve) => parked.push(resolve));
}

async function echo(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65536);
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) break;
      for (let at = 0; at < count;) at += await conn.write(buffer.subarray(at, count));
    }
  } catch {
    // The peer is gone; so is this connection.
  }
  conn.close();
}

async function accept(listener: Deno.Listener): Promise<void> {
  for await (const conn of listener) echo(conn);
}

async function echoDatagrams(socket: Deno.DatagramConn): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (;;) {
    const [data, from] = await socket.receive(buffer);
    await socket.send(data, from);
  }
}

await main({
  speeds: {
    "await": awaits,
    "await-crowd": (n) => Promise.all(Array.from({ length: CROWD }, () => awaits(n / CROWD))),
    "for-await": forAwaits,
    "for-await-crowd": (n) =>
      Promise.all(Array.from({ length: CROWD }, () => forAwaits(n / CROWD))),
    "handoff": handoff,
    "call": async (n) => {
      for (let i = 0; i < n; i++) await nothing();
    },
    "call-that-waits": async (n) => {
      for (let i = 0; i < n; i++) await waiting();
    },
    "sleepers": (n) => Promise.all(Array.from({ length: n }, (_, i) => sleeper(i))),
  },
  parks: {
    "memory": async (n) => {
      for (let i = 0; i < n; i++) parked.push(park());
      await null;
    },
  },
  servers: {
    "tcp-echo": (port) => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port, tcpBacklog: BACKLOG });
      accept(listener);
      return listener.addr.port;
    },
    "udp-echo": (port) => {
      const socket = Deno.listenDatagram({ hostname: "127.0.0.1", port, transport: "udp" });
      echoDatagrams(socket);
      return (socket.addr as Deno.NetAddr).port;
    },
  },
});
