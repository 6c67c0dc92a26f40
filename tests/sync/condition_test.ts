import { assertEquals, assertThrows } from "@std/assert";
import {
  AbandonedError,
  cancelAll,
  Cancelled,
  Condition,
  Lock,
  RLock,
  run,
  sleep,
  spawn,
  type Task,
  TimeoutError,
  withTimeout,
} from "@weft/weft";
import {
  assertCheckpoint,
  assertNoCheckpoint,
  sweepCancel,
  VirtualClock,
} from "@weft/weft/testing";
import { law } from "../lib/law.ts";

/** Spawns one waiter for each name, which tells that it went on. */
function waiters(condition: Condition, names: string, log: string[]): Task<void>[] {
  return [...names].map((name) =>
    spawn(function* () {
      using _lock = yield* condition.acquire();
      yield* condition.wait();
      log.push(name);
    })
  );
}

law("Condition.notify(n) lets the n longest waiters go on, notifyAll() the rest", async () => {
  const log: string[] = [];
  await run(function* () {
    const condition = new Condition();
    waiters(condition, "abcde", log);
    yield* sleep(1);
    {
      using _lock = yield* condition.acquire();
      condition.notify(0);
      condition.notify();
      condition.notify(2);
    }
    yield* sleep(1);
    log.push("|");
    {
      using _lock = yield* condition.acquire();
      condition.notifyAll();
      assertEquals(condition.statistics().waiting, 0);
    }
    yield* sleep(1);
    using _lock = yield* condition.acquire();
    condition.notify(3);
  }, { clock: new VirtualClock() });
  assertEquals(log.join(""), "abc|de");
});

law(
  "Condition.wait() gives up an RLock however often it was taken, and has it back as often",
  async () => {
    await run(function* () {
      const lock = new RLock();
      const condition = new Condition(lock);
      spawn(function* () {
        yield* sleep(1);
        using _lock = yield* condition.acquire();
        assertEquals(lock.depth, 1);
        condition.notify();
      });
      for (let i = 0; i < 3; i++) yield* lock.acquire();
      assertEquals(yield* condition.wait(), true);
      assertEquals([lock.depth, lock.holder?.name], [3, "main"]);
      for (let i = 0; i < 3; i++) lock.release();
    }, { clock: new VirtualClock() });
  },
);

law("Condition refuses to wait and to notify without the lock", async () => {
  await run(async function* () {
    const condition = new Condition(new Lock("Door"), "Change");
    const refusal = "Cannot wait for Change in main: nobody holds Door";
    for (const wait of [() => condition.wait(), () => condition.waitFor(() => true)]) {
      const thrown = await wait().then(() => "nothing", String);
      assertEquals(thrown, `Error: ${refusal}`);
    }
    assertThrows(
      () => condition.notify(),
      Error,
      "Cannot notify Change in main: nobody holds Door",
    );
    assertThrows(() => condition.notifyAll(), Error, "Cannot notify Change");
    yield* spawn(function* () {
      using _lock = yield* condition.acquire();
      yield* sleep(1);
    });
    using _lock = condition.tryAcquire();
    assertThrows(() => condition.notify(-1), RangeError, "-1");
    assertThrows(() => condition.notify(1.5), RangeError, "1.5");
    assertThrows(() => condition.wait(-1), RangeError, "-1");
    assertThrows(() => condition.waitFor(() => true, NaN), RangeError, "NaN");
  }, { clock: new VirtualClock() });
});

law(
  "Condition.wait(ms) is false when the time is up, and holds the lock again by then",
  async () => {
    const clock = new VirtualClock();
    await run(function* () {
      const condition = new Condition();
      using _lock = yield* condition.acquire();
      assertEquals([yield* condition.wait(0), clock.now()], [false, 0]);
      const other = spawn(function* () {
        using _lock = yield* condition.acquire();
        yield* sleep(30);
      });
      assertEquals([yield* condition.wait(10), clock.now()], [false, 30]);
      assertEquals([condition.lock.holder?.name, other.done], ["main", true]);
      assertEquals(condition.statistics(), { waiting: 0, holder: "main", acquiring: 0 });
    }, { clock });
  },
);

law(
  "Condition.waitFor() asks at first, after each notice, and once more when the time is up",
  async () => {
    const clock = new VirtualClock();
    const asked: string[] = [];
    await run(function* () {
      const condition = new Condition();
      let count = 0;
      const is = (wanted: number) => (): boolean => {
        asked.push(`${count}?`);
        assertEquals(condition.lock.holder?.name, "main");
        return count >= wanted;
      };
      spawn(function* () {
        for (; count < 3;) {
          yield* sleep(10);
          using _lock = yield* condition.acquire();
          count++;
          condition.notifyAll();
        }
      });
      using _lock = yield* condition.acquire();
      assertEquals(yield* condition.waitFor(is(0)), true);
      assertEquals([yield* condition.waitFor(is(2)), clock.now()], [true, 20]);
      assertEquals([yield* condition.waitFor(is(9), 25), clock.now()], [false, 45]);
      assertEquals(yield* condition.waitFor(is(3), 0), true);
    }, { clock });
    assertEquals(asked.join(""), "0?" + "0?1?2?" + "2?3?3?" + "3?");
  },
);

law("An error of the predicate ends Condition.waitFor() with the lock held", async () => {
  await run(async function* () {
    const condition = new Condition();
    using _lock = yield* condition.acquire();
    const wrong = () => {
      throw new SyntaxError("no");
    };
    assertEquals(await condition.waitFor(wrong).then(() => "", String), "SyntaxError: no");
    assertEquals(condition.lock.holder?.name, "main");
  });
});

law("A cancel inside Condition.wait() goes on only once the lock is held again", async () => {
  const log: string[] = [];
  await run(function* () {
    const condition = new Condition();
    const waiter = spawn(async function* () {
      using _lock = yield* condition.acquire();
      try {
        yield* condition.wait();
      } catch (error) {
        log.push(`${(error as Error).name}, ${condition.lock.holder === waiter}`);
        throw error;
      }
    });
    yield* sleep(1);
    {
      using _lock = yield* condition.acquire();
      waiter.cancel();
      yield* sleep(5);
      log.push("released");
    }
    yield* waiter.join();
    assertEquals(condition.lock.locked, false);
  }, { clock: new VirtualClock() });
  assertEquals(log, ["released", "Cancelled, true"]);
});

law(
  "A notice given while a waiter is cancelled goes to the next; one it has got, it has got",
  async () => {
    const log: string[] = [];
    await run(function* () {
      const condition = new Condition();
      const [a, b, c] = waiters(condition, "abc", log) as [Task, Task, Task];
      yield* sleep(1);
      {
        using _lock = yield* condition.acquire();
        a.cancel();
        condition.notify();
        b.cancel(); // too late: the notice is its own
      }
      yield* sleep(1);
      assertEquals([a.cancelled, b.successful, c.done], [true, true, false]);
      c.cancel();
    }, { clock: new VirtualClock() });
    assertEquals(log, ["b"]);
  },
);

law(
  "withTimeout() around Condition.wait() leaves the lock held, and ends in TimeoutError",
  async () => {
    await run(async function* () {
      const condition = new Condition();
      using _lock = yield* condition.acquire();
      const error = await withTimeout(5, condition.wait()).then(() => null, (error) => error);
      assertEquals(error instanceof TimeoutError, true);
      assertEquals(condition.lock.holder?.name, "main");
    }, { clock: new VirtualClock() });
  },
);

law("When a holder of the lock dies, those who wait for a notice are told as well", async () => {
  const told: string[] = [];
  await run(function* () {
    const condition = new Condition(new Lock("Door"));
    for (const name of ["a", "b"]) {
      spawn(function* () {
        try {
          using _lock = yield* condition.acquire();
          yield* condition.wait();
        } catch (error) {
          if (!(error instanceof AbandonedError)) throw error;
          told.push(`${name}: ${error.holder}`);
        }
      });
    }
    yield* sleep(1);
    const writer = spawn(function* () {
      yield* condition.acquire();
      yield* sleep(10);
    });
    writer.name = "writer";
    yield* sleep(1);
    yield* writer.cancel();
    yield* sleep(1);
    condition.lock.reset();
    condition.tryAcquire();
    condition.notifyAll();
    condition.release();
  }, { clock: new VirtualClock() });
  assertEquals(told, ["a: writer", "b: writer"]);
});

law("Condition.wait() and waitFor() are checkpoints, notify() is none", async () => {
  await run(function* () {
    const condition = new Condition();
    yield* condition.acquire();
    yield* assertCheckpoint(condition.wait(1));
    yield* assertCheckpoint(condition.waitFor(() => true));
    yield* assertNoCheckpoint(() => condition.notify());
    condition.release();
  }, { clock: new VirtualClock() });
});

for (const kind of [Lock, RLock]) {
  law(
    `Tasks on a condition with a ${kind.name}, struck at every checkpoint, hold the lock where they must, and leave it free`,
    async () => {
      let condition = new Condition();
      const { checkpoints } = await sweepCancel(async function* () {
        const own = condition = new Condition(new kind());
        let turn = 0;
        const other = spawn(function* () {
          using _lock = yield* own.acquire();
          for (;;) {
            yield* own.waitFor(() => turn % 2 === 1);
            turn++;
            own.notifyAll();
          }
        });
        try {
          using _lock = yield* own.acquire();
          for (let i = 0; i < 2; i++) {
            turn++;
            own.notifyAll();
            yield* own.waitFor(() => turn % 2 === 0);
          }
          yield* own.wait(1);
          await own.wait(1);
          try {
            yield* own.wait(1);
          } catch (error) {
            if (error instanceof Cancelled) assertEquals(own.lock.holder?.name, "subject");
            throw error;
          }
        } finally {
          cancelAll([other]);
        }
      }, {
        invariant: () =>
          assertEquals(condition.statistics(), { waiting: 0, holder: undefined, acquiring: 0 }),
      });
      assertEquals(checkpoints >= 6, true);
    },
  );
}

law("A waiter of a condition that has got its notice counts as acquiring at once", async () => {
  await run(function* () {
    const condition = new Condition();
    const waiters = [1, 2, 3].map(() =>
      spawn(function* () {
        using _lock = yield* condition.acquire();
        yield* condition.wait();
      })
    );
    yield* sleep(1);
    {
      using _lock = yield* condition.acquire();
      condition.notify(2);
      assertEquals(condition.statistics().waiting, 1);
      assertEquals(condition.statistics().acquiring, 2);
      yield* sleep(1);
      assertEquals(condition.statistics().acquiring, 2);
      condition.notifyAll();
      assertEquals(condition.statistics().acquiring, 3);
    }
    for (const waiter of waiters) yield* waiter.join();
    assertEquals(condition.statistics().acquiring, 0);
  });
});
