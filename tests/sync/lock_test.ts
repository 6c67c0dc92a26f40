import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  AbandonedError,
  DeadlockError,
  Lock,
  RLock,
  run,
  sleep,
  spawn,
  WouldBlock,
} from "@weft/weft";
import {
  assertCheckpoint,
  assertNoCheckpoint,
  sweepCancel,
  VirtualClock,
} from "@weft/weft/testing";
import { law } from "../lib/law.ts";

const kinds = { Lock, RLock };

for (const [kind, Made] of Object.entries(kinds)) {
  law(`${kind}.acquire() resumes waiters in FIFO order, whoever releases most often`, async () => {
    const order: string[] = [];
    await run(function* () {
      const lock = new Made();
      for (const name of ["a", "b", "c"]) {
        spawn(async function* () {
          for (let i = 0; i < 2; i++) {
            using _guard = yield* lock.acquire();
            order.push(name);
            yield* sleep(1);
          }
        });
      }
    }, { clock: new VirtualClock() });
    assertEquals(order, ["a", "b", "c", "a", "b", "c"]);
  });

  law(`${kind} goes from hand to hand: the releaser cannot take it past a waiter`, async () => {
    await run(function* () {
      const lock = new Made();
      yield* lock.acquire();
      const waiter = spawn(function* () {
        yield* lock.acquire();
        lock.release();
      });
      yield;
      lock.release();
      assertEquals(lock.holder, waiter);
      assertThrows(() => lock.tryAcquire(), WouldBlock, waiter.name);
    });
  });

  law(`${kind} refuses a release by anybody but its holder`, async () => {
    await run(function* () {
      const lock = new Made("Door");
      yield* lock.acquire();
      yield* spawn(function* () {
        assertThrows(() => lock.release(), Error, "main holds it");
        assertThrows(() => lock.tryAcquire(), WouldBlock, "held by main");
        assertThrows(() => lock.reset(), Error, "main holds it");
      }).join();
      lock.release();
      assertThrows(() => lock.release(), Error, "Cannot release Door in main: nobody holds it");
    });
    assertThrows(() => new Made("Door").release(), Error, "no task is running");
    assertThrows(() => new Made("Door").acquire(), Error, "no task is running");
    assertThrows(() => new Made("Door").tryAcquire(), Error, "no task is running");
  });

  law(
    `A holder of ${kind} that dies is named to every waiter, and to whoever comes later`,
    async () => {
      const told: string[] = [];
      await run(function* () {
        const lock = new Made("Ledger");
        const writer = spawn(function* () {
          yield* lock.acquire();
          yield* sleep(100);
        });
        writer.name = "writer";
        for (const name of ["a", "b"]) {
          spawn(function* () {
            yield* sleep(1);
            try {
              yield* lock.acquire();
            } catch (error) {
              if (!(error instanceof AbandonedError)) throw error;
              told.push(`${name} ${error.message}`);
            }
          });
        }
        yield* sleep(2);
        yield* writer.cancel();
        assertThrows(() => lock.tryAcquire(), AbandonedError, '"writer" died');
        yield* sleep(1);
        told.push("reset");
        lock.reset();
        using _guard = yield* lock.acquire();
      }, { clock: new VirtualClock() });
      const message = 'Cannot acquire Ledger: its holder "writer" died while holding it';
      assertEquals(told, [`a ${message}`, `b ${message}`, "reset"]);
    },
  );

  law(`A task that dies in a using block leaves ${kind} free`, async () => {
    await run(function* () {
      const lock = new Made();
      const task = spawn(async function* () {
        using _guard = yield* lock.acquire();
        yield* sleep(100);
      });
      yield;
      yield;
      yield* task.cancel();
      assertEquals(lock.locked, false);
    });
  });

  law(`${kind}.acquire() is a checkpoint, release() and tryAcquire() are none`, async () => {
    await run(function* () {
      const lock = new Made();
      yield* assertCheckpoint(lock.acquire());
      yield* assertNoCheckpoint(() => lock.release());
      yield* assertNoCheckpoint(() => void lock.tryAcquire());
      lock.release();
    });
  });

  law(`Tasks that use ${kind}, struck at every checkpoint, leave it free`, async () => {
    let lock = new Made();
    const { checkpoints } = await sweepCancel(async function* () {
      const own = lock = new Made();
      const other = spawn(function* () {
        for (let i = 0; i < 2; i++) {
          using _guard = yield* own.acquire();
          yield* sleep(1);
        }
      });
      try {
        for (let i = 0; i < 2; i++) {
          using _guard = yield* own.acquire();
          yield;
        }
        {
          using _guard = await own.acquire();
          await sleep(1);
        }
      } finally {
        other.cancel();
      }
    }, {
      invariant: () =>
        assertEquals([lock.locked, lock.statistics().waiting, lock.holder], [false, 0, undefined]),
    });
    assertEquals(checkpoints >= 6, true);
  });

  law(`A loser of a race in async code takes no ${kind} with it`, async () => {
    await run(function* () {
      const lock = new Made();
      yield* lock.acquire();
      yield* spawn(async function* () {
        await Promise.race([lock.acquire(), sleep(1)]);
      }).join();
      assertEquals(lock.statistics().waiting, 0);
      lock.release();
      yield* lock.acquire();
      lock.release();
    }, { clock: new VirtualClock() });
  });
}

law("Lock.acquire() by its holder is an error, not a wait for itself", async () => {
  await assertRejects(
    () =>
      run(async function* () {
        const lock = new Lock("Door");
        using _guard = yield* lock.acquire();
        yield* lock.acquire();
      }),
    DeadlockError,
    "Cannot acquire Door twice: main holds it already",
  );
  await run(function* () {
    const lock = new Lock();
    yield* lock.acquire();
    assertThrows(() => lock.tryAcquire(), DeadlockError, "twice");
    lock.release();
  });
});

law("RLock counts how often its holder takes it, and passes on with the last release", async () => {
  await run(function* () {
    const lock = new RLock("Room");
    using _first = yield* lock.acquire();
    const waiter = spawn(function* () {
      yield* lock.acquire();
      lock.release();
    });
    yield;
    for (let depth = 2; depth <= 4; depth++) {
      if (depth % 2 === 0) yield* lock.acquire();
      else lock.tryAcquire();
      assertEquals(lock.statistics(), { holder: "main", depth, waiting: 1 });
    }
    for (let depth = 3; depth >= 1; depth--) {
      lock.release();
      assertEquals([lock.depth, lock.holder?.name], [depth, "main"]);
    }
    lock.release();
    assertEquals(lock.holder, waiter);
    yield* waiter.join();
    assertEquals(lock.statistics(), { holder: undefined, depth: 0, waiting: 0 });
    lock.tryAcquire(); // for the guard above
  });
});
