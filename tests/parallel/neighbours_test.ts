/** One bad item harms no other, and no code of a user harms the pool. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import {
  Cancelled,
  type Future,
  transfer,
  WorkerCrashedError,
  WorkerError,
  WorkerPool,
} from "@weft/weft";
import { runProgram } from "../lib/child.ts";
import { law } from "../lib/law.ts";
import { begun } from "./begun.ts";
import { countIn } from "./fixtures/counting.ts";
import { echo } from "./fixtures/items.ts";
import { moveOrNot } from "./fixtures/moving.ts";
import { add, burn, fib } from "./fixtures/work.ts";

/** A buffer of `n` bytes, to be moved; with a function beside it, one that cannot be sent. */
function moved(n: number, spoiled = false): { bytes: Uint8Array<ArrayBuffer>; f?: () => void } {
  const bytes = new Uint8Array(n);
  return transfer(spoiled ? { bytes, f: () => {} } : { bytes }, [bytes.buffer]);
}

type Job = Future<number>;

const url = import.meta.resolve("./fixtures/neighbours.ts");

function revoked(): never {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy as never;
}

function trapped(): never {
  const fail = (): never => {
    throw new Error("do not look");
  };
  return new Proxy([], {
    get: fail,
    has: fail,
    ownKeys: fail,
    getPrototypeOf: fail,
    getOwnPropertyDescriptor: fail,
  }) as never;
}

law("One moved argument that cannot be sent leaves the others whole", async () => {
  await using pool = new WorkerPool(2);
  const { sizeOf } = pool.use<typeof import("./fixtures/neighbours.ts")>(url);
  await pool.map(sizeOf, [moved(1), moved(1)]);
  const items = Array.from({ length: 40 }, (_, i) => moved(i + 1, i % 10 === 7));
  const found = await Promise.allSettled(items.map((item) => pool.submit(sizeOf, item)));
  for (const [i, result] of found.entries()) {
    if (i % 10 !== 7) assertEquals(result, { status: "fulfilled", value: i + 1 });
    else assert(result.status === "rejected" && result.reason instanceof WorkerError);
  }
  const stream = pool.imap(sizeOf, Array.from({ length: 40 }, (_, i) => moved(i + 1, i === 20)), {
    chunk: 40,
  });
  for (let i = 0; i < 40; i++) {
    const next = await stream.next().then(({ value }) => value, (error) => error);
    if (i === 20) assertInstanceOf(next, WorkerError);
    else assertEquals(next, i + 1);
  }
  assertEquals((await stream.next()).done, true);
});

law("Lists of arguments with moved ones among them travel whole", async () => {
  await using pool = new WorkerPool(1);
  const { sizesOf } = pool.use<typeof import("./fixtures/neighbours.ts")>(url);
  const lists = Array.from(
    { length: 20 },
    (_, i) => [moved(i), i % 3 === 0 ? moved(2) : { bytes: new Uint8Array(2) }] as const,
  );
  const sizes = await pool.starmap(sizesOf, lists, { chunk: 20 });
  assertEquals(sizes, lists.map((_, i) => [i, 2]));
});

law("One moved result that cannot be sent leaves the others whole", async () => {
  await using pool = new WorkerPool(1);
  await pool.submit(moveOrNot, 1);
  const ns = Array.from({ length: 30 }, (_, i) => i % 10 === 7 ? 0 : 1);
  const found = await Promise.allSettled(ns.map((n) => pool.submit(moveOrNot, n)));
  for (const [i, result] of found.entries()) {
    if (ns[i] === 0) assert(result.status === "rejected" && result.reason instanceof WorkerError);
    else assertEquals(result, { status: "fulfilled", value: new Uint8Array([1, 2, 3]) });
  }
});

law('A cancelled job with moved arguments that said "dropped" never runs', async () => {
  await using pool = new WorkerPool(1);
  const { countMoved } = pool.use<typeof import("./fixtures/neighbours.ts")>(url);
  const words = new Int32Array(new SharedArrayBuffer(4));
  await pool.submit(countMoved, moved(1), words);
  for (let round = 0; round < 20; round++) {
    const before = Atomics.load(words, 0);
    const busy = pool.submit(burn, 2);
    const jobs = Array.from({ length: 8 }, () => pool.submit(countMoved, moved(1), words));
    await new Promise((resolve) => setTimeout(resolve, round % 4));
    const means = jobs.filter((_, i) => i % 2 === 0).map((job) => job.cancel());
    const dropped = means.filter((one) => one === "dropped").length;
    const told = means.filter((one) => one === "kill").length; // such a one may have begun, or not
    await Promise.allSettled([busy, ...jobs]);
    await pool.submit(burn, 0);
    const ran = Atomics.load(words, 0) - before;
    assert(ran <= 8 - dropped && ran >= 8 - dropped - told, `${ran} ran, ${means}`);
  }
});

law("Jobs with moved arguments behind one that gets stuck fail, and say why", async () => {
  await using pool = new WorkerPool(1, { grace: 20 });
  const { block } = pool.use<typeof import("./fixtures/neighbours.ts")>(url);
  const submit = (n: number) => {
    const bytes = new Uint8Array([n]);
    return pool.submit(block, transfer(bytes, [bytes.buffer]));
  };
  for (let n = 0; n < 40; n++) assertEquals(await submit(n), n); // so that it is known to be short
  const [first, stuck, ...behind] = [1, 200, 2, 3].map(submit) as [Job, Job, ...Job[]];
  await begun(stuck);
  assertEquals(stuck.cancel(), "kill");
  const assertLost = async (job: Job, why: string) => {
    const error = await job.then(() => null, (error) => error);
    assertInstanceOf(error, WorkerCrashedError);
    assertStringIncludes(error.message, why);
  };
  await assertLost(first, "before its result was sent");
  for (const job of behind) {
    await assertLost(job, "before it began, and its arguments had been moved there");
  }
  assertEquals(await submit(7), 7);
});

law("A cancelled map of moved items begins nothing further", async () => {
  await using pool = new WorkerPool(1);
  const { countSlowly } = pool.use<typeof import("./fixtures/neighbours.ts")>(url);
  const words = new Int32Array(new SharedArrayBuffer(4));
  await pool.submit(countSlowly, { ...moved(1), words });
  const stream = pool.imap(
    countSlowly,
    Array.from({ length: 200 }, () => moved(1)).map((item) => Object.assign(item, { words })),
  );
  await stream.next();
  stream.cancel();
  const seen = Atomics.load(words, 0);
  await pool.submit(burn, 50);
  assert(Atomics.load(words, 0) <= seen + 1, `${Atomics.load(words, 0)} after ${seen}`);
});

law("An argument nobody can inspect fails its own job", async () => {
  await using pool = new WorkerPool(2);
  await pool.map(echo, [1, 2, 3]);
  for (const bad of [revoked, trapped]) {
    const futures = Array.from({ length: 30 }, (_, i) => pool.submit(add, i === 9 ? bad() : i, 1));
    const found = await Promise.allSettled(futures);
    for (const [i, result] of found.entries()) {
      if (i !== 9) assertEquals(result, { status: "fulfilled", value: i + 1 });
      else assert(result.status === "rejected" && result.reason instanceof WorkerError);
    }
    for (const items of [[1, bad()], [bad()]]) {
      const result = await pool.map(echo, items).then(() => null, (error) => error);
      assertInstanceOf(result, WorkerError);
    }
    const spread = await pool.starmap(add, [[1, 2], bad()]).then(() => null, (error) => error);
    assertInstanceOf(spread, Error);
    const list = await (async () => await pool.map(echo, bad()))().then(() => null, (e) => e);
    assertInstanceOf(list, Error);
  }
  assertEquals(await pool.submit(fib, 10), 55);
});

law(
  "A getter that ends the pool, or cancels its job, while it is sent leaves no future open",
  async () => {
    const pool = new WorkerPool(1);
    const trap = pool.submit(add, {
      get n(): number {
        trap.cancel();
        return 1;
      },
    } as never, 1);
    assertInstanceOf(await trap.then(() => null, (error) => error), Cancelled);
    const bomb = {
      get n(): number {
        pool.terminate();
        return 1;
      },
    };
    const futures = [pool.submit(add, bomb as never, 1), pool.submit(add, 1, 1)];
    const found = await Promise.allSettled(futures);
    assertEquals(found.map(({ status }) => status), ["rejected", "rejected"]);
    await pool.join();
  },
);

law("Holes in lists of arguments are undefined, and shift nobody's", async () => {
  await using pool = new WorkerPool(1);
  const { listOf } = pool.use<typeof import("./fixtures/neighbours.ts")>(url);
  // deno-lint-ignore no-sparse-arrays
  const lists = [[1, , 3], [4, 5, 6], [, 8], []] as unknown as unknown[][];
  const found = await pool.starmap(listOf, lists, { chunk: 4 });
  assertEquals(found, [[1, undefined, 3], [4, 5, 6], [undefined, 8], []]);
});

law("The jobs of a module are the same however often they are asked for", async () => {
  await using pool = new WorkerPool(1);
  const use = () => pool.use<typeof import("./fixtures/neighbours.ts")>(url);
  assert(use().listOf === use().listOf);
  await Promise.all(Array.from({ length: 5000 }, (_, i) => use().listOf(i)));
});

law("What is asked of any object is no job of a module", () => {
  const pool = new WorkerPool(1);
  const jobs = pool.use<typeof import("./fixtures/neighbours.ts")>(url);
  JSON.stringify({ jobs });
  `${jobs}`;
  assertEquals(Number(jobs), NaN);
  Deno.inspect(jobs);
  assertEquals(pool.statistics().submitted, 0);
  pool.terminate();
});

law("Permissions that a worker cannot have fail the jobs of its pool", async () => {
  const { code, stdout, stderr } = await runProgram(
    `
    import { WorkerPool } from "@weft/weft";
    import { fib } from "./tests/parallel/fixtures/work.ts";
    for (const permissions of [{ net: true }, { run: ["sh"] }, { read: 5 }, 7]) {
      const pool = new WorkerPool(2, { permissions });
      for (const job of [() => pool.submit(fib, 1), () => pool.map(fib, [1, 2])]) {
        const error = await job().then(() => null, (error) => error);
        console.log(error.name, error.message.startsWith("Cannot start a worker for job"));
      }
      pool.terminate();
    }
  `,
    20_000,
    ["--unstable-worker-options", "--allow-read"],
  );
  assertEquals([code, stdout.split("\n")], [0, Array(8).fill("WorkerError true")], stderr);
});

law("Other jobs run to their end beside one whose buffer was emptied before", async () => {
  await using pool = new WorkerPool(1);
  const { sizeOf } = pool.use<typeof import("./fixtures/neighbours.ts")>(url);
  await pool.submit(sizeOf, moved(1));
  const item = moved(5);
  const found = await Promise.allSettled([
    pool.submit(sizeOf, moved(3)),
    pool.submit(sizeOf, item),
    pool.submit(sizeOf, item),
    pool.submit(sizeOf, moved(4)),
    pool.submit(countIn, new Int32Array(new SharedArrayBuffer(4))),
  ]);
  assertEquals(found.map((result) => result.status === "fulfilled" ? result.value : "failed"), [
    3,
    5,
    "failed",
    4,
    1,
  ]);
  assertStringIncludes(String((found[2] as PromiseRejectedResult).reason), "sizeOf");
});
