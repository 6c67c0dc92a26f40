/** Queues between threads: every item once, in order, whole; and what deaths and ends do to them. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ClosedError, group, run, sleep, spawn, WouldBlock } from "@weft/weft";
import { sweepCancel } from "@weft/weft/testing";
import { AbandonedError } from "../../src/kernel/errors.ts";
import { SharedArray } from "../../src/parallel/shared/value.ts";
import { SharedLock } from "../../src/parallel/shared/lock.ts";
import { SharedQueue } from "../../src/parallel/shared/queue.ts";
import { SharedValue } from "../../src/parallel/shared/value.ts";
import { SimpleQueue } from "../../src/parallel/shared/queue.ts";
import { law } from "../lib/law.ts";
import { randomFrom } from "./fixtures/random.ts";
import { Thread } from "./fixtures/thread.ts";

/** Where the ring's head and tail stand in a queue's memory; see queue.ts, channel.ts and ring.ts. */
const RING = 4 + 24;

const circular: { self?: unknown } = {};
circular.self = circular;

const samples: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  1.5,
  NaN,
  Infinity,
  "",
  "a",
  "žluťoučký 漢字 \u{1f600}",
  "\ufeffwith a mark",
  "\ud800 alone",
  "x".repeat(20_000),
  "ž".repeat(20_000),
  10n,
  -(2n ** 100n),
  new Uint8Array(0),
  new Uint8Array([1, 2, 3]),
  new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  new Uint8ClampedArray([300]),
  new Float64Array([1.5, NaN]),
  new DataView(new ArrayBuffer(3)),
  new ArrayBuffer(5),
  [],
  [1, , 3],
  { a: { b: [1, "2", null] } },
  new Date(0),
  /x/gi,
  new Map<unknown, unknown>([[1, { a: 1 }], [{}, new Set([1])]]),
  new Set(["a"]),
  new RangeError("out"),
  Object(true),
  circular,
];

law("SharedQueue carries every kind of value as a clone would", async () => {
  const queue = new SharedQueue<unknown>(Infinity, { bytes: 1 << 18 });
  for (const value of samples) {
    await queue.put(value);
    const got = await queue.get();
    if (value instanceof Error) assertEquals(String(got), String(value));
    else assertEquals(got, ArrayBuffer.isView(value) ? value : structuredClone(value));
    assert(Object.is(got, value) || typeof value === "object");
  }
  assertEquals(queue.size, 0);
});

law("SharedQueue refuses what cannot be cloned, names it, and is as it was", async () => {
  const queue = new SharedQueue<unknown>();
  for (
    const value of [() => {}, Symbol("s"), new WeakMap(), { f() {} }, new SharedArrayBuffer(8)]
  ) {
    assertThrows(() => queue.tryPut(value), TypeError, `Cannot put into ${queue}`);
  }
  const lock = new SharedLock();
  assertThrows(() => queue.tryPut(lock), TypeError, `${lock} does not go into bytes`);
  assertThrows(() => queue.tryPut([lock]), TypeError);
  await assertRejects(() => Promise.resolve(queue.put(lock)), TypeError);
  queue.tryPut("still works");
  assertEquals([queue.tryGet(), queue.size], ["still works", 0]);
});

law("SharedQueue says how large an item is that is larger than all its memory", () => {
  const queue = new SharedQueue<Uint8Array>(Infinity, { bytes: 100 });
  queue.tryPut(new Uint8Array(120));
  assertThrows(
    () => queue.tryPut(new Uint8Array(121)),
    RangeError,
    "the value takes 121 bytes, and its memory is made for 120 at most",
  );
  for (const bytes of [0, 63, 1.5, NaN, 2 ** 28]) {
    assertThrows(() => new SharedQueue(1, { bytes }), RangeError);
  }
  for (const capacity of [0, -1, 1.5, NaN]) {
    assertThrows(() => new SharedQueue(capacity), RangeError);
  }
});

law("SharedQueue: items of any size go around the ring's end, and around the counters' end", () => {
  for (const start of [0, -64, 0x7fff_ff80]) { // the last is about to go from 2^31 - 1 to -2^31
    const queue = new SharedQueue<Uint8Array>(Infinity, { bytes: 256 });
    const words = new Int32Array(queue.share().memory);
    words.fill(start, RING, RING + 4);
    const random = randomFrom(7);
    const expected: number[] = [];
    for (let i = 0; i < 5000; i++) {
      const size = random(249);
      try {
        queue.tryPut(new Uint8Array(size).fill(size));
        expected.push(size);
      } catch (error) {
        assert(error instanceof WouldBlock);
        const item = queue.tryGet();
        assertEquals([item.length, item.every((byte) => byte === item.length)], [
          expected.shift(),
          true,
        ]);
      }
      assertEquals(queue.size, expected.length);
    }
  }
});

law("SharedQueue holds its capacity of items and no more", async () => {
  const queue = new SharedQueue<number>(2);
  queue.tryPut(1);
  assertEquals([queue.size, queue.empty, queue.full], [1, false, false]);
  queue.tryPut(2);
  assertEquals([queue.size, queue.full], [2, true]);
  assertThrows(() => queue.tryPut(3), WouldBlock, "it holds 2 items");
  await run(function* () {
    const putter = spawn(put, queue, 3);
    yield* sleep(1);
    assertEquals([queue.statistics().putting, yield* queue.get()], [1, 1]);
    yield* putter.join();
  });
  assertEquals([queue.tryGet(), queue.tryGet()], [2, 3]);
  assertThrows(() => queue.tryGet(), WouldBlock, "it is empty");
});

function* put(queue: SharedQueue<number>, item: number): Generator<unknown, void, unknown> {
  yield* queue.put(item);
}

law(
  "SharedQueue hands each item to one getter once, among threads, and in order to one",
  async () => {
    const queue = new SharedQueue<number>(10, { bytes: 256 });
    const count = 3000;
    const putters = [0, 1].map((i) => Thread.call("putNumbers", queue, i * count, count));
    const getters = [0, 1].map(() => Thread.call("drain", queue));
    const mine: number[] = [];
    await run(async function* () {
      const getter = spawn(async function* () {
        for await (const item of queue) mine.push(item);
      });
      for (let i = 0; i < count; i++) yield* queue.put(2 * count + i);
      for (const putter of putters) yield putter.result();
      queue.shutdown();
      yield* getter.join();
    });
    const got = [mine, ...await Promise.all(getters.map((getter) => getter.result<number[]>()))];
    assertEquals(
      got.flat().toSorted((a, b) => a - b),
      Array.from({ length: 3 * count }, (_, i) => i),
    );
    for (const items of got) {
      for (const first of [0, count, 2 * count]) {
        const fromOne = items.filter((item) => item >= first && item < first + count);
        assertEquals(fromOne, fromOne.toSorted((a, b) => a - b));
      }
    }
    for (const thread of [...putters, ...getters]) await thread.terminate();
  },
  60_000,
);

for (const seed of [1, 2, 3]) {
  law(
    `SharedQueue: what goes in comes out, whole, at random in three threads (seed ${seed})`,
    async () => {
      const queue = new SharedQueue<Uint8Array | number>(5, { bytes: 512 });
      const sums = new SharedArray("int32", 3);
      const threads = [1, 2, 3].map((i) => Thread.call("shuffle", queue, sums, seed * 10 + i, 400));
      await Promise.all(threads.map((thread) => thread.result()));
      while (!queue.empty) {
        const item = queue.tryGet();
        sums.add(1, typeof item === "number" ? item : item.length);
      }
      const [put, got, torn] = sums;
      assertEquals([got, torn], [put, 0]);
      assert(put! > 1000);
      for (const thread of threads) await thread.terminate();
    },
    60_000,
  );
}

law(
  "SharedQueue.get() that is cancelled takes nothing, and put() leaves nothing behind",
  async () => {
    let queue = new SharedQueue<number>(1);
    let put = 0;
    let got = 0;
    await sweepCancel(function* () {
      queue = new SharedQueue<number>(1);
      put = got = 0;
      yield* group(function* (g) {
        g.spawn(function* () {
          for (let i = 0; i < 3; i++) {
            yield* sleep(1);
            yield* queue.put(i);
            put++;
          }
        });
        for (let i = 0; i < 3; i++) {
          yield* queue.get();
          got++;
        }
      });
    }, {
      invariant: () => {
        // What was settled and then struck has happened, as with any operation.
        const missing = put - got - queue.size;
        assert(Math.abs(missing) <= 1, `${put} put, ${got} got, ${queue.size} left`);
      },
    });
    const lost: unknown[] = [];
    await run(function* () {
      const queue = new SharedQueue<number>();
      for (let i = 0; i < 50; i++) {
        const getter = spawn(function* () {
          lost.push(yield* queue.get());
        });
        yield* sleep(0);
        getter.cancel();
        queue.tryPut(i);
        yield* getter.join();
        assertEquals([queue.tryGet(), lost], [i, []]);
      }
    });
  },
);

law(
  "SharedQueue: a thread that dies half-way through a put is an error for all",
  async () => {
    for (const how of ["exit", "close"] as const) {
      const queue = new SharedQueue<string>();
      queue.tryPut("whole");
      await using dead = Thread.call("dieWriting", queue, how);
      await dead.ready;
      await using putter = Thread.call("put", queue as SharedQueue<unknown>, ["more"]);
      assertEquals(await queue.get(), "whole");
      await assertRejects(() => Promise.resolve(queue.get()), AbandonedError, dead.name);
      await assertRejects(() => Promise.resolve(queue.put("x")), AbandonedError, dead.name);
      const error = await assertRejects(() => putter.result(), Error, dead.name);
      assertEquals(error.name, "AbandonedError");
      assertThrows(() => queue.tryGet(), AbandonedError);
      assertThrows(() => queue.tryPut("x"), AbandonedError);
    }
  },
);

law(
  "SharedQueue: a thread that dies in a getter of the item it puts is an error for who waits",
  async () => {
    const queue = new SharedQueue<unknown>();
    await using dead = Thread.call("dieEncoding", queue);
    await assertRejects(() => Promise.resolve(queue.get()), AbandonedError, dead.name);
  },
);

law("SharedQueue.shutdown() lets items out and none in, and wakes who waits", async () => {
  const queue = new SharedQueue<number>(1);
  queue.tryPut(1);
  await using putter = Thread.call("putNumbers", queue, 2, 1);
  while (queue.statistics().putting === 0) await new Promise((go) => setTimeout(go, 1));
  queue.shutdown();
  assertEquals((await assertRejects(() => putter.result(), Error)).name, "ClosedError");
  assertEquals([queue.isShutdown, await queue.get()], [true, 1]);
  await assertRejects(() => Promise.resolve(queue.get()), ClosedError, "it is closed");
  assertThrows(() => queue.tryPut(2), ClosedError);
  await using getter = Thread.call("drain", queue);
  assertEquals(await getter.result(), []);
});

law("SharedQueue.shutdown(true) drops the items and counts them as done", async () => {
  const queue = new SharedQueue<number>();
  queue.tryPut(1);
  queue.tryPut(2);
  queue.shutdown(true);
  await queue.join();
  assertEquals(queue.statistics(), {
    size: 0,
    capacity: Infinity,
    getting: 0,
    putting: 0,
    unfinished: 0,
  });
});

law(
  "SharedQueue.join() waits for every item to be reported done, by whichever thread",
  async () => {
    const queue = new SharedQueue<number>(3);
    const sum = new SharedValue("int32");
    const workers = [1, 2].map(() => Thread.call("work", queue, sum));
    await run(function* () {
      for (let i = 1; i <= 100; i++) yield* queue.put(i);
      yield* queue.join();
      assertEquals(sum.value, 5050);
    });
    queue.shutdown();
    for (const worker of workers) await worker.result();
    assertThrows(() => queue.taskDone(), RangeError, "all that were put are done");
    for (const worker of workers) await worker.terminate();
  },
);

law("SharedQueue wakes a thread that waits for room when a large item is taken out", async () => {
  const queue = new SharedQueue<unknown>(Infinity, { bytes: 128 });
  queue.tryPut(new Uint8Array(120));
  await using putter = Thread.call("put", queue, [1, "two", new Uint8Array(90)]);
  const got: unknown[] = [];
  for (let i = 0; i < 4; i++) got.push(await queue.get());
  assertEquals(got.slice(1), [1, "two", new Uint8Array(90)]);
  await putter.result();
});

law("SimpleQueue puts, gets and tells whether it is empty, between threads", async () => {
  const queue = new SimpleQueue<unknown>({ bytes: 64 });
  assertEquals(queue.empty, true);
  const items = Array.from({ length: 100 }, (_, i) => `item ${i}`);
  await using putter = Thread.call("put", queue, items);
  const got: unknown[] = [];
  for (const _ of items) got.push(await queue.get());
  assertEquals([got, queue.empty], [items, true]);
  await putter.result();
  await assertRejects(() => Promise.resolve(queue.put("x".repeat(100))), RangeError, "100 bytes");
});

law("SharedQueue refuses objects of the platform, at any depth, and counts nothing", () => {
  const queue = new SharedQueue<unknown>();
  class Mine extends URL {}
  const strangers: readonly (readonly [string, unknown])[] = [
    ["URL", new URL("http://a/")],
    ["URL", new Mine("http://a/")],
    ["Blob", new Blob(["x"])],
    ["File", new File(["x"], "x")],
    ["Headers", new Headers()],
    ["FormData", new FormData()],
    ["AbortSignal", new AbortController().signal],
    ["Event", new Event("x")],
    ["ImageData", new ImageData(1, 1)],
    ["URLSearchParams", new URLSearchParams()],
    ["Promise", Promise.resolve()],
  ];
  for (const [name, value] of strangers) {
    for (
      const item of [value, [value], { a: { b: value } }, new Map([[value, 1]]), new Set([value])]
    ) {
      assertThrows(() => queue.tryPut(item), TypeError, `a ${name} has no copy that is bytes`);
    }
  }
  const long: unknown[] = Array(1000).fill(0);
  long[999] = { at: new URL("http://a/") };
  assertThrows(() => queue.tryPut(long), TypeError, "a URL has no copy");
  const moved = new Uint8Array(8);
  structuredClone(moved, { transfer: [moved.buffer] });
  assertThrows(() => queue.tryPut(moved), TypeError, "its memory was moved");
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const item of [proxy, [proxy], { f: () => {} }, new WeakMap()]) {
    assertThrows(() => queue.tryPut(item), TypeError, `Cannot put into ${queue}`);
  }
  let reads = 0;
  queue.tryPut({
    get once() {
      return ++reads;
    },
  });
  assertEquals([queue.tryGet(), reads, queue.size], [{ once: 1 }, 1, 0]);
  queue.taskDone();
  assertEquals(queue.statistics().unfinished, 0);
});

law("SharedQueue carries errors with their class, code and cause", async () => {
  const queue = new SharedQueue<Error>();
  const inner = new Deno.errors.NotFound("no file");
  const outer = new AggregateError([inner, new DOMException("stop", "AbortError")], "both", {
    cause: inner,
  });
  queue.tryPut(outer);
  const got = await queue.get() as AggregateError;
  assert(got instanceof AggregateError && got.errors[0] instanceof Deno.errors.NotFound);
  assertEquals([got.errors[1].name, got.errors[1].code], ["AbortError", 20]);
});

law(
  "SharedQueue without a capacity takes whatever is put while nobody gets, in order",
  async () => {
    const queue = new SharedQueue<Uint8Array | number>();
    queue.tryPut(-1);
    assertEquals(queue.tryGet(), -1); // so that the ring's end lies within what follows
    await using putter = Thread.call("putNumbers", queue as SharedQueue<number>, 0, 100_000);
    await putter.result();
    const large = new Uint8Array(5 << 20).fill(7);
    await queue.put(large);
    for (let i = 0; i < 1000; i++) await queue.put(i);
    assertEquals(queue.size, 101_001);
    for (let i = 0; i < 100_000; i++) if (queue.tryGet() !== i) throw new Error(`not ${i}`);
    assertEquals(await queue.get(), large);
    for (let i = 0; i < 1000; i++) assertEquals(queue.tryGet(), i);
    assertEquals(queue.empty, true);
  },
);

law("SharedQueue grows while others get from it, and loses nothing", async () => {
  const queue = new SharedQueue<number>();
  const getters = [0, 1].map(() => Thread.call("drain", queue));
  const putters = [0, 1].map((i) => Thread.call("putNumbers", queue, i * 50_000, 50_000));
  for (const putter of putters) await putter.result();
  queue.shutdown();
  const got = await Promise.all(getters.map((getter) => getter.result<number[]>()));
  const sorted = got.flat().toSorted((a, b) => a - b);
  assertEquals([sorted.length, sorted.every((item, i) => item === i)], [100_000, true]);
  for (const thread of [...getters, ...putters]) await thread.terminate();
}, 60_000);

law("SharedQueue.close() ends putting in this thread alone", async () => {
  const queue = new SharedQueue<number>();
  const other = SharedQueue.from<number>(queue.share());
  queue.tryPut(1);
  queue.close();
  assertThrows(() => queue.tryPut(2), ClosedError, "it was closed in this thread");
  other.tryPut(3);
  await using putter = Thread.call("putNumbers", other, 4, 1);
  await putter.result();
  const items: number[] = [];
  for await (const item of queue) items.push(item);
  assertEquals([items, other.isShutdown], [[1, 3, 4], false]);
});

law(
  "SharedQueue whose memory was overwritten is an error, and never a hang or a crash",
  async () => {
    const random = randomFrom(3);
    for (let i = 0; i < 2000; i++) {
      const queue = new SharedQueue<unknown>(random(2) === 0 ? Infinity : 3, { bytes: 256 });
      queue.tryPut("item");
      queue.tryPut({ a: 1 });
      const words = new Int32Array(queue.share().memory);
      for (let n = 0; n <= random(3); n++) {
        words[random(words.length)] = random(4) === 0 ? -1 : random(2 ** 31);
      }
      for (const use of [() => queue.tryGet(), () => queue.tryPut("x"), () => queue.tryGet()]) {
        try {
          use();
        } catch (error) {
          assert(error instanceof Error);
        }
      }
    }
    await Promise.resolve();
  },
);
