/** A body that catches everything and goes on: it delays its own end, and harms nobody else. */
import { assert, assertEquals } from "@std/assert";
import { type Operation, Queue, run, sleep, spawn, type TaskBody } from "@weft/weft";
import { law } from "../lib/law.ts";

const TURNS = 20_000;

/** Loops over an operation that is refused each time, and over what another task can do meanwhile. */
async function othersTurns(
  body: (op: () => Operation<unknown>, count: () => boolean) => TaskBody<[], void>,
  op: () => Operation<unknown>,
): Promise<number> {
  let turns = 0;
  let others = 0;
  let rang = -1;
  await run(function* () {
    const stubborn = spawn(body(op, () => ++turns <= TURNS));
    spawn(function* () {
      while (turns < TURNS) {
        others++;
        yield;
      }
    });
    spawn(function* () {
      yield* sleep(1);
      rang = turns;
    });
    yield;
    stubborn.cancel();
  }, { warn: () => {} });
  assert(rang < TURNS, "the timer rang when all was over");
  return others;
}

const queue = new Queue<number>();
const operations: readonly (readonly [string, () => Operation<unknown>])[] = [
  ["get()", () => queue.get()],
  ["sleep()", () => sleep(60_000)],
];

for (const [name, op] of operations) {
  law(`a cancelled function* that catches at ${name} in a loop starves nobody`, async () => {
    const others = await othersTurns((op, more) =>
      function* () {
        while (more()) {
          try {
            yield* op();
          } catch {
            // It will not end.
          }
        }
      }, op);
    assert(others > TURNS / 100, `${others} turns`);
  });

  law(`a cancelled async function* that catches at ${name} in a loop starves nobody`, async () => {
    const others = await othersTurns((op, more) =>
      async function* () {
        while (more()) {
          try {
            yield* op();
          } catch {
            // It will not end.
          }
        }
      }, op);
    assert(others > TURNS / 100, `${others} turns`);
  });

  law(`a cancelled task that catches at await ${name} in a loop starves nobody`, async () => {
    const others = await othersTurns((op, more) =>
      async function* () {
        while (more()) {
          try {
            await op();
          } catch {
            // It will not end.
          }
        }
      }, op);
    assert(others > TURNS / 100, `${others} turns`);
  });
}

law("a function* that yields nonsense and catches the error in a loop starves nobody", async () => {
  let turns = 0;
  let others = 0;
  await run(function* () {
    spawn(function* () {
      while (++turns <= TURNS) {
        try {
          yield 5;
        } catch (error) {
          assertEquals((error as Error).name, "TypeError");
        }
      }
    });
    while (turns < TURNS) {
      others++;
      yield;
    }
  });
  assert(others > TURNS / 100, `${others} turns`);
});
