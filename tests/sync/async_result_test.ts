import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AsyncResult, cancelAll, run, sleep, spawn, TimeoutError, WouldBlock } from "@weft/weft";
import {
  assertCheckpoint,
  assertNoCheckpoint,
  sweepCancel,
  VirtualClock,
} from "@weft/weft/testing";
import { law } from "../lib/law.ts";

law(
  "AsyncResult.set() gives every waiter the value, longest first, and later ones at once",
  async () => {
    const got: unknown[] = [];
    await run(function* () {
      const result = new AsyncResult<number>();
      for (const name of ["a", "b"]) {
        spawn(async function* () {
          got.push(name, yield* result.get());
        });
      }
      spawn(function* () {
        got.push("w", yield* result.wait());
      });
      yield;
      assertEquals(result.statistics(), { state: "pending", waiting: 3 });
      assertEquals([result.ready, result.successful, result.value], [false, false, undefined]);
      result.set(7);
      assertEquals([result.ready, result.successful, result.value], [true, true, 7]);
      assertEquals([yield* result.get(), yield* result.wait(), result.tryGet()], [7, 7, 7]);
    });
    assertEquals(got, ["a", 7, "b", 7, "w", 7]);
  },
);

law("AsyncResult.setError() makes get() throw it, and wait() go on without a value", async () => {
  const error = new SyntaxError("no");
  await run(function* () {
    const result = new AsyncResult<number>();
    const getter = spawn(function* () {
      return yield* result.get();
    });
    const waiter = spawn(function* () {
      return yield* result.wait();
    });
    yield;
    result.setError(error);
    assertEquals([result.ready, result.successful, result.error], [true, false, error]);
    assertThrows(() => result.tryGet(), SyntaxError, "no");
    assertEquals(yield* result.wait(), undefined);
    assertEquals(yield* waiter.join(), undefined);
    yield* sleep(0);
    assertEquals(getter.error, error);
    try {
      yield* result.get();
      throw new Error("not thrown");
    } catch (thrown) {
      assertEquals(thrown, error);
    }
  });
});

law(
  "AsyncResult is set once: a second value, or an error after it, is refused and changes nothing",
  () => {
    const result = new AsyncResult<number>("Answer");
    assertThrows(() => result.tryGet(), WouldBlock, "it has not been set");
    result.set(1);
    assertThrows(() => result.set(2), Error, "Cannot set Answer again: it has a value");
    assertThrows(() => result.setError(new Error()), Error, "it has a value");
    assertEquals([result.value, result.error], [1, undefined]);
    const failed = new AsyncResult<number>("Answer");
    failed.setError(undefined);
    assertThrows(() => failed.set(2), Error, "it has an error");
    assertEquals(failed.statistics().state, "error");
  },
);

law("AsyncResult.get(ms) throws when the time is up, wait(ms) gives undefined", async () => {
  const clock = new VirtualClock();
  await run(function* () {
    const result = new AsyncResult<number>("Answer");
    assertEquals([yield* result.wait(5), result.ready, clock.now()], [undefined, false, 5]);
    const failed = spawn(function* () {
      return yield* result.get(5);
    });
    yield* sleep(6);
    assertEquals(failed.error instanceof TimeoutError, true);
    spawn(function* () {
      yield* sleep(4);
      result.set(3);
    });
    assertEquals([yield* result.get(5), yield* result.get(0), yield* result.wait(0)], [3, 3, 3]);
    assertThrows(() => result.get(NaN), RangeError, "NaN");
    assertThrows(() => result.wait(-1), RangeError, "-1");
  }, { clock });
});

law("AsyncResult.link() calls when it is set, at once if it has been, once each", () => {
  const calls: unknown[] = [];
  const result = new AsyncResult<number>();
  result.link((one) => calls.push("first", one.value));
  assertEquals(calls, []);
  result.set(1);
  result.link((one) => calls.push("late", one.value));
  assertEquals(calls, ["first", 1, "late", 1]);
});

law("AsyncResult may be set and awaited outside of tasks", async () => {
  const result = new AsyncResult<number>();
  setTimeout(() => result.set(5), 1);
  assertEquals(await result.get(), 5);
  const failed = new AsyncResult<number>();
  failed.setError(new SyntaxError("no"));
  await assertRejects(async () => await failed.get(), SyntaxError, "no");
});

law("AsyncResult.get() and wait() are checkpoints, the rest is none", async () => {
  await run(function* () {
    const result = new AsyncResult<number>();
    yield* assertNoCheckpoint(() => result.set(1));
    yield* assertNoCheckpoint(() => void result.tryGet());
    yield* assertCheckpoint(result.get());
    yield* assertCheckpoint(result.wait());
    yield* assertCheckpoint(result.get(1));
  });
});

law("Tasks that wait for AsyncResult, struck at every checkpoint, leave no waiter", async () => {
  let result = new AsyncResult<number>();
  const { checkpoints } = await sweepCancel(async function* () {
    const own = result = new AsyncResult<number>();
    const others = [own.get(), own.wait()].map((op) =>
      spawn(function* () {
        yield* op;
      })
    );
    try {
      yield* own.wait(1);
      spawn(function* () {
        own.set(1);
      });
      yield* own.get();
      await own.get();
    } finally {
      cancelAll(others);
    }
  }, { invariant: () => assertEquals(result.statistics().waiting, 0) });
  assertEquals(checkpoints, 3);
});
