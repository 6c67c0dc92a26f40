import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  BoundedSemaphore,
  DeadlockError,
  Lock,
  run,
  Semaphore,
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

law(
  "Semaphore lets as many in as it has permits, and the others in the order in which they came",
  async () => {
    const order: number[] = [];
    let inside = 0;
    let most = 0;
    await run(function* () {
      const gate = new Semaphore(2);
      for (let i = 0; i < 6; i++) {
        spawn(function* () {
          using _permit = yield* gate.acquire();
          order.push(i);
          most = Math.max(most, ++inside);
          yield* sleep(1);
          inside--;
        });
      }
    }, { clock: new VirtualClock() });
    assertEquals([order, most], [[0, 1, 2, 3, 4, 5], 2]);
  },
);

law("Semaphore.release(n) wakes the n longest waiters, and what is left over is free", async () => {
  const woken: string[] = [];
  await run(function* () {
    const gate = new Semaphore(0);
    for (const name of ["a", "b", "c"]) {
      spawn(function* () {
        yield* gate.acquire();
        woken.push(name);
      });
    }
    yield;
    gate.release(2);
    yield;
    assertEquals([woken.join(""), gate.value, gate.statistics().waiting], ["ab", 0, 1]);
    gate.release(3);
    yield;
    assertEquals([woken.join(""), gate.value, gate.statistics().waiting], ["abc", 2, 0]);
  });
});

law("Semaphore.release() may be called by anybody, also outside of tasks", async () => {
  const gate = new Semaphore(0);
  setTimeout(() => gate.release(), 1);
  await gate.acquire();
  gate.release(2);
  await run(function* () {
    yield* gate.acquire();
    yield* spawn(function* () {
      gate.release();
    }).join();
  });
  assertEquals(gate.value, 2);
});

law("Semaphore refuses numbers that mean nothing, and never waits in tryAcquire()", () => {
  for (const bad of [-1, 1.5, NaN, Infinity]) {
    assertThrows(() => new Semaphore(bad), RangeError, `Cannot make a semaphore of ${bad}`);
    assertThrows(() => new Semaphore(1).release(bad), RangeError, "Cannot release");
    assertThrows(() => new BoundedSemaphore(1).release(bad), RangeError, "Cannot release");
  }
  assertThrows(() => new Semaphore(1).release(0), RangeError, "at least 1");
  const gate = new Semaphore();
  gate.tryAcquire();
  assertEquals([gate.locked, gate.value], [true, 0]);
  assertThrows(() => gate.tryAcquire(), WouldBlock, "no permit is free");
});

law(
  "BoundedSemaphore.release() refuses to make more permits than there were, and then does nothing",
  () => {
    const gate = new BoundedSemaphore(2);
    assertThrows(() => gate.release(), RangeError, "2 of 2 are free already");
    gate.tryAcquire();
    assertThrows(() => gate.release(2), RangeError, "1 of 2 are free already");
    assertEquals(gate.value, 1);
    gate.release();
    assertEquals(gate.value, 2);
  },
);

law("Semaphore.acquire() is a checkpoint, release() and tryAcquire() are none", async () => {
  await run(function* () {
    const gate = new Semaphore(1);
    yield* assertCheckpoint(gate.acquire());
    yield* assertNoCheckpoint(() => gate.release());
    yield* assertNoCheckpoint(() => void gate.tryAcquire());
  });
});

for (const [kind, Made] of Object.entries({ Semaphore, BoundedSemaphore })) {
  law(`Tasks that use ${kind}, struck at every checkpoint, lose no permit`, async () => {
    let gate = new Made(2);
    const { checkpoints } = await sweepCancel(async function* () {
      const own = gate = new Made(2);
      const others = [1, 2].map(() =>
        spawn(function* () {
          using _permit = yield* own.acquire();
          yield* sleep(1);
        })
      );
      try {
        for (let i = 0; i < 3; i++) {
          using _permit = yield* own.acquire();
          yield* sleep(1);
        }
        using _permit = await own.acquire();
        await sleep(1);
      } finally {
        for (const other of others) other.cancel();
      }
    }, { invariant: () => assertEquals([gate.value, gate.statistics().waiting], [2, 0]) });
    assertEquals(checkpoints >= 8, true);
  });
}

law("A deadlock report names who has a permit of Semaphore, dead or alive", async () => {
  const error = await assertRejects(() =>
    run(function* () {
      const gate = new Semaphore(1, "Gate");
      const keeper = spawn(function* () {
        yield* gate.acquire();
      });
      keeper.name = "keeper";
      yield* keeper.join();
      assertEquals(gate.statistics().holders, ["keeper"]);
      yield* gate.acquire();
    }), DeadlockError);
  assertStringIncludes(
    error.message,
    "main (waiting on Gate.acquire(), held by keeper, which has ended)",
  );
});

law(
  "A semaphore that others release is a signal: whoever took a permit holds up nobody",
  async () => {
    await run(function* () {
      const ready = new Semaphore(1);
      yield* ready.acquire();
      assertEquals(ready.statistics().holders, ["main"]);
      yield* spawn(function* () {
        ready.release();
      }).join();
      yield* ready.acquire();
      assertEquals(ready.statistics().holders, []);
    });
  },
);

law(
  "A cycle through Semaphore raises no alarm while somebody else may still release it",
  async () => {
    const warnings: string[] = [];
    await run(function* () {
      const lock = new Lock("Lock");
      const gate = new Semaphore(1, "Gate");
      const a = spawn(function* () {
        yield* lock.acquire();
        yield* sleep(2);
        yield* gate.acquire();
        lock.release();
      });
      spawn(function* () {
        yield* gate.acquire();
        yield* sleep(4);
        yield* lock.acquire();
        lock.release();
      });
      yield* sleep(10);
      gate.release();
      yield* a.join();
    }, { clock: new VirtualClock(), warn: (message) => warnings.push(message) });
    assertEquals(warnings, []);
  },
);
