/** Maps: order, laziness, windows, ends. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Cancelled,
  currentTask,
  moveOnAfter,
  run,
  sleep,
  spawn,
  transfer,
  WorkerPool,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import {
  add,
  burn,
  burnMoved,
  exitWorker,
  fib,
  nap,
  throwFull,
  total,
  unsendable,
} from "./fixtures/work.ts";

function* counting(from: { drawn: number }, end = Infinity): Generator<number> {
  while (from.drawn < end) yield from.drawn++;
}

law("WorkerPool.map() gives the results in the order of the items", async () => {
  await using pool = new WorkerPool(2);
  const items = Array.from({ length: 5000 }, (_, i) => i % 15);
  assertEquals(await pool.map(fib, items), items.map((n) => fib(n)));
  const naps = [9, 1, 5, 0, 3, 7];
  assertEquals(await pool.map(nap, naps), naps);
});

law("WorkerPool.map() takes any iterable, and async ones", async () => {
  await using pool = new WorkerPool(2);
  assertEquals(await pool.map(fib, new Set([1, 5, 10])), [1, 5, 55]);
  assertEquals(await pool.map(fib, counting({ drawn: 0 }, 6)), [0, 1, 1, 2, 3, 5]);
  assertEquals(await pool.map(fib, []), []);
  assertEquals(await pool.map(fib, counting({ drawn: 0 }, 0)), []);
  async function* slow(): AsyncGenerator<number> {
    for (let i = 0; i < 5; i++) {
      await null;
      yield i;
    }
  }
  assertEquals(await pool.map(fib, slow()), [0, 1, 1, 2, 3]);
  async function* none(): AsyncGenerator<number> {}
  assertEquals(await pool.map(fib, none()), []);
});

law("WorkerPool.map() works by yield*, yield and await, in both lanes", async () => {
  await using pool = new WorkerPool(2);
  const items = [1, 2, 3, 4];
  const want = [1, 1, 2, 3];
  await run(async function* () {
    assertEquals(yield* pool.map(fib, items), want);
    assertEquals(await pool.map(fib, items), want);
    assertEquals(yield pool.map(fib, items), want);
  });
  await run(function* () {
    assertEquals(yield* pool.map(fib, items), want);
    assertEquals(yield pool.map(fib, items), want);
  });
});

law("WorkerPool.map() does nothing until it is waited for, and begins anew each time", async () => {
  await using pool = new WorkerPool(1);
  const source = { drawn: 0 };
  const map = pool.map(fib, { [Symbol.iterator]: () => counting(source, source.drawn + 3) });
  assertEquals([source.drawn, pool.statistics().started], [0, 0]);
  assertEquals(await map, [0, 1, 1]);
  assertEquals(await map, [2, 3, 5]);
});

law("WorkerPool.map() draws no more than `window` items ahead of the results", async () => {
  await using pool = new WorkerPool(2);
  const source = { drawn: 0 };
  let most = 0;
  let back = 0;
  function* watched(): Generator<number> {
    while (source.drawn < 400) {
      most = Math.max(most, source.drawn - back);
      yield source.drawn++;
    }
  }
  const words = new Int32Array(new SharedArrayBuffer(4));
  const { countIn } = await import("./fixtures/counting.ts");
  function* items(): Generator<Int32Array> {
    for (const _ of watched()) {
      back = Atomics.load(words, 0);
      yield words;
    }
  }
  await pool.map(countIn, items(), { window: 10 });
  assertEquals(source.drawn, 400);
  assert(most <= 10, `${most} items were out at once`);
});

law(
  "WorkerPool.map() over an endless iterable is cancelled like any wait, and closes it",
  async () => {
    await using pool = new WorkerPool(2);
    let closed = 0;
    function* endless(): Generator<number> {
      try {
        for (;;) yield 0;
      } finally {
        closed++;
      }
    }
    await run(async function* () {
      const result = yield* moveOnAfter(30, pool.map(burn, endless()));
      assertEquals([result, closed], [undefined, 1]);
      const task = spawn(function* () {
        yield* pool.map(burn, endless());
      });
      yield* sleep(10);
      task.cancel("enough");
      yield* task.join();
      assert(task.error instanceof Cancelled);
      assertEquals([task.error.reason, closed], ["enough", 2]);
    });
    assertEquals(await pool.submit(fib, 10), 55);
  },
);

law("WorkerPool.map() ends with the first failure and draws no further", async () => {
  await using pool = new WorkerPool(1);
  const source = { drawn: 0 };
  function* items(): Generator<string> {
    for (const n of counting(source)) yield `item ${n}`;
  }
  const error = await assertRejects(async () => await pool.map(throwFull, items()), RangeError);
  assertEquals([error.name, error.message], ["FullError", "item 0"]);
  assert(source.drawn < 10);
  assertEquals(await pool.map(fib, [10]), [55]);
});

law("WorkerPool.map() ends with the error of its iterable", async () => {
  await using pool = new WorkerPool(1);
  function* broken(): Generator<number> {
    yield 1;
    throw new Error("no more");
  }
  await assertRejects(async () => await pool.map(fib, broken()), Error, "no more");
  async function* brokenLater(): AsyncGenerator<number> {
    yield 1;
    await null;
    throw new Error("no more, later");
  }
  await assertRejects(async () => await pool.map(fib, brokenLater()), Error, "no more, later");
  await assertRejects(
    async () => await pool.map(fib, 5 as never),
    TypeError,
    "Cannot map over 5: it must be an iterable or an async iterable",
  );
});

law("WorkerPool.map() fails when a result cannot be sent, or a worker dies", async () => {
  await using pool = new WorkerPool(2);
  const items = Array.from({ length: 50 }, () => undefined as never);
  const unsent = await assertRejects(async () => await pool.map(unsendable, items));
  assertEquals((unsent as Error).name, "WorkerError");
  const died = await assertRejects(async () => await pool.map(exitWorker, items));
  assertEquals((died as Error).name, "WorkerCrashedError");
  assertEquals(await pool.map(fib, [10]), [55]);
});

law("Two maps and single jobs share the workers", async () => {
  await using pool = new WorkerPool(2);
  await Promise.all([pool.submit(burn, 0), pool.submit(burn, 0)]);
  const ended: string[] = [];
  const long = pool.map(burn, Array.from({ length: 400 }, () => 1)).then(() => ended.push("long"));
  const short = pool.map(burn, Array.from({ length: 10 }, () => 1)).then(() => ended.push("short"));
  const single = pool.submit(burn, 1).then(() => ended.push("single"));
  await Promise.all([long, short, single]);
  assertEquals(ended.at(-1), "long");
});

law("WorkerPool.starmap() spreads each item over the arguments of the job", async () => {
  await using pool = new WorkerPool(2);
  const pairs = Array.from({ length: 3000 }, (_, i): [number, number] => [i, 1]);
  assertEquals(await pool.starmap(add, pairs), pairs.map(([a, b]) => a + b));
  const lists = [[], [1], [1, 2], [1, 2, 3]];
  assertEquals(await pool.starmap(total, lists), [0, 1, 3, 6]);
  async function* later(): AsyncGenerator<[number, number]> {
    for (let i = 0; i < 5; i++) {
      await null;
      yield [i, i];
    }
  }
  assertEquals(await pool.starmap(add, later(), { chunk: 2 }), [0, 2, 4, 6, 8]);
  const sets = [new Set([1, 2]), new Set([3])] as never;
  assertEquals(await pool.starmap(total, sets), [3, 3]);
  await assertRejects(
    async () => await pool.starmap(total, [[1], 5 as never]),
    TypeError,
    "Cannot spread 5 over the arguments of a job: it is no list",
  );
  const bytes = new Uint8Array(8);
  await pool.starmap(burnMoved, [[transfer(bytes, [bytes.buffer]), 0]]);
  assertEquals(bytes.byteLength, 0);
});

law("The option `chunk` says how many items travel together", async () => {
  await using pool = new WorkerPool(1);
  const ends = async (chunk: number): Promise<number[]> => {
    const source = { drawn: 0 };
    const seen: number[] = [];
    function* items(): Generator<number> {
      for (const n of counting(source, 12)) {
        seen.push(pool.statistics().running);
        yield n;
      }
    }
    await pool.map(nap, items(), { chunk });
    return seen;
  };
  // What is under way when an item is drawn: nothing, or whole chunks.
  for (const chunk of [2, 3, 4]) {
    const seen = await ends(chunk);
    for (let i = 0; i < seen.length; i += chunk) {
      assertEquals(new Set(seen.slice(i, i + chunk)).size, 1, `chunk ${chunk}: ${seen}`);
    }
  }
  assertEquals(await pool.map(fib, [5, 6, 7], { chunk: 100 }), [5, 8, 13]);
});

law("WorkerPool.map() over an async iterable keeps to its window, exactly", async () => {
  await using pool = new WorkerPool(2);
  const words = new Int32Array(new SharedArrayBuffer(4));
  const { countIn } = await import("./fixtures/counting.ts");
  let most = 0;
  async function* items(): AsyncGenerator<Int32Array> {
    for (let drawn = 1; drawn <= 300; drawn++) {
      await null;
      most = Math.max(most, drawn - Atomics.load(words, 0));
      yield words;
    }
  }
  await pool.map(countIn, items(), { window: 6 });
  assert(most <= 6, `${most} items were out at once`);
});

law("WorkerPool.map() fails with its own error when its source cannot be closed", async () => {
  await using pool = new WorkerPool(1);
  function* stubborn(): Generator<string> {
    try {
      for (;;) yield "bad";
    } finally {
      // deno-lint-ignore no-unsafe-finally -- what is tested
      throw new Error("cannot close");
    }
  }
  await assertRejects(async () => await pool.map(throwFull, stubborn()), RangeError, "bad");
  assertEquals(await pool.map(fib, [10]), [55]);
});

law("The items of any iterable are drawn in nobody's scope", async () => {
  await using pool = new WorkerPool(1);
  const seen = new Set<string>();
  const look = (): void => {
    try {
      seen.add(currentTask().name);
    } catch {
      seen.add("nobody");
    }
  };
  function* sync(): Generator<number> {
    look();
    yield 1;
  }
  async function* async(): AsyncGenerator<number> {
    look();
    await null;
    look();
    yield 1;
  }
  await run(async function* () {
    yield* pool.map(fib, async());
    yield* pool.map(fib, sync());
    for await (const _ of pool.imap(fib, async()));
  });
  await run(function* () {
    yield* pool.map(fib, async());
    yield* pool.imap(fib, sync()).next();
  });
  assertEquals([...seen], ["nobody"]);
});
