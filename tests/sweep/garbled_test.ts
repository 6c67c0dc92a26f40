/**
 * Ten thousand messages that nobody sends, over every wire there is and from either of its ends: each future
 * settles, whoever was lied to says so in words, and what was not concerned goes on.
 */
import process from "node:process";
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { WorkerCrashedError, WorkerPool, WorkerProcess } from "@weft/weft";
import { identWord } from "../../src/parallel/process/current.ts";
import { makeWords } from "../../src/parallel/thread/wire.ts";
import { type ThreadStart, WorkerThread } from "../../src/parallel/thread/worker_thread.ts";
import { ENGINE } from "../arguments/odd_values.ts";
import { law } from "../lib/law.ts";
import {
  answer,
  garbageFrom,
  sayBytes,
  sayToParent,
  sayToPool,
} from "../parallel/fixtures/garbled_wires.ts";

const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const fixture = import.meta.resolve("../parallel/fixtures/garbled_wires.ts");
const source = new URL("../../src/parallel/", import.meta.url);

/** Everything that is heard from a thread, and how it ended. */
class Listener {
  readonly heard: unknown[] = [];
  readonly thread: WorkerThread;
  readonly gone = Promise.withResolvers<void>();

  constructor(entry: string, start: Pick<ThreadStart, "words" | "message">) {
    const whole = { ...start, entry: new URL(entry, source), name: "heard", permissions: null };
    this.thread = new WorkerThread({ ...whole, movables: [] }, {
      hear: (data) => void this.heard.push(data),
      gone: () => this.gone.resolve(),
    });
  }
}

law("Whatever a worker says to its pool, its jobs end and the pool goes on", async () => {
  await using pool = new WorkerPool(2, { warn: () => {} });
  for (const seed of seeds(16)) {
    assertEquals(await pool.submit(answer, seed), seed + 1);
    const said = [sayToPool, answer].map((job) => pool.submit(job as typeof sayToPool, seed, 250));
    for (const result of await Promise.allSettled(said)) {
      if (result.status === "fulfilled") continue;
      assertInstanceOf(result.reason, WorkerCrashedError, `seed ${seed}`);
      assertMatch(result.reason.message, /it sent a message that cannot be understood$/);
    }
  }
  assertEquals(await pool.map(answer, [1, 2, 3]), [2, 3, 4]);
}, 60_000);

law("Whatever a worker hears from its pool, it answers or says that it ends", async () => {
  for (const seed of seeds(15)) {
    const next = garbageFrom(seed);
    const words = makeWords(4);
    const message = { kind: "weft.start", setUp: null, log: false };
    const { gone, heard, thread } = new Listener("worker_entry.ts", { words, message });
    thread.post(["batch", 0, 1, 0, 1, [1], [[0, fixture, "answer", false]]]);
    for (let i = 0; i < 200; i++) thread.post(next());
    thread.post(["batch", 5, 1, 0, 1, [41]]);
    await gone.promise;
    const texts = heard.flat(9).filter((part) => typeof part === "string");
    assert(texts.includes("it heard a message that cannot be understood"), `seed ${seed}`);
    assertEquals(texts.filter((text) => ENGINE.test(text)), []);
  }
}, 60_000);

for (const backend of ["worker", "subprocess"] as const) {
  law(`Whatever a ${backend} says to its parent, it is ended with a sentence`, async () => {
    for (const seed of seeds(backend === "worker" ? 6 : 4)) {
      const process = new WorkerProcess({
        target: sayToParent,
        args: [seed, 250],
        backend,
        report: () => {},
      });
      process.start();
      assert((await process.join(10_000)) !== null, `seed ${seed}`);
      if (process.error === undefined) continue; // it began with a last word
      assertInstanceOf(process.error, Error);
      if (process.exitCode !== 1) continue; // so did a last word with an error
      assertMatch(
        process.error.message,
        /sent a message that is none of a process's|cannot be read/,
      );
    }
  }, 60_000);
}

law("Whatever a worker that is a process hears, it does what it was told and ends", async () => {
  for (const seed of seeds(5)) {
    const next = garbageFrom(seed);
    const begin = {
      kind: "weft.begin",
      name: "heard",
      ident: 1,
      daemon: false,
      backend: "worker",
      parent: { name: "main", pid: 1 },
      mainModule: null,
      target: { url: fixture, name: "answer" },
      args: [seed],
      type: null,
      fields: {},
      idents: identWord(),
    };
    const words = new Int32Array(new SharedArrayBuffer(4));
    const { gone, heard, thread } = new Listener("process/entry.ts", { words, message: begin });
    for (let i = 0; i < 200; i++) thread.post(next());
    await gone.promise;
    const [end] = heard as { kind: string; code: number }[];
    assertEquals(end?.kind, "weft.end", `seed ${seed}`);
    assert(end?.code === 0 || end?.code === -15);
  }
}, 60_000);

law("Whatever a subprocess hears, it does what it was told and ends", async () => {
  const module = process.getBuiltinModule("node:child_process");
  const { spawn } = module;
  try {
    for (const seed of seeds(4)) {
      const next = garbageFrom(seed);
      module.spawn = ((...args: Parameters<typeof spawn>) => {
        const child = spawn(...args);
        const { send } = child;
        child.send = ((...message: Parameters<typeof send>) => {
          for (let i = 0; i < 200; i++) send.call(child, (next() ?? 0) as never);
          return send.apply(child, message);
        }) as typeof send;
        return child;
      }) as typeof spawn;
      const options = { target: answer, args: [1] as [number], backend: "subprocess" } as const;
      const one = new WorkerProcess({ ...options, report: () => {} });
      one.start();
      const code = await one.join(10_000);
      assert(code === 0 || code === 1, `seed ${seed}: ${code}`);
    }
  } finally {
    module.spawn = spawn;
  }
}, 60_000);

law("Bytes that are no message keep nobody from hearing how a subprocess ended", async () => {
  for (const seed of seeds(4)) {
    const target = sayBytes;
    const one = new WorkerProcess({
      target,
      args: [seed, 50],
      backend: "subprocess",
      report: () => {},
    });
    one.start();
    assert((await one.join(10_000)) !== null, `seed ${seed}`);
  }
}, 60_000);
