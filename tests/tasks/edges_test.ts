/** Where a task's code meets plain async code: stacks, locals side by side, an iterator that is asked again. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  asCompleted,
  AsyncResult,
  Condition,
  createLocal,
  group,
  moveOnAfter,
  run,
  sleep,
  spawn,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

law("TimeoutError and GroupError of an async body name the line that asked", async () => {
  await run(async function* () {
    const child = spawn(function* () {
      yield* sleep(1000);
    });
    const calls = {
      withTimeout: () => withTimeout(1, sleep(1000)),
      get: () => child.get(1),
      result: () => new AsyncResult<number>().get(1),
      group: () =>
        group(async function* () {
          throw new Error("boom");
        }),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const way of ["yield*", "await"]) {
        let stack = "";
        try {
          if (way === "await") await call();
          else yield* call();
        } catch (error) {
          stack = (error as Error).stack!;
        }
        assertStringIncludes(stack.split("\n    at ")[1]!, "edges_test.ts", `${name}, ${way}`);
      }
    }
    child.cancel();
  });
});

law("Two local.with() side by side in one task each see their own value", async () => {
  const id = createLocal("none");
  await run(async function* () {
    const seen: string[] = [];
    const part = (name: string, ms: number) =>
      id.with(name, async function* () {
        yield* sleep(ms);
        seen.push(`${name} ${id.get()}`);
        id.set(`${name}!`);
        const child = spawn(function* () {
          return id.get();
        });
        seen.push(`${name} child ${yield* child}`);
        await Promise.resolve();
        seen.push(`${name} ${id.get()}`);
      });
    await Promise.all([part("a", 3), part("b", 1), part("c", 2)]);
    assertEquals(id.get(), "none");
    const of = (name: string) => seen.filter((one) => one.startsWith(name));
    for (const name of ["a", "b", "c"]) {
      assertEquals(of(name), [`${name} ${name}`, `${name} child ${name}!`, `${name} ${name}!`]);
    }
    id.set("task");
    assertEquals(
      yield* id.with("outer", () =>
        id.with("inner", function* () {
          return id.get();
        }) as never),
      "inner",
    );
    assertEquals(id.get(), "task");
  }, { clock: new VirtualClock() });
});

law("An iterator of asCompleted() that was cancelled goes on with all that is left", async () => {
  await run(async function* () {
    const nap = async function* (ms: number) {
      yield* sleep(ms);
      return ms;
    };
    const tasks = [30, 10, 20].map((ms) => spawn(nap, ms));
    const iterator = asCompleted(tasks)[Symbol.asyncIterator]();
    const got: unknown[] = [];
    for (let asked = 0; got.length < 3; asked++) {
      const step = yield* moveOnAfter(4, async function* () {
        return [await iterator.next()];
      });
      if (step !== undefined) got.push(step[0]!.value!.value);
      if (asked > 20) throw new Error("never");
    }
    assertEquals(got, [10, 20, 30]);
    assertEquals((await iterator.next()).done, true);
  }, { clock: new VirtualClock() });
});

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
