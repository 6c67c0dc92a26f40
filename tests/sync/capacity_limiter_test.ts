import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { group, moveOnAfter, sleep, spawn, type Task, WouldBlock } from "@weft/weft";
import { assertCheckpoint, sweepCancel } from "@weft/weft/testing";
import { CapacityLimiter } from "../../src/sync/capacity_limiter.ts";
import { law, lawInBothLanes } from "../lib/law.ts";
import { thrown, virtually } from "../lib/virtual.ts";
import { playBorrowers } from "../lib/random_borrowers.ts";

lawInBothLanes("A limiter lends tokens in FIFO order, never more than there are", {
  fast: async () => {
    const order: number[] = [];
    await virtually(function* () {
      const limiter = new CapacityLimiter(2);
      for (let i = 0; i < 6; i++) {
        spawn(function* () {
          using _token = yield* limiter.acquire();
          assert(limiter.borrowed <= 2);
          order.push(i);
          yield* sleep(10 - i);
        });
      }
    });
    assertEquals(order, [0, 1, 2, 3, 4, 5]);
  },
  async: async () => {
    const order: number[] = [];
    await virtually(async function* () {
      const limiter = new CapacityLimiter(2);
      for (let i = 0; i < 6; i++) {
        spawn(async function* () {
          using _token = yield* limiter.acquire();
          assert(limiter.borrowed <= 2);
          order.push(i);
          yield* sleep(10 - i);
        });
      }
    });
    assertEquals(order, [0, 1, 2, 3, 4, 5]);
  },
});

law("A task that has a token may not have another, and is told so at once", async () => {
  await virtually(async function* () {
    const limiter = new CapacityLimiter(2, "lanes");
    using _token = yield* limiter.acquire();
    const error = yield* thrown(limiter.acquire());
    assert(String(error).includes("token of lanes for main"), String(error));
    assertThrows(() => limiter.tryAcquire(), Error, "has one already");
    assertEquals(limiter.borrowed, 1);
  });
});

law("release() without a token is an error, and so is a guard used twice", async () => {
  await virtually(async function* () {
    const limiter = new CapacityLimiter(1);
    assertThrows(() => limiter.release(), Error, "it has none");
    const token = yield* limiter.acquire();
    limiter.release();
    yield* limiter.acquire();
    assertThrows(() => token[Symbol.dispose](), Error, "released before");
    assertEquals(limiter.borrowed, 1);
    limiter.release();
  });
  assertThrows(() => new CapacityLimiter(1).release(), Error, "no task is running");
});

law("tryAcquire() never waits: it throws WouldBlock when nothing is available", async () => {
  await virtually(async function* () {
    const limiter = new CapacityLimiter(1);
    limiter.tryAcquireOnBehalfOf("somebody");
    assertThrows(() => limiter.tryAcquire(), WouldBlock, "1 of 1 are lent");
    limiter.releaseOnBehalfOf("somebody");
    using _token = limiter.tryAcquire();
    assertEquals(limiter.available, 0);
  });
  await virtually(async function* () {
    const limiter = new CapacityLimiter(1);
    yield* assertCheckpoint(limiter.acquire());
    limiter.release();
  });
});

law(
  "Raising the total serves the longest waiters at once; lowering it takes no token away",
  async () => {
    const log: string[] = [];
    await virtually(async function* () {
      const limiter = new CapacityLimiter(1);
      for (let i = 0; i < 5; i++) {
        spawn(async function* () {
          using _token = yield* limiter.acquire();
          log.push(`+${i}`);
          yield* sleep(10);
        });
      }
      yield* sleep(1);
      assertEquals(log, ["+0"]);
      limiter.total = 3;
      yield* sleep(1);
      assertEquals(log, ["+0", "+1", "+2"]);
      limiter.total = 1;
      assertEquals([limiter.available, limiter.borrowed], [0, 3]);
      yield* sleep(8.5); // at 10.5 one token came back, and two are still out
      assertEquals([log.length, limiter.borrowed], [3, 2]);
      yield* sleep(1);
      assertEquals([log.length, limiter.borrowed], [4, 1]);
      limiter.total = Infinity;
      yield* sleep(0);
      assertEquals(log.length, 5);
    });
    for (const total of [-1, 1.5, NaN, "2" as unknown as number]) {
      assertThrows(() => new CapacityLimiter(total), RangeError, String(total));
    }
  },
);

law("With a total of 0 nobody gets a token until it is raised", async () => {
  await virtually(async function* () {
    const limiter = new CapacityLimiter(0);
    assertEquals(yield* moveOnAfter(5, limiter.acquire()), undefined);
    limiter.total = 1;
    yield* limiter.acquire();
    limiter.release();
  });
});

law("A borrower need not be the task that asks", async () => {
  await virtually(async function* () {
    const limiter = new CapacityLimiter(2, "desk");
    const job = { toString: () => "job 7" };
    const token = yield* limiter.acquireOnBehalfOf(job);
    yield* limiter.acquireOnBehalfOf("job 8");
    assertEquals(limiter.statistics(), {
      total: 2,
      borrowed: 2,
      available: 0,
      waiting: 0,
      borrowers: ["job 7", "job 8"],
    });
    assert(
      Object.isFrozen(limiter.statistics()) && Object.isFrozen(limiter.statistics().borrowers),
    );
    assertInstanceOf(yield* thrown(limiter.acquireOnBehalfOf(job)), Error);
    const waiter = spawn(async function* () {
      yield* limiter.acquireOnBehalfOf("job 9");
    });
    yield;
    yield;
    assertEquals(limiter.statistics().waiting, 1);
    limiter.releaseOnBehalfOf("job 8");
    yield* waiter;
    token[Symbol.dispose]();
    limiter.releaseOnBehalfOf("job 9");
    assertThrows(() => limiter.releaseOnBehalfOf("job 9"), Error, "job 9: it has none");
  });
});

law("A borrower that dies is named in a warning, and its token is lent on", async () => {
  const warnings: string[] = [];
  await virtually(async function* () {
    const limiter = new CapacityLimiter(1, "lanes");
    const dead = spawn(async function* careless() {
      yield* limiter.acquire();
      yield* sleep(5);
    });
    const next = spawn(async function* () {
      using _token = yield* limiter.acquire();
      return limiter.statistics().borrowers.length;
    });
    assertEquals(yield* next, 1);
    assertEquals([dead.done, limiter.borrowed, limiter.available], [true, 0, 1]);
    // A guard that is disposed of after its borrower's death has nothing left to give back.
    let other!: Task<void>;
    {
      other = spawn(async function* () {
        yield* sleep(1);
      });
      using theirs = yield* limiter.acquireOnBehalfOf(other);
      yield* other;
      yield* sleep(1);
      theirs[Symbol.dispose]();
      assertEquals(limiter.borrowed, 0);
    }
    assert(String(yield* thrown(limiter.acquireOnBehalfOf(other))).includes("has ended"));
  }, { warn: (message) => warnings.push(message) });
  assertEquals(warnings.length, 2);
  assert(/Task "careless#\d+" ended with a token of lanes/.test(warnings[0]!), warnings[0]);
});

law(
  "A waiter whose borrower has died or got a token meanwhile is told, and the token goes on",
  async () => {
    await virtually(async function* () {
      const limiter = new CapacityLimiter(1);
      const soon = spawn(async function* () {
        yield* sleep(5);
      });
      yield* limiter.acquireOnBehalfOf("first");
      const waits = [soon, "twice", "twice", "last"].map((borrower) =>
        spawn(async function* () {
          yield* limiter.acquireOnBehalfOf(borrower);
        })
      );
      yield* sleep(10);
      limiter.total = 4;
      const ends: string[] = [];
      for (const wait of waits) {
        try {
          yield* wait;
          ends.push("lent");
        } catch (error) {
          ends.push(String(error).includes("has ended") ? "dead" : "has one");
        }
      }
      assertEquals(ends, ["dead", "lent", "has one", "lent"]);
    });
  },
);

law("Whatever is struck, every token is back and nobody holds one", async () => {
  let limiter!: CapacityLimiter;
  const invariant = (): void => {
    assertEquals(limiter.statistics(), {
      total: 1,
      borrowed: 0,
      available: 1,
      waiting: 0,
      borrowers: [],
    });
  };
  await sweepCancel(async function* () {
    limiter = new CapacityLimiter(1);
    yield* group(async function* (g) {
      g.spawn(async function* () {
        using _token = yield* limiter.acquire();
        yield* sleep(5);
      });
      yield;
      {
        using _token = yield* limiter.acquire();
        yield* sleep(1);
      }
      using _token = yield* limiter.acquireOnBehalfOf("x");
      yield* sleep(1);
    });
  }, { invariant });
  await sweepCancel(function* () {
    limiter = new CapacityLimiter(1);
    using _token = yield* limiter.acquire();
    yield* sleep(1);
  }, { invariant });
});

law(
  "On 1000 random schedules a limiter does what a list of borrowers would",
  () => playBorrowers(1000),
);
