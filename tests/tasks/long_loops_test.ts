/** What a loop does over and over leaves nothing behind; above all, waiting for one and the same promise. */
import { assert, assertEquals } from "@std/assert";
import { all, moveOnAfter, race, run, sleep, wait, withTimeout } from "@weft/weft";
import { law } from "../lib/law.ts";
import { combinatorLoops, leftBehind, promiseLoops } from "../lib/long_loops.ts";

const TURNS = 500;
const BYTES_A_TURN = 200;

// The sweep has more turns, and every loop in both lanes.
for (
  const { lane, loops } of [
    { lane: "fast", loops: promiseLoops },
    { lane: "async", loops: promiseLoops },
    { lane: "async", loops: combinatorLoops },
  ] as const
) {
  const names = loops.map(({ name }) => name).join("; ");
  law(`no loop leaves anything behind (${lane} lane): ${names}`, async () => {
    // All of them together leave less than one may. To collect garbage takes longer than a loop.
    for (let look = 0; look < 2; look++) { // the code itself takes some, once, as it gets hot
      if (await leftBehind(loops, lane, TURNS) / TURNS < BYTES_A_TURN) return;
    }
    for (const loop of loops) {
      const each = await leftBehind([loop], lane, TURNS) / TURNS;
      assert(each < BYTES_A_TURN, `${each} bytes a turn of ${loop.name}`);
    }
  }, 60_000);
}

law(
  "those who wait for one promise go on in the order in which they came, those who left do not",
  async () => {
    const order: number[] = [];
    const { promise, resolve } = Promise.withResolvers<string>();
    await run(function* () {
      yield* all([
        ...[0, 1, 2, 3].map((i) =>
          function* () {
            if (i === 1) yield* moveOnAfter(0, promise);
            else assertEquals(yield* wait(promise), "value");
            order.push(i);
          }
        ),
        function* () {
          while (order.length === 0) yield* sleep(0);
          resolve("value");
        },
      ]);
    });
    assertEquals(order, [1, 0, 2, 3]);
  },
);

law(
  "a promise that was left in a loop and rejects late ends no process, and its next waiter gets the error",
  async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    await run(function* () {
      for (let i = 0; i < 3; i++) yield* race([promise, Promise.resolve(i)]);
      reject(new Error("late"));
      yield* wait(new Promise((resolve) => setTimeout(resolve, 1)));
      try {
        yield* withTimeout(1000, promise);
      } catch (error) {
        assertEquals((error as Error).message, "late");
        return;
      }
      throw new Error("no error");
    });
  },
);

law("each wait for something with a `then` of its own calls it", async () => {
  let calls = 0;
  const thenable: PromiseLike<number> = {
    then(onValue) {
      onValue!(++calls);
      return this as never;
    },
  };
  const seen = await run(function* () {
    return [yield* wait(thenable), yield* wait(thenable)];
  });
  assertEquals(seen, [1, 2]);
});
