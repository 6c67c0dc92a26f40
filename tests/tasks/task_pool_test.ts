import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  Cancelled,
  ClosedError,
  DeadlockError,
  Lock,
  RunFinishedError,
  shield,
  sleep,
  spawn,
  type Task,
  withTimeout,
  WouldBlock,
} from "@weft/weft";
import { assertCheckpoint, sweepCancel } from "@weft/weft/testing";
import { TaskPool } from "../../src/tasks/task_pool.ts";
import { law, lawInBothLanes } from "../lib/law.ts";
import { clock, nap, thrown, virtually } from "../lib/virtual.ts";

const napAs = async function* (ms: number) {
  yield* sleep(ms);
  return ms;
};

const fail = async function* (ms: number, text: string) {
  yield* sleep(ms);
  throw new Error(text);
};

const forever = async function* () {
  yield* sleep(Infinity);
};

// -- spawn, trySpawn, submit --

lawInBothLanes("TaskPool.spawn() waits for a free place, and evaluates to the started task", {
  fast: () =>
    virtually(function* () {
      const pool = new TaskPool(2);
      const starts: number[] = [];
      for (let i = 0; i < 5; i++) {
        const task: Task<number> = yield* pool.spawn(napAs, 10);
        assert(!task.done);
        starts.push(clock.now());
      }
      yield* pool.join();
      assertEquals([...starts, clock.now()], [0, 0, 10, 10, 20, 30]);
    }),
  async: () =>
    virtually(async function* () {
      const pool = new TaskPool(2);
      const starts: number[] = [];
      for (let i = 0; i < 5; i++) {
        const task: Task<number> = yield* pool.spawn(napAs, 10);
        assert(!task.done);
        starts.push(clock.now());
      }
      yield* pool.join();
      assertEquals([...starts, clock.now()], [0, 0, 10, 10, 20, 30]);
    }),
});

law("TaskPool.spawn() gives places in the order in which they were asked for", async () => {
  const order: number[] = [];
  await virtually(function* () {
    const pool = new TaskPool(1);
    const note = function* (i: number) {
      order.push(i);
      yield* sleep(1);
    };
    for (let i = 0; i < 6; i++) {
      spawn(function* () {
        yield* pool.spawn(note, i);
      });
    }
    yield;
    yield;
    assertEquals(pool.statistics(), { size: 1, running: 1, free: 0, waiting: 5 });
  });
  assertEquals(order, [0, 1, 2, 3, 4, 5]);
});

law("TaskPool.trySpawn() throws WouldBlock when the pool is full, and starts nothing", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(1);
    const task = pool.trySpawn(nap, 1, "a");
    const error = assertThrows(() => pool.trySpawn(nap, 1, "b"), WouldBlock);
    assert(error.message.includes("1 places"));
    assertEquals([pool.full, pool.freeCount, pool.tasks], [true, 0, [task]]);
    assertEquals(yield* task, "a");
    assertEquals([pool.full, pool.freeCount, pool.tasks], [false, 1, []]);
  });
});

law("TaskPool.submit() returns at once; the task waits in line for its place", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    let most = 0;
    let now = 0;
    const body = async function* (i: number) {
      most = Math.max(most, ++now);
      yield* sleep(10 - i);
      now--;
      return i;
    };
    const tasks = [0, 1, 2, 3, 4].map((i) => pool.submit(body, i));
    assertEquals(pool.statistics().running, 2);
    assertEquals([yield* tasks[4]!, yield* tasks[0]!, most], [4, 0, 2]);
    yield* pool.join();
    assert(tasks.every((task) => task.successful));
    assertStrictEquals(most, 2);
  });
});

law("TaskPool.submit() takes bodies of both lanes, also when they must wait", async () => {
  await virtually(function* () {
    const pool = new TaskPool(1);
    const fast = function* (n: number) {
      yield;
      return n;
    };
    const slow = async function* (n: number) {
      await null;
      yield* sleep(1);
      yield;
      return n;
    };
    const tasks = [pool.submit(slow, 1), pool.submit(fast, 2), pool.submit(slow, 3)];
    const values: number[] = [];
    for (const task of tasks) values.push(yield* task);
    assertEquals(values, [1, 2, 3]);
  });
});

law("A submitted task cancelled in line never runs and takes no place", async () => {
  let ran = false;
  await virtually(async function* () {
    const pool = new TaskPool(1);
    const first = pool.submit(napAs, 10);
    const second = pool.submit(async function* () {
      ran = true;
    });
    const third = pool.submit(napAs, 5);
    yield* sleep(1);
    second.cancel("not needed");
    yield* pool.join();
    assertEquals([first.value, second.cancelled, third.value, ran], [10, true, 5, false]);
    assertEquals(clock.now(), 15);
  });
});

law("A pool refuses what is no task body, and a size that is none", () => {
  for (const size of [0, -1, 1.5, NaN, Infinity, "3" as unknown as number]) {
    assertThrows(() => new TaskPool(size), RangeError, String(size));
  }
  const pool = new TaskPool(1);
  const plain = (() => 5) as never;
  for (const verb of ["spawn", "trySpawn", "submit"] as const) {
    assertThrows(() => pool[verb](plain), TypeError, "function*");
  }
  for (const verb of ["map", "imap", "imapUnordered"] as const) {
    const map: TaskPool["map"] = pool[verb].bind(pool) as never;
    assertThrows(() => map(plain, []), TypeError, "function*");
    assertThrows(() => map(napAs, 5 as never), TypeError, "Cannot map over 5");
  }
});

// -- errors --

law("A failure that nobody observed is thrown by join(), and several together", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(3);
    yield* pool.spawn(fail, 1, "one");
    const one = yield* thrown(pool.join());
    assertStrictEquals((one as Error).message, "one");
    pool.trySpawn(fail, 2, "two");
    pool.submit(fail, 1, "three");
    const seen = pool.trySpawn(fail, 1, "seen");
    yield* thrown(seen.get());
    const both = yield* thrown(pool.join());
    assertInstanceOf(both, AggregateError);
    assertEquals(both.errors.map((error) => error.message), ["three", "two"]);
    yield* pool.join(); // each is thrown once
  });
});

law("A failure that neither a join nor anybody else observed is the run's", async () => {
  await assertRejects(
    () =>
      virtually(async function* () {
        const pool = new TaskPool(1);
        pool.submit(napAs, 1);
        pool.submit(fail, 1, "nobody looked");
        yield* sleep(10);
      }),
    Error,
    "nobody looked",
  );
});

law("The failure of a spawned task leaves the others alone", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    const other = yield* pool.spawn(nap, 5, "other");
    const bad = yield* pool.spawn(fail, 1, "bad");
    yield* thrown(bad.get());
    assertEquals(yield* other, "other");
  });
});

law("A pool whose failures are all observed remembers none of them", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(1);
    for (let i = 0; i < 500; i++) {
      const task = yield* pool.spawn(fail, 1, `${i}`);
      if (i % 7 !== 0) yield* thrown(task.get());
    }
    const error = yield* thrown(pool.join());
    assertInstanceOf(error, AggregateError);
    assertEquals(error.errors.map(({ message }) => Number(message) % 7), Array(72).fill(0));
  });
});

law("TaskPool.join() in a task of the pool is an error, not a wait for itself", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(1);
    const task = yield* pool.spawn(async function* () {
      yield* pool.join();
    });
    assertInstanceOf(yield* thrown(task.get()), DeadlockError);
  });
});

law("TaskPool.join() waits for submitted tasks and for spawners that still wait", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(1);
    const done: number[] = [];
    const body = async function* (i: number) {
      yield* sleep(5);
      done.push(i);
    };
    pool.submit(body, 0);
    spawn(async function* () {
      yield* pool.spawn(body, 1);
    });
    yield;
    pool.submit(body, 2);
    yield* pool.join();
    assertEquals(done, [0, 1, 2]);
    yield* assertCheckpoint(pool.join());
    const wide = new TaskPool(3);
    for (const ms of [5, 9, 1]) wide.trySpawn(napAs, ms);
    yield* wide.join();
    assertEquals(clock.now(), 24);
  });
});

law(
  "Tasks of a full pool that all wait for a place in it are a deadlock, with a report",
  async () => {
    const error = await assertRejects(
      () =>
        virtually(async function* () {
          const pool = new TaskPool(1, "inner");
          yield* pool.map(async function* outer() {
            yield* pool.map(napAs, [1]);
          }, [1]);
        }),
      DeadlockError,
    );
    assert(error.message.includes("inner.spawn()"), error.message);
    assert(error.message.includes("outer#"), error.message);
  },
);

law("A failure that somebody observes before the join is not thrown by it", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(1);
    const task = yield* pool.spawn(fail, 1, "seen late");
    yield* sleep(5);
    assertStrictEquals((task.error as Error).message, "seen late");
    yield* pool.join();
  });
});

law("Code that outlives its task can hand in no task", async () => {
  const pool = new TaskPool(1);
  const gate = Promise.withResolvers<void>();
  let late: Promise<unknown> | undefined;
  await virtually(async function* () {
    yield* spawn(async function* () {
      late = gate.promise.then(() => pool.submit(napAs, 1));
    });
    gate.resolve();
    await assertRejects(() => late!, RunFinishedError, "has ended");
  });
  assertEquals(pool.freeCount, 1);
});

law("A circle through a pool with places for others is not taken for a deadlock", async () => {
  const warnings: string[] = [];
  await virtually(async function* () {
    const pool = new TaskPool(2);
    const lock = new Lock();
    const wanting = function* () {
      using _guard = yield* lock.acquire();
    };
    using _guard = yield* lock.acquire();
    spawn(function* () {
      yield; // main waits for a place by then, and this closes the circle
      yield* sleep(1);
      pool.tasks[1]!.cancel();
    });
    const gate = yield* pool.spawn(function* () {
      yield* sleep(0);
      yield* wanting();
    });
    yield* pool.spawn(forever);
    yield* pool.spawn(napAs, 1); // waits until the second place is free
    gate.cancel();
  }, { warn: (message) => warnings.push(message) });
  assertEquals(warnings, []);
});

// -- cancel and dispose --

law(
  "TaskPool.cancel() cancels all that is in the pool, and waits for it when asked to",
  async () => {
    await virtually(async function* () {
      const pool = new TaskPool(2);
      let cleaned = 0;
      const body = async function* () {
        try {
          yield* sleep(Infinity);
        } finally {
          yield* shield(sleep(5));
          cleaned++;
        }
      };
      const tasks = [pool.submit(body), pool.submit(body), pool.submit(body)];
      yield* sleep(1);
      yield* pool.cancel("enough");
      assertEquals([cleaned, clock.now()], [2, 6]);
      assert(tasks.every((task) => (task.error as Cancelled).reason === "enough"));
      yield* pool.join();
      assertEquals(yield* (yield* pool.spawn(nap, 1, "again")), "again");
      pool.cancel(); // nobody has to wait
    });
  },
);

law("A disposed pool has cancelled its tasks and takes in nothing more", async () => {
  await virtually(async function* () {
    let pool!: TaskPool;
    let task!: Task<void>;
    let waiter!: Task<unknown>;
    {
      await using inner = new TaskPool(1, "inner");
      pool = inner;
      task = yield* inner.spawn(forever);
      waiter = spawn(async function* () {
        yield* inner.spawn(forever);
      });
      yield* sleep(1);
    }
    assert(task.cancelled);
    assertInstanceOf(yield* thrown(waiter.get()), ClosedError);
    assertThrows(() => pool.submit(forever), ClosedError, "inner");
    assertThrows(() => pool.trySpawn(forever), ClosedError, "inner");
    assertInstanceOf(yield* thrown(pool.spawn(forever)), ClosedError);
  });
});

law("`await using` a pool waits for every clean-up, those of items included", async () => {
  await virtually(async function* () {
    const log: string[] = [];
    async function* items() {
      try {
        yield 1;
        yield* [2, 3];
        await sleep(Infinity);
      } finally {
        await shield(sleep(20));
        log.push(`items ${clock.now()}`);
      }
    }
    {
      await using pool = new TaskPool(2);
      yield* pool.spawn(async function* () {
        try {
          yield* sleep(Infinity);
        } finally {
          yield* shield(sleep(5));
          log.push(`task ${clock.now()}`);
        }
      });
      yield* pool.imap(napAs, items()).next();
      yield* sleep(9);
    }
    assertEquals(log, ["task 15", "items 30"]);
    yield* sleep(1);
  });
});

law("`using` a pool cancels at the end of the block and does not wait", async () => {
  await virtually(function* () {
    let task!: Task<void>;
    {
      using pool = new TaskPool(1);
      task = yield* pool.spawn(forever);
      yield* sleep(1);
    }
    assert(!task.done);
    yield* task.join();
    assert(task.cancelled);
  });
});

// -- map --

lawInBothLanes("TaskPool.map() gives the results in the order of the items", {
  fast: () =>
    virtually(function* () {
      const pool = new TaskPool(2);
      const results: number[] = yield* pool.map(function* (ms: number) {
        yield* sleep(ms);
        return ms * 2;
      }, [5, 1, 3]);
      assertEquals(results, [10, 2, 6]);
      assertEquals(clock.now(), 5);
    }),
  async: () =>
    virtually(async function* () {
      const pool = new TaskPool(2);
      const results: number[] = yield* pool.map(napAs, new Set([5, 1, 3]));
      assertEquals(results, [5, 1, 3]);
      assertEquals(await pool.map(napAs, [4, 2]), [4, 2]);
    }),
});

law("TaskPool.map() of nothing is an empty list, and a checkpoint", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(1);
    assertEquals(yield* assertCheckpoint(pool.map(napAs, [])), []);
    async function* none(): AsyncGenerator<number> {}
    assertEquals(yield* pool.map(napAs, none()), []);
    assertEquals(pool.freeCount, 1);
  });
});

law("TaskPool.map() draws an item only when a place is free", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    let drawn = 0;
    let ended = 0;
    function* items() {
      for (; drawn < 20; drawn++) {
        assert(drawn - ended < 2, `${drawn} drawn, ${ended} ended`);
        yield drawn;
      }
    }
    yield* pool.map(async function* (i: number) {
      yield* sleep(i % 3);
      ended++;
    }, items());
    assertEquals([drawn, ended], [20, 20]);
  });
});

law(
  "A failure in map() stops the drawing, closes the items, cancels the rest, and is thrown",
  async () => {
    await virtually(async function* () {
      const pool = new TaskPool(3);
      const log: string[] = [];
      function* endless() {
        try {
          for (let i = 0;; i++) yield i;
        } finally {
          log.push("closed");
        }
      }
      const error = yield* thrown(pool.map(async function* (i: number) {
        try {
          yield* sleep(i === 4 ? 1 : 10);
          if (i === 4) throw new Error("four");
        } catch (error) {
          if (error instanceof Cancelled) log.push(`${i}: ${(error.cause as Error).message}`);
          throw error;
        }
      }, endless()));
      assertEquals([(error as Error).message, ...log], ["four", "3: four", "5: four", "closed"]);
      assertEquals([clock.now(), pool.freeCount], [11, 3]);
    });
  },
);

law("Errors of a map's clean-ups are thrown along with the first", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    const error = yield* thrown(pool.map(async function* (i: number) {
      try {
        yield* sleep(i);
        throw new Error("first");
      } catch (error) {
        throw error instanceof Cancelled ? new Error("clean-up") : error;
      }
    }, [1, 2, 3]));
    assertInstanceOf(error, AggregateError);
    assertEquals(error.errors.map(({ message }) => message), ["first", "clean-up"]);
  });
});

law("Items that throw end the map with their error, and are not closed again", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(3);
    let returned = 0;
    const broken = (wait: boolean) => {
      let i = 0;
      const next = () => {
        if (++i === 3) throw new Error("broken");
        return { done: false as const, value: i };
      };
      const close = () => (returned++, { done: true as const, value: undefined });
      return wait
        ? {
          [Symbol.asyncIterator]: () => ({
            next: async () => await next(),
            return: async () => await close(),
          }),
        }
        : { [Symbol.iterator]: () => ({ next, return: close }) };
    };
    for (const wait of [false, true]) {
      const error = yield* thrown(pool.map(forever, broken(wait) as Iterable<never>));
      assertStrictEquals((error as Error).message, "broken");
      assertEquals([returned, pool.freeCount], [0, 3]);
    }
  });
});

law("A task of a map that is cancelled on its own ends the map with its Cancelled", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    spawn(async function* () {
      yield* sleep(1);
      pool.tasks[1]!.cancel("this one");
    });
    const error = yield* thrown(pool.map(napAs, [10, 20, 30]));
    assertInstanceOf(error, Cancelled);
    assertStrictEquals(error.reason, "this one");
  });
});

law("TaskPool.cancel() ends a map, also one that waits for its items", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    let closed = false;
    async function* slow() {
      try {
        yield 1;
        await sleep(Infinity);
      } finally {
        closed = true;
      }
    }
    for (const items of [[1e6, 1e6, 1e6], slow()]) {
      spawn(async function* () {
        yield* sleep(50);
        pool.cancel("stop");
      });
      const error = yield* thrown(pool.map(napAs, items));
      assertInstanceOf(error, Cancelled);
      assertStrictEquals(error.reason, "stop");
    }
    assert(closed);
  });
});

law(
  "Async items are drawn by the task itself: its deadline reaches what they wait for",
  async () => {
    await virtually(async function* () {
      const pool = new TaskPool(2);
      const log: string[] = [];
      async function* items() {
        try {
          yield 1;
          await sleep(100);
          yield 2;
        } catch (error) {
          log.push(String(error instanceof Cancelled));
          throw error;
        } finally {
          await shield(sleep(5));
          log.push("closed");
        }
      }
      yield* thrown(withTimeout(10, pool.map(napAs, items())));
      assertEquals([...log, clock.now()], ["true", "closed", 15]);
    });
  },
);

law("Whatever is struck in a map, nothing is left and every place is back", async () => {
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
  function* now() {
    open++;
    try {
      yield* [0, 1, 2, 3];
    } finally {
      open--;
    }
  }
  const check = (): void => {
    assertEquals([open, pool.statistics()], [0, { size: 2, running: 0, free: 2, waiting: 0 }]);
  };
  for (const items of [now, later]) {
    const result = await sweepCancel(async function* () {
      pool = new TaskPool(2);
      yield* pool.map(napAs, items());
    }, { invariant: check });
    assert(result.checkpoints > 4);
    await sweepCancel(function* () {
      pool = new TaskPool(2);
      yield* pool.map(function* (ms: number) {
        yield* sleep(ms);
      }, items());
    }, { invariant: check });
  }
});

law("Whatever is struck in spawn, submit or join, every place is back", async () => {
  let pool!: TaskPool;
  await sweepCancel(async function* () {
    await using own = pool = new TaskPool(1);
    yield* own.spawn(napAs, 1);
    yield* own.spawn(napAs, 1);
    const task = own.submit(napAs, 1);
    yield* task;
    yield* own.join();
  }, {
    invariant: () => {
      assertEquals(pool.statistics(), { size: 1, running: 0, free: 1, waiting: 0 });
    },
  });
});
