/**
 * Deno without weft: the curves of promises, timers, connections and bare workers.
 *
 *     deno run -A tests/bench/peers/curve_plain_peer.ts WORK N
 */
import { nap } from "./common.ts";
import {
  BACKLOG,
  GREETING,
  main,
  Meter,
  OPENING,
  processorTime,
  STEPS,
  turns,
  WAITS,
  whole,
} from "./curve_common.ts";
import { WORKERS } from "./pool_tasks.mjs";

/** Does something n times at once. */
function together(n: number, one: (i: number) => Promise<unknown>): Promise<unknown> {
  const all: Promise<unknown>[] = [];
  for (let i = 0; i < n; i++) all.push(one(i));
  return Promise.all(all);
}

async function awaits(n: number): Promise<number> {
  const rounds = turns(n, STEPS);
  const meter = new Meter(n);
  await together(n, async () => {
    meter.come();
    for (let round = 0; round < rounds; round++) await null;
    meter.go();
  });
  return meter.ns / (n * rounds);
}

async function forAwaits(n: number): Promise<number> {
  const rounds = turns(n, STEPS);
  const meter = new Meter(n);
  await together(n, async () => {
    const counts = async function* () {
      for (let round = 0; round < rounds; round++) yield round;
    };
    meter.come();
    for await (const _ of counts());
    meter.go();
  });
  return meter.ns / (n * rounds);
}

const calls = (n: number) =>
  whole(n, () =>
    together(n, async () => {
      await null;
    }));

const sleepers = (n: number) =>
  whole(n, () =>
    together(n, async (i) => {
      await new Promise((resolve) => setTimeout(resolve, nap(i)));
    }));

/** All wait for one list to have something, which serves them first come, first served. */
async function waits(n: number): Promise<number> {
  const rounds = turns(n, WAITS);
  let takers: ((item: number) => void)[] = [];
  const all = together(n, async () => {
    for (let round = 0; round < rounds; round++) {
      await new Promise<number>((resolve) => takers.push(resolve));
    }
  });
  const from = processorTime();
  for (let round = 0; round < rounds; round++) {
    while (takers.length < n) await null;
    const served = takers;
    takers = [];
    for (let i = 0; i < n; i++) served[i]!(i);
  }
  await all;
  return (processorTime() - from) / (n * rounds);
}

const hostname = "127.0.0.1";

async function echo(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(2048);
  for (let count; (count = await conn.read(buffer)) !== null;) {
    for (let at = 0; at < count;) at += await conn.write(buffer.subarray(at, count));
  }
  conn.close();
}

const connections = (n: number) =>
  whole(n, async () => {
    using listener = Deno.listen({ hostname, port: 0, tcpBacklog: BACKLOG });
    const { port } = listener.addr;
    const echoes: Promise<void>[] = [];
    const accepted = (async () => {
      for (let i = 0; i < n; i++) echoes.push(echo(await listener.accept()));
    })();
    const held: Deno.Conn[] = [];
    let left = n;
    await together(OPENING, async () => {
      while (left-- > 0) {
        const conn = await Deno.connect({ hostname, port });
        held.push(conn);
        await conn.write(GREETING);
        const reply = new Uint8Array(GREETING.length);
        for (let at = 0; at < reply.length;) at += (await conn.read(reply.subarray(at)))!;
      }
    });
    for (const conn of held) conn.close();
    await accepted;
    await Promise.all(echoes);
  });

/** Bare workers: a message for each call, and a map of who waits. */
function openWorkers(): (argument: number) => Promise<unknown> {
  const waiting = new Map<number, (value: unknown) => void>();
  const workers = Array.from({ length: WORKERS }, () => {
    const worker = new Worker(import.meta.resolve("./pool_raw_worker.mjs"), { type: "module" });
    worker.onmessage = ({ data: [id, value] }: MessageEvent<[number, unknown]>) => {
      waiting.get(id)!(value);
      waiting.delete(id);
    };
    return worker;
  });
  let next = 0;
  return (argument) =>
    new Promise((resolve) => {
      const id = next++;
      waiting.set(id, resolve);
      workers[id % WORKERS]!.postMessage([id, "same", argument]);
    });
}

let call: ReturnType<typeof openWorkers> | null = null;

const jobs = (n: number) => whole(n, () => together(n, call ??= openWorkers()));

await main({ awaits, "for-awaits": forAwaits, calls, sleepers, waits, connections, jobs });
