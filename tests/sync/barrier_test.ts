import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Barrier,
  BrokenBarrierError,
  cancelAll,
  group,
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

const waiter = (barrier: Barrier, ms?: number): Task<number> =>
  spawn(async function* () {
    return yield* barrier.wait(ms);
  });

function* outcomes(tasks: Task<number>[]): Generator<unknown, unknown[], unknown> {
  const said: unknown[] = [];
  for (const task of tasks) {
    while (!task.done) yield* sleep(1);
    said.push(task.successful ? task.value : (task.error as Error).name);
  }
  return said;
}

law(
  "Barrier.wait() holds all until the last has come, gives each its place, and begins anew",
  async () => {
    const log: string[] = [];
    await run(function* () {
      const barrier = new Barrier(3);
      for (const name of ["a", "b", "c"]) {
        spawn(async function* () {
          for (let round = 0; round < 2; round++) {
            log.push(`${name}`);
            log.push(`${name}${yield* barrier.wait()}`);
          }
        });
      }
      yield;
      yield;
      assertEquals(barrier.statistics(), { parties: 3, waiting: 0, broken: false });
    });
    assertEquals(log.join(" "), "a b c a0 a b1 b c2 c a0 b1 c2");
  },
);

law(
  "Barrier's action runs once a round, in the last one's step, before anybody goes on",
  async () => {
    const log: string[] = [];
    await run(function* () {
      const barrier = new Barrier(2, () => log.push("act"));
      spawn(function* () {
        log.push(`a${yield* barrier.wait()}`);
      });
      yield;
      log.push(`b${yield* barrier.wait()}`);
    });
    assertEquals(log, ["act", "a0", "b1"]);
  },
);

law("An action of Barrier that throws, or that wants to wait, breaks it", async () => {
  for (
    const [action, name] of [
      [() => {
        throw new SyntaxError("no");
      }, "SyntaxError"],
      [async () => {}, "TypeError"],
      [function* () {}, "TypeError"],
    ] as const
  ) {
    await run(function* () {
      const barrier = new Barrier(2, action);
      const tasks = [waiter(barrier), waiter(barrier)];
      assertEquals(yield* outcomes(tasks), ["BrokenBarrierError", name]);
      assertEquals(barrier.broken, true);
    }, { clock: new VirtualClock() });
  }
});

law(
  "Barrier.reset() sends waiters away and begins anew; abort() breaks it until then",
  async () => {
    await run(function* () {
      const barrier = new Barrier(2, undefined, "Gate");
      let early = waiter(barrier);
      yield* sleep(1);
      assertEquals(barrier.nWaiting, 1);
      barrier.reset();
      assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
      assertEquals(yield* outcomes([early, waiter(barrier), waiter(barrier)]), [
        "BrokenBarrierError",
        0,
        1,
      ]);
      early = waiter(barrier);
      yield* sleep(1);
      barrier.abort();
      assertEquals(barrier.broken, true);
      const late = waiter(barrier);
      assertEquals(yield* outcomes([early, late]), ["BrokenBarrierError", "BrokenBarrierError"]);
      assertEquals((late.error as Error).message, "Cannot pass Gate: it is broken");
      barrier.reset();
      assertEquals(yield* outcomes([waiter(barrier), waiter(barrier)]), [0, 1]);
    }, { clock: new VirtualClock() });
  },
);

law("A waiter of Barrier that is cancelled or late breaks it for the others", async () => {
  await run(function* () {
    const barrier = new Barrier(3);
    const [a, b] = [waiter(barrier), waiter(barrier)];
    yield* sleep(1);
    a.cancel();
    assertEquals([barrier.broken, barrier.nWaiting], [true, 0]);
    assertEquals(yield* outcomes([a, b]), ["Cancelled", "BrokenBarrierError"]);
    barrier.reset();
    const late = [waiter(barrier), waiter(barrier, 5)];
    assertEquals(yield* outcomes(late), ["BrokenBarrierError", "BrokenBarrierError"]);
    barrier.reset();
    const bounded = spawn(function* () {
      return yield* withTimeout(5, barrier.wait());
    });
    assertEquals(yield* outcomes([waiter(barrier), bounded]), [
      "BrokenBarrierError",
      TimeoutError.name,
    ]);
  }, { clock: new VirtualClock() });
});

law("Waiters of Barrier that are cancelled together do not blame one another", async () => {
  await assertRejects(
    () =>
      run(function* () {
        const barrier = new Barrier(5);
        yield* group(function* (g) {
          for (let i = 0; i < 4; i++) {
            g.spawn(async function* () {
              yield* barrier.wait();
            });
          }
          yield* sleep(1);
          throw new SyntaxError("the only one");
        });
      }, { clock: new VirtualClock() }),
    AggregateError,
    "1 error (SyntaxError: the only one)",
  );
});

law("Barrier refuses a number of parties that means nothing, and a wrong time", () => {
  for (const bad of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => new Barrier(bad), RangeError, `Cannot make a barrier for ${bad} parties`);
  }
  assertThrows(() => new Barrier(1).wait(-1), RangeError, "-1");
});

law("Barrier.wait() is a checkpoint, broken or not; reset() and abort() are none", async () => {
  await run(function* () {
    const barrier = new Barrier(1);
    yield* assertCheckpoint(barrier.wait());
    yield* assertNoCheckpoint(() => barrier.abort());
    yield* assertNoCheckpoint(() => barrier.reset());
    yield* assertCheckpoint(barrier.wait(5));
  });
});

law("Tasks at Barrier, struck at every checkpoint, leave nobody waiting", async () => {
  let barrier = new Barrier(2);
  const { checkpoints } = await sweepCancel(async function* () {
    const own = barrier = new Barrier(2);
    const other = spawn(function* () {
      try {
        for (;;) yield* own.wait();
      } catch (error) {
        if (!(error instanceof BrokenBarrierError)) throw error;
      }
    });
    try {
      yield* own.wait();
      yield* own.wait(1);
      await own.wait();
    } finally {
      cancelAll([other]);
    }
  }, { invariant: () => assertEquals(barrier.nWaiting, 0) });
  assertEquals(checkpoints, 3);
});
