/**
 * A cancel that the language has wrapped is still that cancel, and an error beside it is still an error.
 */
import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import {
  Cancelled,
  group,
  GroupError,
  moveOnAfter,
  race,
  run,
  shield,
  sleep,
  spawn,
  TimeoutError,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

const clocked = <T>(body: () => AsyncGenerator<unknown, T, never>): Promise<T> =>
  run(body, { clock: new VirtualClock() });

/** A resource whose disposer waits, and so is cancelled when its scope is. */
const slow = { [Symbol.asyncDispose]: () => sleep(1) as PromiseLike<void> };
/** A resource whose disposer fails. */
const broken = {
  [Symbol.asyncDispose]: () => Promise.reject(new Error("disposer")),
};

/** Bodies that come out of a cancel with a wrap of nothing but cancels. */
const WRAPPING: Record<string, () => AsyncGenerator<unknown, unknown, undefined>> = {
  async *"await using"() {
    await using _a = slow;
    yield* sleep(1000);
  },
  async *"three times await using"() {
    await using _a = slow;
    await using _b = slow;
    await using _c = slow;
    await sleep(1000);
  },
  async *"Promise.any"() {
    await Promise.any([sleep(1000), sleep(2000)]);
  },
  async *"Promise.any under await using"() {
    await using _a = slow;
    await Promise.any([sleep(1000), sleep(2000)]);
  },
  async *"a DisposableStack"() {
    const stack = new AsyncDisposableStack();
    stack.defer(() => sleep(1) as PromiseLike<void>);
    stack.defer(() => sleep(1) as PromiseLike<void>);
    await using _stack = stack;
    yield sleep(1000);
  },
};

for (const [how, body] of Object.entries(WRAPPING)) {
  law(`moveOnAfter, withTimeout and join know their cancel: ${how}`, async () => {
    await clocked(async function* () {
      assertEquals(yield* moveOnAfter(5, body), undefined);
      try {
        yield* withTimeout(5, body);
        throw new Error("it ended in time");
      } catch (error) {
        assertInstanceOf(error, TimeoutError);
      }
      const task = spawn(body);
      yield* sleep(1);
      task.cancel("enough");
      assertEquals(yield* task.join(), undefined);
      assertEquals(task.cancelled, true);
      assertInstanceOf(task.error, Cancelled);
      assertEquals(task.error.reason, "enough");
    });
  });

  law(`races, groups and runs know their cancel: ${how}`, async () => {
    await clocked(async function* () {
      const first = yield* race([body, async function* () {
        return "first";
      }]);
      assertEquals(first, "first");
      const boom = new Error("boom");
      const failed = async function* () {
        yield* group(async function* (g) {
          g.spawn(body);
          g.spawn(async function* () {
            throw boom;
          });
          yield* body();
        });
      };
      try {
        yield* failed();
      } catch (error) {
        assertInstanceOf(error, GroupError);
        assertEquals(error.errors, [boom]);
      }
      assertEquals(
        yield* moveOnAfter(5, async function* () {
          yield* group(async function* (g) {
            g.spawn(body);
            yield* body();
          });
        }),
        undefined,
      );
      spawn(body).daemon = true; // cancelled by the end of the run
    });
  });
}

law("a cancel inside a fast body's async part is known, too", async () => {
  await run(function* () {
    assertEquals(yield* moveOnAfter(1, WRAPPING["await using"]!), undefined);
    const task = spawn(function* () {
      yield* withTimeout(1000, WRAPPING["Promise.any"]!);
    });
    yield;
    task.cancel();
    yield* task.join();
    assertEquals(task.cancelled, true);
  });
});

law("an error beside a cancel surfaces alone, whichever came first", async () => {
  const boom = new Error("boom");
  const bodies = {
    disposer: async function* () {
      await using _broken = broken;
      yield* sleep(1000);
    },
    body: async function* () {
      await using _slow = slow;
      try {
        yield* sleep(1000);
      } catch {
        throw boom;
      }
    },
    any: async function* () {
      await Promise.any([sleep(1000), Promise.reject(boom)]);
    },
  };
  for (const [name, body] of Object.entries(bodies)) {
    const message = name === "disposer" ? "disposer" : "boom";
    await assertRejects(
      () =>
        clocked(async function* () {
          yield* moveOnAfter(5, body);
        }),
      Error,
      message,
    );
    const error = await clocked(async function* () {
      const task = spawn(body);
      yield* sleep(1);
      task.cancel();
      yield* task.join();
    }).then(() => undefined, (error) => error);
    assertEquals((error as Error).message, message, name);
  }
});

law("several errors beside a cancel stay in their wrap", async () => {
  const [a, b] = [new Error("a"), new Error("b")];
  const error = await clocked(async function* () {
    yield* moveOnAfter(5, async function* () {
      await using stack = new AsyncDisposableStack();
      stack.defer(() => Promise.reject(b));
      stack.defer(() => Promise.reject(a));
      yield* sleep(1000);
    });
  }).then(() => undefined, (error) => error);
  assertInstanceOf(error, SuppressedError);
  assertStrictEquals(error.error, b);
  assertStrictEquals(error.suppressed, a);
});

law("an outer cancel passes an inner deadline whose cancel it joined", async () => {
  const log: string[] = [];
  const result = await clocked(async function* () {
    return yield* moveOnAfter(10, async function* () {
      yield* moveOnAfter(5, async function* () {
        await using stack = new AsyncDisposableStack();
        stack.defer(() => sleep(1) as PromiseLike<void>);
        stack.defer(() => shield(sleep(20)) as PromiseLike<void>);
        yield* sleep(1000);
      });
      log.push("inner went on");
      return "inner";
    });
  });
  assertEquals(result, undefined);
  assertEquals(log, []);
});

law("an error that names a cancel as its cause, or holds itself, is an error", async () => {
  await assertRejects(
    () =>
      clocked(async function* () {
        yield* moveOnAfter(1, async function* () {
          try {
            yield* sleep(10);
          } catch (error) {
            throw new Error("mine", { cause: error });
          }
        });
      }),
    Error,
    "mine",
  );
  const self = new AggregateError([1], "self");
  self.errors.push(self);
  const error = await clocked(async function* () {
    yield* moveOnAfter(1, async function* () {
      throw self;
    });
  }).then(() => undefined, (error) => error);
  assertStrictEquals(error, self);
});

law("ten thousand disposers that are all cancelled leave one cancel", async () => {
  await clocked(async function* () {
    const done = yield* moveOnAfter(1, async function* () {
      await using stack = new AsyncDisposableStack();
      for (let i = 0; i < 10_000; i++) stack.defer(() => sleep(1) as PromiseLike<void>);
      yield* sleep(10);
    });
    assertEquals(done, undefined);
  });
});
