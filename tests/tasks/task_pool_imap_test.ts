import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Cancelled, moveOnAfter, shield, sleep, spawn, type Task } from "@weft/weft";
import { assertCheckpoint, sweepCancel } from "@weft/weft/testing";
import { seededChoose } from "../../src/kernel/choose.ts";
import { TaskPool } from "../../src/tasks/task_pool.ts";
import { law } from "../lib/law.ts";
import { clock, thrown, virtually } from "../lib/virtual.ts";

const nap = async function* (ms: number) {
  yield* sleep(ms);
  return ms;
};

function* naturals() {
  for (let n = 0;; n++) yield n;
}

law(
  "imap() gives results in the order of the items, imapUnordered() in that of completion",
  async () => {
    await virtually(async function* () {
      const pool = new TaskPool(3);
      const ordered: number[] = [];
      for await (const ms of pool.imap(nap, [5, 1, 3, 2])) ordered.push(ms);
      assertEquals(ordered, [5, 1, 3, 2]);
      const unordered: number[] = [];
      for await (const ms of pool.imapUnordered(nap, [5, 1, 3, 4])) unordered.push(ms);
      assertEquals(unordered, [1, 3, 5, 4]);
    });
  },
);

law("next() takes one result in either lane, and done at the end, again and again", async () => {
  await virtually(function* () {
    const pool = new TaskPool(2);
    using results = pool.imap(nap, [2, 1]);
    assertEquals(yield* results.next(), { done: false, value: 2 });
    assertEquals(yield* results.next(), { done: false, value: 1 });
    for (let i = 0; i < 3; i++) {
      assertEquals(yield* results.next(), { done: true, value: undefined });
    }
  });
  await virtually(async function* () {
    const pool = new TaskPool(2);
    await using results = pool.imapUnordered(nap, [2, 1]);
    assertEquals(yield* results.next(), { done: false, value: 1 });
    assertEquals(await results.next(), { done: false, value: 2 });
    assertEquals(yield* results.next(), { done: true, value: undefined });
    yield* assertCheckpoint(results.next());
  });
});

law("Nothing is drawn before the first next(), and then at most `size` items ahead", async () => {
  for (const unordered of [false, true]) {
    await virtually(async function* () {
      const pool = new TaskPool(3);
      let drawn = 0;
      let given = 0;
      let most = 0;
      function* items() {
        for (; drawn < 12;) {
          most = Math.max(most, ++drawn - given);
          yield drawn;
        }
      }
      const results = unordered ? pool.imapUnordered(nap, items()) : pool.imap(nap, items());
      yield* sleep(100);
      assertEquals(drawn, 0);
      for await (const _ of results) {
        given++;
        yield* sleep(100);
        assertEquals(drawn, Math.min(12, given + 3));
      }
      assertEquals([given, most], [12, 3]);
    });
  }
});

law("A slow item at the head does not let others run ahead without bound", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(3);
    const started: number[] = [];
    const results = pool.imap(async function* (i: number) {
      started.push(i);
      yield* sleep(i === 0 ? 100 : 1);
      return i;
    }, naturals());
    for await (const i of results) {
      if (i > 0) break;
      assertEquals(started, [0, 1, 2]);
    }
  });
});

law("Leaving the loop cancels what was started, waits for it, and closes the items", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(3);
    const log: string[] = [];
    function* items() {
      try {
        yield* naturals();
      } finally {
        log.push("closed");
      }
    }
    const body = async function* (i: number) {
      try {
        yield* sleep(i === 0 ? 1 : 50);
        return i;
      } finally {
        yield* shield(sleep(5));
        log.push(`end ${i}`);
      }
    };
    for await (const i of pool.imap(body, items())) {
      assertEquals(i, 0);
      yield* sleep(10);
      break;
    }
    assertEquals(log.toSorted(), ["closed", "end 0", "end 1", "end 2", "end 3"]);
    assertEquals([pool.freeCount, clock.now()], [3, 21]);
  });
});

law(
  "A failure cancels the rest; next() throws it when all have ended, and ever after",
  async () => {
    await virtually(async function* () {
      const pool = new TaskPool(3);
      let cleaned = 0;
      await using results = pool.imap(async function* (i: number) {
        try {
          yield* sleep(i === 1 ? 5 : 20);
          if (i === 1) throw new Error("one");
          return i;
        } finally {
          yield* shield(sleep(5));
          cleaned++;
        }
      }, naturals());
      const error = yield* thrown(results.next());
      assertStrictEquals((error as Error).message, "one");
      assertEquals([cleaned, clock.now(), pool.freeCount], [3, 15, 3]);
      assertStrictEquals(yield* thrown(results.next()), error);
      // `await using` throws it, too: the same error, so nothing is added.
    }).catch((error) => assertStrictEquals(error.message, "one"));
  },
);

law(
  "A failure that no next() has seen is thrown by the loop that leaves, else by the run",
  async () => {
    const body = async function* (i: number) {
      yield* sleep(i);
      if (i === 2) throw new Error("two");
      return i;
    };
    for (const leave of ["break", "end"]) {
      let seen: unknown;
      try {
        await virtually(async function* () {
          const pool = new TaskPool(3);
          if (leave === "break") {
            for await (const _ of pool.imap(body, [0, 1, 2])) {
              yield* sleep(10);
              break;
            }
          } else {
            const results = pool.imap(body, [0, 1, 2]);
            yield* results.next();
            yield* sleep(10);
          }
        });
      } catch (error) {
        seen = error;
      }
      assertStrictEquals((seen as Error | undefined)?.message, "two", leave);
    }
  },
);

law("After a failure next() throws it, and gives out no result that was ready before", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(3);
    const results = pool.imap(async function* (i: number) {
      yield* sleep(i);
      if (i === 3) throw new Error("three");
      return i;
    }, [1, 2, 3]);
    assertEquals((yield* results.next()).value, 1);
    yield* sleep(10);
    assertStrictEquals(((yield* thrown(results.next())) as Error).message, "three");
  });
});

law("TaskPool.cancel() ends an imap also while none of its tasks runs", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    using results = pool.imap(nap, naturals());
    yield* results.next();
    yield* sleep(100);
    assertEquals(pool.freeCount, 2);
    yield* pool.cancel("stop");
    assertInstanceOf(yield* thrown(results.next()), Cancelled);
  });
});

law("Items that throw end the loop with their error", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    async function* items() {
      yield 1;
      await sleep(5);
      throw new Error("dry");
    }
    const seen: number[] = [];
    const error = yield* thrown(spawn(async function* () {
      for await (const n of pool.imap(nap, items())) seen.push(n);
    }));
    assertEquals([(error as Error).message, ...seen], ["dry", 1]);
  });
});

law("A result that is there is not kept back by an item that takes long to come", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(3);
    async function* items() {
      for (let i = 0; i < 3; i++) {
        yield i;
        await sleep(100);
      }
    }
    const at: number[] = [];
    for await (const _ of pool.imap(nap, items())) at.push(clock.now());
    assertEquals(at, [0, 101, 202]);
  });
});

law("A cancelled next() has taken no result", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    await using results = pool.imap(nap, [10, 5, 7]);
    assertEquals(yield* moveOnAfter(4, results.next()), undefined);
    assertEquals(yield* moveOnAfter(1, results.next()), undefined);
    const values = [];
    for (let i = 0; i < 4; i++) values.push((yield* results.next()).value);
    assertEquals(values, [10, 5, 7, undefined]);
  });
});

law("Several takers get each result once, longest waiter first", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    await using results = pool.imap(nap, [3, 2, 1, 4]);
    const taken: (number | undefined)[][] = [];
    const takers = [0, 1, 2].map((i) =>
      spawn(async function* () {
        const mine: (number | undefined)[] = taken[i] = [];
        for (let step = yield* results.next(); !step.done; step = yield* results.next()) {
          mine.push(step.value);
        }
      })
    );
    for (const taker of takers) yield* taker;
    assertEquals(taken, [[3, 4], [2], [1]]);
  });
});

law("What still runs is cancelled when the consumer's task ends", async () => {
  const ended: number[] = [];
  await virtually(async function* () {
    const pool = new TaskPool(3);
    let results;
    yield* spawn(async function* () {
      results = pool.imap(async function* (i: number) {
        try {
          yield* sleep(i * 100);
          return i;
        } finally {
          ended.push(i);
        }
      }, naturals());
      assertEquals((yield* results.next()).value, 0);
    });
    yield* sleep(1);
    assertEquals(ended.toSorted(), [0, 1, 2, 3].slice(0, ended.length));
    assertEquals(pool.freeCount, 3);
    assertInstanceOf(yield* thrown(results!.next()), Cancelled);
  });
});

law("TaskPool.cancel() ends an imap; its consumer is told by the Cancelled", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    const consumer: Task<void> = spawn(async function* () {
      for await (const _ of pool.imap(nap, [100, 100, 100]));
    });
    yield* sleep(10);
    yield* pool.cancel("stop");
    const error = yield* thrown(consumer.get());
    assertInstanceOf(error, Cancelled);
    assertStrictEquals(error.reason, "stop");
  });
});

law("An imap of an imap on one pool of one place goes through", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(1);
    const seen: number[] = [];
    for await (const n of pool.imap(nap, pool.imap(nap, [3, 1, 2]))) seen.push(n);
    assertEquals(seen, [3, 1, 2]);
  });
});

law("results.cancel() before the first next() begins nothing, and next() is done", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(1);
    const results = pool.imap(nap, naturals());
    yield* results.cancel();
    assertEquals(yield* results.next(), { done: true, value: undefined });
  });
  assertThrows(() => new TaskPool(1).imap(nap, []), Error, "outside of run()");
});

law("A thousand abandoned imaps of one task leave it nothing to remember", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    const me = yield* spawn(async function* () {
      for (let i = 0; i < 1000; i++) {
        for await (const _ of pool.imap(nap, [1, 2, 3])) break;
      }
      return (await import("@weft/weft")).currentTask().holdings.length;
    });
    assertEquals(me, 0);
  });
});

law("Whatever is struck in an imap, nothing is left and every place is back", async () => {
  let pool!: TaskPool;
  let open = 0;
  async function* later() {
    open++;
    try {
      for (let i = 0; i < 4; i++) {
        await sleep(1);
        yield i;
      }
    } finally {
      open--;
    }
  }
  const invariant = (): void => {
    assertEquals([open, pool.statistics()], [0, { size: 2, running: 0, free: 2, waiting: 0 }]);
  };
  for (const items of [() => [3, 1, 2, 1], later]) {
    await sweepCancel(async function* () {
      pool = new TaskPool(2);
      for await (const _ of pool.imap(nap, items())) yield* sleep(1);
    }, { invariant });
    await sweepCancel(async function* () {
      pool = new TaskPool(2);
      for await (const n of pool.imapUnordered(nap, items())) if (n === 2) break;
    }, { invariant });
    await sweepCancel(async function* () {
      pool = new TaskPool(2);
      await using results = pool.imap(nap, pool.imap(nap, items()));
      yield* results.next();
      yield* results.next();
    }, { invariant });
    await sweepCancel(function* () {
      pool = new TaskPool(2);
      using results = pool.imap(function* (ms: number) {
        yield* sleep(ms);
      }, items());
      while ((yield* results.next()).done !== true) yield;
    }, { invariant });
  }
});

law("On 300 random schedules: never more than n at once, in order, each item once", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const choose = seededChoose(seed);
    const size = 1 + choose(4);
    const count = choose(12);
    const mode = (["map", "imap", "imapUnordered"] as const)[choose(3)]!;
    const failing = choose(4) === 0 ? choose(12) : -1;
    const items = async function* () {
      for (let i = 0; i < count; i++) {
        if (choose(2) === 0) await sleep(choose(5));
        yield i;
      }
    };
    const source = choose(2) === 0 ? items : () => Array.from({ length: count }, (_, i) => i);
    let inside = 0;
    const begun: number[] = [];
    const seen: number[] = [];
    const body = async function* (i: number) {
      begun.push(i);
      assert(++inside <= size, `seed ${seed}: ${inside} at once`);
      try {
        if (choose(3) > 0) yield* sleep(choose(6));
        if (i === failing) throw new Error("planned");
        return i;
      } finally {
        inside--;
      }
    };
    const end = await virtually(async function* () {
      const pool = new TaskPool(size);
      if (mode === "map") seen.push(...yield* pool.map(body, source()));
      else {
        for await (const i of pool[mode](body, source())) {
          seen.push(i);
          if (choose(3) === 0) yield* sleep(choose(6));
        }
      }
    }, { seed }).catch((error) => error);
    const failed = failing >= 0 && failing < count;
    assertEquals(end instanceof Error ? end.message : "", failed ? "planned" : "", `seed ${seed}`);
    assertEquals([inside, new Set(begun).size], [0, begun.length], `seed ${seed}`);
    const all = Array.from({ length: count }, (_, i) => i);
    const got = mode === "imapUnordered" ? seen.toSorted((a, b) => a - b) : seen;
    if (!failed) assertEquals(got, all, `seed ${seed}`);
    else if (mode === "imap") assertEquals(got, all.slice(0, got.length), `seed ${seed}`);
    else assertEquals(new Set(got).size, got.length, `seed ${seed}`);
  }
});
