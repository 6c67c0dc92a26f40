/**
 * One client for every echo server: C connections, each of which writes a message, reads it whole
 * back, compares it, and repeats. A process of its own in plain Deno, so that no server is measured
 * together with its client, and each against the same one.
 *
 *     deno run -A tests/bench/load.ts --port P [--transport tcp|udp] [--connections 64]
 *       [--seconds 1 | --messages N] [--warmup 0.2] [--size 64] [--idle 0] [--hostname 127.0.0.1]
 *       [--pid P]
 *
 * `--messages` counts the messages of all connections; `--idle` opens connections that never say
 * anything; `--pid` is the server's process. Prints one JSON line: messages, seconds,
 * messagesPerSecond, p50Us, p99Us, lost (datagrams that had to be sent again), and
 * serverCpuUs (processor time that the server took for a message; null where there is no
 * `/proc`). That last one is the more telling: where two processors are shared, a client that is
 * slower than its server hides how fast the server is, but not how much it works.
 */
import { parseArgs } from "@std/cli/parse-args";

/** A datagram without an answer after this long is sent again. */
const RESEND_MS = 1000;
/** How many connections are opened at a time: more would only wait in the server's backlog. */
const OPENING = 64;
/** The unit of /proc, the same on every Linux (USER_HZ). */
const TICKS_PER_SECOND = 100;
/** The first bytes of a message tell it from the one before. */
const SERIAL_BYTES = 4;

interface Load {
  readonly hostname: string;
  readonly port: number;
  readonly size: number;
}

/** Something that can send a message and get it back. */
interface Line {
  /** Sends `message` and fills `reply` with what comes back. */
  exchange(message: Uint8Array, reply: Uint8Array): Promise<void>;
  close(): void;
}

class TcpLine implements Line {
  readonly #conn: Deno.TcpConn;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async open({ hostname, port }: Load): Promise<TcpLine> {
    const conn = await Deno.connect({ hostname, port });
    conn.setNoDelay(true);
    return new TcpLine(conn);
  }

  async exchange(message: Uint8Array, reply: Uint8Array): Promise<void> {
    for (let at = 0; at < message.length;) at += await this.#conn.write(message.subarray(at));
    for (let at = 0; at < reply.length;) {
      const count = await this.#conn.read(reply.subarray(at));
      if (count === null) throw new Error("The server closed the connection");
      at += count;
    }
  }

  close(): void {
    this.#conn.close();
  }
}

let lost = 0;

class UdpLine implements Line {
  readonly #socket: Deno.DatagramConn;
  readonly #server: Deno.NetAddr;
  readonly #buffer = new Uint8Array(65536);

  constructor(socket: Deno.DatagramConn, server: Deno.NetAddr) {
    this.#socket = socket;
    this.#server = server;
  }

  static open({ hostname, port }: Load): Promise<UdpLine> {
    const socket = Deno.listenDatagram({ hostname, port: 0, transport: "udp" });
    return Promise.resolve(new UdpLine(socket, { hostname, port, transport: "udp" }));
  }

  async exchange(message: Uint8Array, reply: Uint8Array): Promise<void> {
    await this.#socket.send(message, this.#server);
    const again = setInterval(() => {
      lost++;
      this.#socket.send(message, this.#server);
    }, RESEND_MS);
    try {
      for (;;) {
        const [data] = await this.#socket.receive(this.#buffer);
        reply.set(data.subarray(0, reply.length));
        // The answer to a message that was sent twice may come twice: wait for this one's.
        if (sameBytes(message, reply, SERIAL_BYTES)) return;
      }
    } finally {
      clearInterval(again);
    }
  }

  close(): void {
    this.#socket.close();
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** How long each exchange took, in steps of a microsecond; what is beyond the last counts as that. */
class Latencies {
  readonly #counts: Uint32Array = new Uint32Array(2_000_000);
  total = 0;

  add(ms: number): void {
    const slot = Math.min(this.#counts.length - 1, Math.round(ms * 1000));
    this.#counts[slot] = this.#counts[slot]! + 1;
    this.total++;
  }

  /** The latency in microseconds that a share of the exchanges stays within. */
  quantile(share: number): number {
    let left = Math.ceil(this.total * share);
    return Math.max(0, this.#counts.findIndex((count) => (left -= count) <= 0));
  }
}

/** Processor time of a process so far, in seconds; `null` where the system does not say. */
function processorTime(pid: string): number | null {
  let stat: string;
  try {
    stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch {
    return null;
  }
  // The name, in parentheses, may hold spaces; after it, user and system time are the 12th and 13th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Opens `count` lines, some at a time. */
async function openAll(count: number, open: () => Promise<Line>): Promise<Line[]> {
  const lines: Line[] = [];
  while (lines.length < count) {
    const some = Math.min(OPENING, count - lines.length);
    lines.push(...await Promise.all(Array.from({ length: some }, open)));
  }
  return lines;
}

/** Keeps every line busy until `more` says no; it is asked before each exchange. */
function keepBusy(
  lines: readonly Line[],
  size: number,
  more: () => boolean,
  done: (ms: number) => void,
): Promise<unknown> {
  return Promise.all(lines.map(async (line, index) => {
    const message = new Uint8Array(size).fill(index);
    const serial = new DataView(message.buffer);
    const reply = new Uint8Array(size);
    for (let round = 1; more(); round++) {
      serial.setUint32(0, round);
      const began = performance.now();
      await line.exchange(message, reply);
      done(performance.now() - began);
      if (!sameBytes(message, reply, size)) throw new Error("The reply is not what was sent");
    }
  }));
}

function number(text: string, flag: string, least: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= least)) {
    console.error(`Option --${flag} must be a number, ${least} or more; got "${text}"`);
    Deno.exit(2);
  }
  return value;
}

const args = parseArgs(Deno.args, {
  string: [
    "hostname",
    "port",
    "transport",
    "connections",
    "seconds",
    "messages",
    "warmup",
    "size",
    "idle",
    "pid",
  ],
  default: {
    hostname: "127.0.0.1",
    port: "",
    transport: "tcp",
    connections: "64",
    seconds: "1",
    warmup: "0.2",
    size: "64",
    idle: "0",
    pid: "",
  },
});
const load: Load = {
  hostname: args.hostname,
  port: number(args.port, "port", 1),
  size: number(args.size, "size", SERIAL_BYTES),
};
const open = (): Promise<Line> =>
  args.transport === "udp" ? UdpLine.open(load) : TcpLine.open(load);

const idle = await openAll(number(args.idle, "idle", 0), open);
const busy = await openAll(number(args.connections, "connections", 1), open);

const warm = performance.now() + 1000 * number(args.warmup, "warmup", 0);
await keepBusy(busy, load.size, () => performance.now() < warm, () => {});

const before = processorTime(args.pid);
const latencies = new Latencies();
const began = performance.now();
let more: () => boolean;
if (args.messages === undefined) {
  const end = began + 1000 * number(args.seconds, "seconds", 0.001);
  more = () => performance.now() < end;
} else {
  let left = number(args.messages, "messages", 1);
  more = () => left-- > 0;
}
await keepBusy(busy, load.size, more, (ms) => latencies.add(ms));
const seconds = (performance.now() - began) / 1000;
const after = processorTime(args.pid);

for (const line of [...busy, ...idle]) line.close();
console.log(JSON.stringify({
  transport: args.transport,
  connections: busy.length,
  idle: idle.length,
  size: load.size,
  messages: latencies.total,
  seconds,
  messagesPerSecond: latencies.total / seconds,
  p50Us: latencies.quantile(0.5),
  p99Us: latencies.quantile(0.99),
  lost,
  serverCpuUs: before === null || after === null ? null : (after - before) * 1e6 / latencies.total,
}));
