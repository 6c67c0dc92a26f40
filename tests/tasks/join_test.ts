import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  asCompleted,
  cancelAll,
  type Cancelled,
  joinAll,
  moveOnAfter,
  now,
  run,
  shield,
  sleep,
  spawn,
  type Task,
  TimeoutError,
  waitFirst,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { nap, thrown, virtually } from "../lib/virtual.ts";

law("joinAll() gives the tasks in the order of their ends, as many as asked for", async () => {
  await virtually(async function* () {
    const tasks = [spawn(nap, 5, "a"), spawn(nap, 1, "b"), spawn(nap, 9, "c")];
    const first = yield* joinAll(tasks, { count: 2 });
    assertEquals(first.map((task) => task.value), ["b", "a"]);
    assertEquals((yield* joinAll(tasks)).length, 3);
    assertThrows(() => joinAll(tasks, { count: -1 }), RangeError, "-1");
  });
});

law("joinAll() gives up at its timeout without an error, and leaves the tasks alone", async () => {
  await virtually(async function* () {
    const tasks = [spawn(nap, 5, "a"), spawn(nap, 1, "b")];
    assertEquals((yield* joinAll(tasks, { timeout: 2 })).map((t) => t.value), ["b"]);
    assertEquals(yield* tasks[0]!.get(), "a");
  });
});

law(
  "joinAll() throws a failure by default, all that have come by then, and none when told",
  async () => {
    const fail = async function* (text: string) {
      throw new Error(text);
    };
    await virtually(async function* () {
      const both = [spawn(fail, "x"), spawn(fail, "y")];
      const error = yield* thrown(joinAll(both));
      assertInstanceOf(error, AggregateError);
      assertEquals(error.errors.length, 2);
      const quiet = yield* joinAll([spawn(fail, "z")], { raiseError: false });
      assertEquals((quiet[0]!.error as Error).message, "z");
    });
  },
);

law("asCompleted() gives out each task once, fastest first, in either lane", async () => {
  await virtually(async function* () {
    const make = () => [spawn(nap, 5, 5), spawn(nap, 1, 1), spawn(nap, 3, 3)];
    const slow: unknown[] = [];
    for await (const task of asCompleted(make())) slow.push(task.value);
    assertEquals(slow, [1, 3, 5]);
    const fast = yield* spawn(function* () {
      const values: unknown[] = [];
      for (const next of asCompleted(make())) values.push((yield* next).value);
      return values;
    });
    assertEquals(fast, [1, 3, 5]);
  });
});

law("cancelAll() cancels now, and its operation waits until all have ended", async () => {
  await virtually(async function* () {
    const body = async function* () {
      try {
        yield* sleep(1e6);
      } finally {
        yield* shield(sleep(3));
      }
    };
    const tasks: Task[] = [spawn(body), spawn(body)];
    yield* sleep(1);
    yield* cancelAll(tasks, "enough");
    assert(tasks.every((task) => task.cancelled && (task.error as Cancelled).reason === "enough"));
    cancelAll(tasks); // ended tasks are left alone, and nobody has to wait
  });
});

const work = async function* (ms: number) {
  yield* sleep(ms);
  if (ms % 10 === 3) throw new Error(`bad ${ms}`);
  return ms;
};

law("asCompleted({ timeout }) throws when the time is up, and cancels nobody", async () => {
  await virtually(async function* () {
    const tasks = [spawn(work, 1), spawn(work, 50), spawn(work, 2)];
    const seen: unknown[] = [];
    await assertRejects(async () => {
      for await (const task of asCompleted(tasks, { timeout: 10 })) seen.push(task.value);
    }, TimeoutError);
    assertEquals([seen, now(), tasks[1]!.done], [[1, 2], 10, false]);
  });
});

law("What gives up waiting leaves nothing on a task that lives long", async () => {
  await virtually(async function* () {
    const long = spawn(work, 10_000);
    const watched = new Set<unknown>();
    const { watch, unlink } = long;
    long.watch = (fn) => {
      watched.add(fn);
      watch.call(long, fn);
    };
    long.unlink = (fn) => {
      watched.delete(fn);
      unlink.call(long, fn);
    };
    for (let i = 0; i < 50; i++) {
      yield* waitFirst([long, spawn(work, 0)]);
      yield* joinAll([long], { timeout: 1 });
      for await (const _ of asCompleted([long, spawn(work, 0)])) break;
      for (const next of asCompleted([long, spawn(work, 0)])) {
        yield* next;
        break;
      }
    }
    assertEquals(watched.size, 0);
    yield* long.cancel();
  });
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
