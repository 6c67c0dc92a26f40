/** Calls in workers without a pool of one's own. */
import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  all,
  Cancelled,
  moveOnAfter,
  type Operation,
  race,
  run,
  sleep,
  spawn,
  WorkerCrashedError,
} from "@weft/weft";
import { heldResources } from "../../src/kernel/resource.ts";
import { inWorker } from "../../src/parallel/pool/in_worker.ts";
import { runProgram } from "../lib/child.ts";
import { law, lawInBothLanes } from "../lib/law.ts";
import { claim, type Same } from "../types/claims.ts";
import { fibsInWorkers } from "./fixtures/nested.ts";
import { addSlowly, cleanUp } from "./fixtures/tasks.ts";
import {
  add,
  countCalls,
  exitWorker,
  fib,
  nap,
  spinUntilCancelled,
  throwFull,
} from "./fixtures/work.ts";

/** Two shared words that a job sets. */
function flags(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** Resolves once a shared word is set. */
async function isSet(words: Int32Array, index: number): Promise<void> {
  while (Atomics.load(words, index) === 0) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves once the process's own workers have gone. */
async function areGone(): Promise<void> {
  while (heldResources().some((one) => String(one) === "inWorker")) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

lawInBothLanes("inWorker() waits for what a job function comes to", {
  fast: () =>
    run(function* () {
      assertEquals(yield* inWorker(add, 1, 2), 3);
      assertEquals(yield* all([inWorker(fib, 10), inWorker(addSlowly, 1, 1, 1)]), [55, 2]);
    }),
  async: () =>
    run(async function* () {
      assertEquals(yield* inWorker(add, 1, 2), 3);
      assertEquals([await inWorker(fib, 10), yield inWorker(fib, 11)], [55, 89]);
      assertEquals(await Promise.all([inWorker(fib, 3), inWorker(fib, 4)]), [2, 3]);
    }),
});

law("inWorker() throws what the function throws, and what became of its worker", async () => {
  await run(function* () {
    for (
      const [call, type] of [[() => inWorker(throwFull, "x"), RangeError], [
        () => inWorker(exitWorker),
        WorkerCrashedError,
      ]] as const
    ) {
      let caught: unknown;
      try {
        yield* call() as Operation<unknown>;
      } catch (error) {
        caught = error;
      }
      assertInstanceOf(caught, type as typeof Error);
    }
    assertEquals(yield* inWorker(add, 2, 2), 4);
  });
});

law("A cancelled task takes its call along", async () => {
  const words = flags();
  const cleaned = flags();
  await run(async function* () {
    yield* inWorker(add, 1, 1);
    const spinning = spawn(function* () {
      yield* inWorker(spinUntilCancelled, words);
    });
    const cleaning = spawn(function* () {
      yield* inWorker(cleanUp, cleaned, 1);
    });
    await Promise.all([isSet(words, 0), isSet(cleaned, 0)]);
    spinning.cancel();
    cleaning.cancel();
    yield* spinning.join();
    yield* cleaning.join();
    assertEquals([spinning.cancelled, cleaning.cancelled], [true, true]);
    await Promise.all([isSet(words, 1), isSet(cleaned, 1)]);
    assertEquals(yield* moveOnAfter(5, inWorker(nap, 5000)), undefined);
    assertEquals(yield* race([inWorker(nap, 5000), sleep(1)]), undefined);
  });
});

law("A call whose wait was cancelled before it began never begins", async () => {
  await run(async function* () {
    const task = spawn(function* () {
      yield* inWorker(countCalls);
    });
    task.cancel();
    yield* task.join();
    assertEquals(yield* inWorker(countCalls), 1);
  });
});

law("The calls of a run share its workers, which end with it", async () => {
  await run(async function* () {
    const calls = yield* all(Array.from({ length: 50 }, () => inWorker(countCalls)));
    assertEquals(calls.reduce((a, b) => a + b) > 50, true);
  });
  assertEquals(heldResources().filter((one) => String(one) === "inWorker"), []);
  await run(async function* () {
    assertEquals(yield* inWorker(countCalls), 1);
  });
});

law(
  "A run that fails or is cancelled with a call under way ends, and leaves no worker",
  async () => {
    await assertRejects(
      () =>
        run(async function* () {
          spawn(function* () {
            yield* inWorker(nap, 60_000);
          });
          yield* inWorker(add, 1, 1);
          throw new Error("enough");
        }),
      Error,
      "enough",
    );
    const controller = new AbortController();
    const running = run(function* () {
      yield* inWorker(nap, 60_000);
    }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 30);
    await assertRejects(() => running, Cancelled);
  },
);

law(
  "`await inWorker()` in plain code shares workers, which go when there is nothing to do",
  async () => {
    try {
      const both = await Promise.all([inWorker(fib, 10), inWorker(addSlowly, 1, 1, 1)]);
      assertEquals(both, [55, 2]);
      const error = await assertRejects(
        async () => await inWorker(throwFull, "outside"),
        RangeError,
      );
      assertEquals(error.message, "outside");
      await areGone();
      assertEquals(await inWorker(countCalls), 1);
    } finally {
      await areGone();
    }
  },
);

law("A task in a worker may call in workers of its own", async () => {
  await run(function* () {
    assertEquals(yield* inWorker(fibsInWorkers, [10, 11, 12]), [55, 89, 144]);
  });
});

law("A process ends by itself although its shared workers are still there", async () => {
  const ended = await runProgram(`
    import "@weft/weft";
    import { inWorker } from "./src/parallel/pool/in_worker.ts";
    import { add } from "./tests/parallel/fixtures/work.ts";
    console.log(await inWorker(add, 1, 2));
  `);
  assertEquals(ended, { code: 0, stdout: "3", stderr: "" });
});

law("inWorker() refuses a plain function at once, and checks types", () => {
  assertThrows(
    () => inWorker((() => 1) as unknown as typeof fib, 1),
    TypeError,
    "jobs(import.meta",
  );
  const check = (): void => {
    const sum = inWorker(add, 1, 2);
    claim<Same<typeof sum, Operation<number>>>();
    const slow = inWorker(addSlowly, 1, 2, 3);
    claim<Same<typeof slow, Operation<number>>>();
    // @ts-expect-error an argument is missing
    inWorker(add, 1);
    // @ts-expect-error a plain function has no address
    inWorker((n: number) => n, 1);
  };
  assertEquals(typeof check, "function");
});
