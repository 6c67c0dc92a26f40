import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { cancelAll, DeadlockError, Event, run, sleep, spawn } from "@weft/weft";
import {
  assertCheckpoint,
  assertNoCheckpoint,
  sweepCancel,
  VirtualClock,
} from "@weft/weft/testing";
import { law } from "../lib/law.ts";

law("Event.set() wakes every waiter, longest first, also when it is cleared at once", async () => {
  const order: unknown[] = [];
  await run(function* () {
    const event = new Event();
    for (const name of ["a", "b", "c"]) {
      spawn(async function* () {
        order.push(name, yield* event.wait());
      });
    }
    yield;
    event.set();
    event.clear();
    assertEquals(event.statistics(), { isSet: false, waiting: 0 });
  });
  assertEquals(order, ["a", true, "b", true, "c", true]);
});

law(
  "Event.wait() goes on at once while it is set, and waits again when it was cleared",
  async () => {
    await run(function* () {
      const event = new Event();
      event.set();
      event.set();
      assertEquals([event.isSet, yield* event.wait(), yield* event.wait(0)], [true, true, true]);
      event.clear();
      assertEquals([event.isSet, yield* event.wait(5)], [false, false]);
    }, { clock: new VirtualClock() });
  },
);

law(
  "Event.wait(ms) is false when the time is up, to the millisecond, and leaves no waiter",
  async () => {
    const clock = new VirtualClock();
    await run(function* () {
      const event = new Event();
      assertEquals(yield* event.wait(0), false);
      assertEquals([yield* event.wait(30), clock.now()], [false, 30]);
      spawn(function* () {
        yield* sleep(10);
        event.set();
      });
      assertEquals([yield* event.wait(30), clock.now()], [true, 40]);
      assertEquals(event.statistics().waiting, 0);
      assertThrows(() => event.wait(-1), RangeError, "-1");
    }, { clock });
  },
);

law("Event.set() may be called outside of tasks", async () => {
  const event = new Event();
  event.set();
  assertEquals(await event.wait(), true);
  event.clear();
  setTimeout(() => event.set(), 1);
  assertEquals(await event.wait(), true);
});

law("Event.wait() is a checkpoint, set() and clear() are none", async () => {
  await run(function* () {
    const event = new Event();
    yield* assertNoCheckpoint(() => event.set());
    yield* assertCheckpoint(event.wait());
    yield* assertCheckpoint(event.wait(10));
    yield* assertNoCheckpoint(() => event.clear());
  });
});

law("Tasks that wait for Event, struck at every checkpoint, leave no waiter", async () => {
  let event = new Event();
  const { checkpoints } = await sweepCancel(async function* () {
    const own = event = new Event();
    const others = [1, 2].map(() =>
      spawn(function* () {
        yield* own.wait();
      })
    );
    try {
      yield* own.wait(1);
      await own.wait(1);
      spawn(function* () {
        own.set();
      });
      yield* own.wait();
    } finally {
      cancelAll(others);
    }
  }, { invariant: () => assertEquals(event.statistics().waiting, 0) });
  assertEquals(checkpoints, 3);
});

law("A wait for an event that nobody sets is named in the deadlock report", async () => {
  await assertRejects(
    () =>
      run(function* () {
        yield* new Event("Never").wait();
      }),
    DeadlockError,
    "main (waiting on Never.wait())",
  );
});
