/** imap and imapUnordered: order, laziness, the exact window, errors in their places, ends. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { Cancelled, ClosedError, moveOnAfter, run, sleep, spawn, WorkerPool } from "@weft/weft";
import type { ResultStream } from "../../src/parallel/pool/result_stream.ts";
import { law, lawInBothLanes } from "../lib/law.ts";
import {
  add,
  countCalls,
  deafUntil,
  exitWorker,
  fib,
  move,
  nap,
  spin,
  spinAfterAwait,
  unsendable,
  waitUntilCancelled,
} from "./fixtures/work.ts";
import { chancy, echo, later } from "./fixtures/items.ts";
import { transfer } from "@weft/weft";
import { sweepCancel } from "@weft/weft/testing";

/** A source that knows how often it was asked and closed. */
class Source {
  drawn = 0;
  closed = 0;
  readonly #end: number;

  constructor(end = Infinity) {
    this.#end = end;
  }

  *sync(): Generator<number> {
    try {
      while (this.drawn < this.#end) yield this.drawn++;
    } finally {
      this.closed++;
    }
  }

  async *async(): AsyncGenerator<number> {
    try {
      while (this.drawn < this.#end) {
        if (this.drawn % 7 === 0) await null;
        yield this.drawn++;
      }
    } finally {
      this.closed++;
    }
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A source that is being asked for an item when it is closed closes as soon as it has given it. */
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

const upTo = (end: number): number[] => Array.from({ length: end }, (_, i) => i);

law("WorkerPool.imap() gives the results in the order of the items", async () => {
  await using pool = new WorkerPool(2);
  const naps = [9, 1, 5, 0, 3, 7];
  assertEquals(await collect(pool.imap(nap, naps)), naps);
  assertEquals(await collect(pool.imap(echo, upTo(5000))), upTo(5000));
  assertEquals(await collect(pool.imap(echo, new Source(5000).sync())), upTo(5000));
  assertEquals(await collect(pool.imap(echo, new Source(5000).async())), upTo(5000));
  assertEquals(await collect(pool.imap(echo, [])), []);
  assertEquals(await collect(pool.imap(echo, new Source(0).async())), []);
});

law("WorkerPool.imapUnordered() gives each result once, as it comes", async () => {
  await using pool = new WorkerPool(2);
  await pool.map(nap, [50, 50], { chunk: 1 }); // both are up
  assertEquals(await collect(pool.imapUnordered(nap, [200, 1])), [1, 200]);
  const found = await collect(pool.imapUnordered(echo, new Source(5000).async()));
  assertEquals(found.sort((a, b) => a - b), upTo(5000));
});

lawInBothLanes("ResultStream.next() gives one result after another, and then the end", {
  fast: () =>
    run(function* () {
      using pool = new WorkerPool(2);
      const stream = pool.imap(echo, new Source(3).sync());
      const steps = [];
      for (let i = 0; i < 5; i++) steps.push(yield* stream.next());
      assertEquals(steps.map(({ done, value }) => done ? "done" : value), [
        0,
        1,
        2,
        "done",
        "done",
      ]);
    }),
  async: () =>
    run(async function* () {
      using pool = new WorkerPool(2);
      const stream = pool.imap(echo, new Source(3).async());
      const steps = [yield* stream.next(), await stream.next(), yield stream.next()];
      steps.push(yield* stream.next());
      assertEquals(steps.map((step) => (step as { value: unknown }).value), [0, 1, 2, undefined]);
    }),
});

law("`for await` over a stream works inside a task, and is cancelled like any wait", async () => {
  await run(async function* () {
    using pool = new WorkerPool(2);
    const source = new Source(500);
    let sum = 0;
    for await (const value of pool.imap(echo, source.async())) sum += value;
    assertEquals([sum, source.closed], [124750, 1]);
    const endless = new Source();
    const task = spawn(async function* () {
      for await (const _ of pool.imap(echo, endless.sync(), { window: 50 }));
    });
    yield* sleep(20);
    task.cancel("enough");
    yield* task.join();
    assertInstanceOf(task.error, Cancelled);
    assertEquals([task.error.reason, endless.closed], ["enough", 1]);
    assertEquals(yield* pool.submit(fib, 10), 55);
  });
});

law("A stream draws nothing before the first read, and no further after the last", async () => {
  await using pool = new WorkerPool(2);
  for (const kind of ["sync", "async"] as const) {
    const source = new Source();
    const stream = pool.imap(echo, source[kind](), { window: 20 });
    await null;
    assertEquals(source.drawn, 0);
    for await (const value of stream) if (value === 100) break;
    await tick();
    assertEquals(source.closed, 1);
    const { drawn } = source;
    assert(drawn <= 121, `${drawn} were drawn`);
    await pool.submit(nap, 5);
    assertEquals([source.drawn, source.closed], [drawn, 1]);
    assertEquals((await stream.next()).done, true);
  }
});

law("What is in flight and not yet read is never more than the window, exactly", async () => {
  await using pool = new WorkerPool(2);
  for (const kind of ["sync", "async"] as const) {
    for (const [window, chunk] of [[1], [2], [3], [10], [64], [7, 3], [5, 100]] as const) {
      for (const verb of ["imap", "imapUnordered"] as const) {
        let read = 0;
        let most = 0;
        const source = new Source(400);
        const watched = kind === "sync"
          ? function* () {
            for (const item of source.sync()) {
              most = Math.max(most, source.drawn - read);
              yield item;
            }
          }()
          : async function* () {
            for await (const item of source.async()) {
              most = Math.max(most, source.drawn - read);
              yield item;
            }
          }();
        const options = chunk === undefined ? { window } : { window, chunk };
        for await (const _ of pool[verb](echo, watched, options)) {
          if (read % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
          read++;
        }
        assertEquals(read, 400);
        assert(most <= window, `${verb} of ${kind}: ${most} were out, ${window} may`);
      }
    }
  }
});

law(
  "A reader that pauses finds as many results as the window, and no more were drawn",
  async () => {
    await using pool = new WorkerPool(2);
    const source = new Source();
    using stream = pool.imap(echo, source.sync(), { window: 12 });
    await stream.next();
    while (pool.statistics().running > 0 || source.drawn < 12) await pool.submit(nap, 1);
    assert(source.drawn === 12 || source.drawn === 13, `${source.drawn}`);
  },
);

law("The error of an item is thrown in its place, and next() goes on after it", async () => {
  await using pool = new WorkerPool(2);
  const stream = pool.imap(chancy, upTo(200));
  const found: (number | string)[] = [];
  for (;;) {
    try {
      const { done, value } = await stream.next();
      if (done) break;
      found.push(value);
    } catch (error) {
      found.push((error as Error).message);
    }
  }
  assertEquals(found, upTo(200).map((n) => n % 10 === 3 ? `${n} is unlucky` : n));
});

law("The error of an item ends a `for await`, and closes the source", async () => {
  await using pool = new WorkerPool(2);
  for (const kind of ["sync", "async"] as const) {
    const source = new Source();
    const found: number[] = [];
    await assertRejects(
      async () => {
        for await (const n of pool.imap(chancy, source[kind]())) found.push(n);
      },
      Error,
      "3 is unlucky",
    );
    await tick();
    assertEquals([found, source.closed], [[0, 1, 2], 1]);
    await run(async function* () {
      const inside = new Source();
      try {
        for await (const _ of pool.imap(chancy, inside[kind]()));
      } catch {
        await tick();
        assertEquals(inside.closed, 1);
      }
    });
  }
  pool.close();
  await pool.join();
});

law("The error of the iterable comes after the results of all items before it", async () => {
  await using pool = new WorkerPool(2);
  function* broken(): Generator<number> {
    yield* upTo(20);
    throw new Error("no more");
  }
  async function* brokenLater(): AsyncGenerator<number> {
    yield* broken();
  }
  await pool.map(echo, upTo(100)); // so that all items travel together, and the error comes with them
  for (const verb of ["imap", "imapUnordered"] as const) {
    for (
      const [job, items] of [[later, broken()], [later, brokenLater()], [echo, broken()]] as const
    ) {
      const stream = pool[verb]<(n: number) => number | Promise<number>>(job as never, items);
      const found: number[] = [];
      for (let i = 0; i < 20; i++) found.push((await stream.next()).value!);
      assertEquals(found.sort((a, b) => a - b), upTo(20));
      await assertRejects(async () => await stream.next(), Error, "no more");
      assertEquals((await stream.next()).done, true);
    }
  }
});

law(
  "A result that cannot be sent, a crash and a time limit are errors in their places",
  async () => {
    await using pool = new WorkerPool(2);
    const names = async (stream: ResultStream<unknown>): Promise<string[]> => {
      const found: string[] = [];
      for (;;) {
        try {
          const { done, value } = await stream.next();
          if (done) return found;
          found.push(String(value));
        } catch (error) {
          found.push((error as Error).name);
        }
      }
    };
    const none = (count: number): never[] =>
      Array.from({ length: count }, () => undefined as never);
    assertEquals(await names(pool.imap(unsendable, none(3))), Array(3).fill("WorkerError"));
    assertEquals(await names(pool.imap(exitWorker, none(3))), Array(3).fill("WorkerCrashedError"));
    assertEquals(
      await names(pool.imap(spin, none(2), { timeout: 20 })),
      Array(2).fill("TimeoutError"),
    );
    for (const verb of ["imap", "imapUnordered"] as const) {
      assertEquals(
        await names(pool[verb](spinAfterAwait, none(2), { timeout: 20, chunk: 2 })),
        Array(2).fill("TimeoutError"),
      );
    }
    assertEquals(await names(pool.imap(fib, [10, 11])), ["55", "89"]);
  },
);

law("A cancelled next() has taken nothing", async () => {
  await using pool = new WorkerPool(2);
  await run(async function* () {
    const stream = pool.imap(nap, Array.from({ length: 40 }, (_, i) => i % 4), { window: 3 });
    const found: number[] = [];
    for (let i = 0;; i++) {
      const step = yield* moveOnAfter(i % 3, stream.next());
      if (step === undefined) continue;
      if (step.done) break;
      found.push(step.value);
    }
    assertEquals(found, Array.from({ length: 40 }, (_, i) => i % 4));
  });
});

law(
  "Several tasks may read one stream: each result goes to one, first come first served",
  async () => {
    await using pool = new WorkerPool(2);
    await run(async function* () {
      const stream = pool.imap(echo, new Source(300).async(), { window: 30 });
      const found: number[][] = [[], [], []];
      const tasks = found.map((mine) =>
        spawn(function* () {
          for (;;) {
            const { done, value } = yield* stream.next();
            if (done) return;
            mine.push(value);
          }
        })
      );
      for (const task of tasks) yield* task.join();
      for (const mine of found) assertEquals(mine, mine.toSorted((a, b) => a - b));
      assertEquals(found.flat().sort((a, b) => a - b), upTo(300));
    });
  },
);

law("Whoever waits for a stream when it is cancelled sees its end", async () => {
  await using pool = new WorkerPool(1);
  await run(async function* () {
    const stream = pool.imap(nap, [1000]);
    const task = spawn(function* () {
      return yield* stream.next();
    });
    const outside = stream[Symbol.asyncIterator]();
    yield* sleep(10);
    stream.cancel();
    stream.cancel();
    assertEquals((yield* task.get()).done, true);
    assertEquals((await outside.next()).done, true);
  });
});

law("The reason of a cancel reaches the jobs that run", async () => {
  await using pool = new WorkerPool(1);
  const words = new Int32Array(new SharedArrayBuffer(8));
  const stream = pool.imap(waitUntilCancelled, [words]);
  const end = stream.next().then(({ done }) => done);
  while (Atomics.load(words, 0) === 0) await tick();
  stream.cancel(new Error("enough"));
  assertEquals(await end, true);
  while (Atomics.load(words, 1) === 0) await tick();
  assertEquals(await pool.submit(fib, 10), 55);
});

law("Two workers are at the items of an async iterable at once", async () => {
  await using pool = new WorkerPool(2);
  const { meet } = await import("./fixtures/rendezvous.ts");
  const words = new Int32Array(new SharedArrayBuffer(4));
  async function* twice(): AsyncGenerator<Int32Array> {
    yield words;
    await tick();
    yield words;
  }
  assertEquals(await collect(pool.imap(meet, twice())), [2, 2]);
});

law("A stream's jobs are stopped when it is disposed of, and begun no more", async () => {
  await using pool = new WorkerPool(1);
  await pool.submit(countCalls);
  const words = () => new Int32Array(new SharedArrayBuffer(12));
  const [quick, running, dropped] = [words(), words(), words()];
  quick[1] = 1;
  {
    using stream = pool.imap(deafUntil, [quick, running, ...Array<Int32Array>(48).fill(dropped)]);
    await stream.next();
    while (Atomics.load(running, 0) === 0) await tick();
  }
  Atomics.store(running, 1, 1);
  await pool.submit(countCalls);
  assertEquals(dropped[0], 0, "the dropped jobs were done");
});

law("An error of a source that is closed comes out of the loop that was left", async () => {
  await using pool = new WorkerPool(1);
  async function* stubborn(): AsyncGenerator<number> {
    try {
      for (let n = 0; n < 3; n++) yield n;
      await new Promise(() => {});
    } finally {
      await null;
      // deno-lint-ignore no-unsafe-finally -- what is tested
      throw new Error("cannot close");
    }
  }
  function* stubbornNow(): Generator<number> {
    try {
      for (let n = 0;; n++) yield n;
    } finally {
      // deno-lint-ignore no-unsafe-finally -- what is tested
      throw new Error("cannot close");
    }
  }
  await assertRejects(
    async () => {
      for await (const _ of pool.imap(echo, stubbornNow(), { window: 1 })) break;
    },
    Error,
    "cannot close",
  );
  await assertRejects(
    async () => {
      for await (const _ of pool.imap(echo, stubborn(), { window: 1 })) break;
    },
    Error,
    "cannot close",
  );
  // A source that is being asked for an item cannot be closed now, and nobody waits for it.
  for await (const n of pool.imap(echo, stubborn(), { window: 9 })) if (n === 2) break;
  assertEquals(await pool.map(echo, [1]), [1]);
});

law("WorkerPool.terminate() ends a stream with Cancelled, after what has come", async () => {
  const pool = new WorkerPool(1, { name: "short" });
  const stream = pool.imap(nap, [0, 0, 60_000], { window: 3 });
  assertEquals((await stream.next()).value, 0);
  await pool.submit(echo, 0).get(1).then(() => {}, () => {});
  const waiting = [stream.next(), stream.next()].map((next) =>
    next.then(({ value }) => value, (error) => (error as Error).message)
  );
  await waiting[0];
  pool.terminate();
  assertEquals(await Promise.all(waiting), [0, "Cancelled (shutdown): short was terminated"]);
  assertEquals((await stream.next()).done, true);
  await pool.join();
});

law("WorkerPool.close() lets a stream that has begun go on to its end", async () => {
  const pool = new WorkerPool(2, { name: "closing" });
  const stream = pool.imap(echo, upTo(100), { window: 5 });
  const late = pool.imap(echo, [1]);
  const found = [(await stream.next()).value!];
  pool.close();
  found.push(...await collect(stream));
  await pool.join();
  assertEquals(found, upTo(100));
  await assertRejects(
    async () => await late.next(),
    ClosedError,
    "Cannot imap on closing: it has been terminated or closed",
  );
});

law("The end of a run closes the streams it began", async () => {
  await using pool = new WorkerPool(2);
  const source = new Source();
  const stream = pool.imap(echo, source.sync(), { window: 10 });
  await run(function* () {
    assertEquals((yield* stream.next()).value, 0);
  });
  assertEquals([source.closed, (await stream.next()).done], [1, true]);
});

law("Items of an imap are moved where transfer() says so, and results too", async () => {
  await using pool = new WorkerPool(2);
  const buffers = Array.from({ length: 20 }, (_, i) => new Uint8Array(1000).fill(i));
  const moved = function* () {
    for (const bytes of buffers) yield transfer(bytes, [bytes.buffer]);
  };
  const backs = await collect(pool.imap(move, moved()));
  assertEquals(backs.map((bytes) => bytes[5]), upTo(20));
  assert(buffers.every((bytes) => bytes.byteLength === 0));
});

law("WorkerPool.imap() refuses what makes no sense, when it is called", async () => {
  await using pool = new WorkerPool(1);
  assertThrows(() => pool.imap(echo, 5 as never), TypeError, "Cannot map over 5");
  assertThrows(() => pool.imap(echo, [1], { window: 0 }), RangeError, "Cannot use 0 as a window");
  assertThrows(
    () => pool.imap(echo, [1], { chunk: 1.5 }),
    RangeError,
    "Cannot use 1.5 as a number of items that travel together",
  );
  assertThrows(() => pool.imap(echo, [1], { priority: NaN }), RangeError, "as a priority");
  assertThrows(() => pool.imap(((n: number) => n) as never, []), TypeError, "Cannot send");
});

/** A small generator of numbers that a seed repeats. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

law("A random stream gives what a plain loop would, whatever goes wrong on the way", async () => {
  await using pool = new WorkerPool(2);
  for (let seed = 1; seed <= 60; seed++) {
    const dice = random(seed);
    const count = dice(120);
    const ordered = dice(2) === 0;
    const source = new Source(count);
    const items = [() => upTo(count), () => source.sync(), () => source.async()][dice(3)]!();
    const options = {
      window: 1 + dice(30),
      ...(dice(2) === 0 ? {} : { chunk: 1 + dice(9) }),
      priority: dice(3) - 1,
    };
    const stop = dice(3) === 0 ? dice(count + 1) : count;
    const found: (number | string)[] = [];
    await run(async function* () {
      const stream = pool[ordered ? "imap" : "imapUnordered"](chancy, items, options);
      while (found.length < stop) {
        try {
          const step = yield* dice(4) === 0 ? moveOnAfter(dice(2), stream.next()) : stream.next();
          if (step === undefined) continue;
          if (step.done) break;
          found.push(step.value);
        } catch (error) {
          found.push((error as Error).message);
        }
        if (dice(40) === 0) yield* sleep(1);
      }
      stream.cancel();
    });
    const want = upTo(count).map((n) => n % 10 === 3 ? `${n} is unlucky` : n);
    if (ordered) assertEquals(found, want.slice(0, stop), `seed ${seed}`);
    else {
      assertEquals(found.length, stop, `seed ${seed}`);
      assertEquals(new Set(found).size, stop, `seed ${seed}`);
      assert(found.every((one) => want.includes(one)), `seed ${seed}`);
    }
    await tick();
    if (!Array.isArray(items) && source.drawn > 0) assertEquals(source.closed, 1, `seed ${seed}`);
  }
  assertEquals(await pool.submit(add, 1, 2), 3);
});

law("A stream that is struck at any checkpoint closes its source, and its run ends", async () => {
  let sources: Source[] = [];
  const invariant = (): void => {
    for (const { drawn, closed } of sources) assertEquals(closed, drawn > 0 ? 1 : 0);
    sources = [];
  };
  const source = (): Source => {
    const made = new Source(6);
    sources.push(made);
    return made;
  };
  const slow = await sweepCancel(async function* () {
    using pool = new WorkerPool(1);
    for await (const _ of pool.imap(echo, source().sync(), { window: 2 }));
  }, { invariant });
  const fast = await sweepCancel(function* () {
    using pool = new WorkerPool(1);
    using stream = pool.imapUnordered(echo, source().sync(), { window: 2 });
    while (!(yield* stream.next()).done);
    yield* pool.apply(echo, 1);
    yield* pool.starmap(add, [[1, 2]]);
  }, { invariant });
  assertEquals([slow.checkpoints >= 7, fast.checkpoints >= 9], [true, true]);
});

law("Streams, maps and jobs go on beside one another while workers die", async () => {
  await using pool = new WorkerPool(2);
  const dying = Array.from({ length: 6 }, () => undefined as never);
  const [kept, doubled, crashed, sums] = await Promise.all([
    collect(pool.imap(echo, new Source(2000).async(), { window: 100 })),
    pool.map(echo, upTo(2000)),
    collect(deaths(pool.imapUnordered(exitWorker, dying))),
    Promise.all(upTo(300).map((n) => pool.submit(add, n, 1).get().then((sum) => sum, () => -1))),
  ]).catch((error) => {
    // A worker that dies takes what it has begun along: a map or a loop may end with that.
    assertEquals((error as Error).name, "WorkerCrashedError");
    return [null, null, null, null];
  });
  if (kept !== null) {
    assertEquals([kept, doubled], [upTo(2000), upTo(2000)]);
    assertEquals(crashed, Array(6).fill("WorkerCrashedError"));
    assertEquals(sums!.every((sum, n) => sum === n + 1 || sum === -1), true);
  }
  assertEquals(await collect(pool.imap(echo, upTo(100))), upTo(100));
});

/** The names of the errors of a stream. */
async function* deaths(stream: ResultStream<unknown>): AsyncGenerator<string> {
  for (;;) {
    try {
      if ((await stream.next()).done) return;
    } catch (error) {
      yield (error as Error).name;
    }
  }
}
