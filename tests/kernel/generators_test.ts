/** How a generator is driven must not show: one that somebody has changed is asked by its own `next`. */
import { assertEquals } from "@std/assert";
import { all, run, sleep, spawn, withTimeout } from "@weft/weft";
import { law } from "../lib/law.ts";

/** Counts how often `next` is called on an object. */
function counted<G extends { next(...args: never[]): unknown }>(generator: G): [G, () => number] {
  let count = 0;
  const { next } = generator;
  generator.next = function (this: G, ...args: never[]): unknown {
    count++;
    return next.apply(generator, args);
  };
  return [generator, () => count];
}

law("A generator with a next of its own is driven by that", async () => {
  const [fast, fastCalls] = counted((function* () {
    yield;
    yield* sleep(1);
    return 1;
  })());
  const [slow, slowCalls] = counted((async function* () {
    yield;
    yield* sleep(1);
    return 2;
  })());
  const got = await run(async function* () {
    return yield* all([fast, slow]);
  });
  assertEquals(got, [1, 2]);
  assertEquals([fastCalls() >= 3, slowCalls() >= 2], [true, true]);
});

law("So is the body whose prototype was given one, and an iterator of the user's own", async () => {
  let calls = 0;
  const body = function* (): Generator<unknown, number, never> {
    yield;
    return 3;
  };
  const inherited = Object.getPrototypeOf(body.prototype).next;
  body.prototype.next = function (this: unknown, input: unknown): unknown {
    calls++;
    return inherited.call(this, input);
  };
  let left = 3;
  const iterator = {
    next: (): IteratorResult<unknown, string> =>
      left-- > 0 ? { done: false, value: undefined } : { done: true, value: "own" },
    [Symbol.iterator]() {
      return this;
    },
  };
  const got = await run(function* () {
    const task = spawn(body);
    const own = yield* withTimeout(1000, iterator as never);
    return [yield* task.get(), own];
  });
  assertEquals(got, [3, "own"]);
  assertEquals(calls, 2);
});

law("An error is thrown into the one that waits, whatever its throw is", async () => {
  const log: string[] = [];
  const body = function* (): Generator<unknown, void, never> {
    try {
      yield* sleep(1000);
    } finally {
      log.push("clean");
    }
  };
  const inherited = Object.getPrototypeOf(body.prototype).throw;
  body.prototype.throw = function (this: unknown, error: unknown): unknown {
    log.push("its own throw");
    return inherited.call(this, error);
  };
  await run(function* () {
    const task = spawn(body);
    yield;
    yield* task.cancel();
  });
  assertEquals(log, ["its own throw", "clean"]);
});
