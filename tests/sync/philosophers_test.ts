/** Five philosophers, five forks, as Dijkstra has them. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DeadlockError, Lock, run, Semaphore, sleep, spawn } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

type Fork = Lock | Semaphore;

const NAMES = ["Plato", "Kant", "Hume", "Marx", "Laozi"];
const MEALS = 20;

/** They dine; `left` says which fork a philosopher takes first. Returns how many meals there were. */
async function dine(
  forks: readonly Fork[],
  first: (seat: number) => 0 | 1,
  options: { seed?: number; warn?: (message: string) => void } = {},
): Promise<number> {
  let meals = 0;
  await run(function* () {
    for (const [seat, name] of NAMES.entries()) {
      const own = [forks[seat]!, forks[(seat + 1) % NAMES.length]!];
      const philosopher = spawn(seat % 2 === 0 ? eat : eatAsync, own, first(seat));
      philosopher.name = name;
    }
  }, { clock: new VirtualClock(), warn: () => {}, ...options });
  return meals;

  function* eat(own: Fork[], side: 0 | 1): Generator<unknown, void, never> {
    for (let meal = 0; meal < MEALS; meal++) {
      using _first = yield* own[side]!.acquire();
      yield* sleep(1);
      using _second = yield* own[1 - side]!.acquire();
      yield* sleep(1);
      meals++;
    }
  }

  async function* eatAsync(own: Fork[], side: 0 | 1): AsyncGenerator<unknown, void, never> {
    for (let meal = 0; meal < MEALS; meal++) {
      using _first = yield* own[side]!.acquire();
      yield* sleep(1);
      using _second = yield* own[1 - side]!.acquire();
      yield* sleep(1);
      meals++;
    }
  }
}

const kinds: Record<string, (name: string) => Fork> = {
  locks: (name) => new Lock(name),
  semaphores: (name) => new Semaphore(1, name),
};

for (const [kind, fork] of Object.entries(kinds)) {
  const lay = (): Fork[] => NAMES.map((_, i) => fork(`fork ${i}`));

  law(
    `Philosophers with ${kind} who all reach left first: the report has the cycle of five by name`,
    async () => {
      const error = await assertRejects(() => dine(lay(), () => 0), DeadlockError);
      assertEquals(error.cycles.length, 1);
      const cycle = error.cycles[0]!;
      const start = cycle.indexOf("Plato");
      assertEquals([...cycle.slice(start), ...cycle.slice(0, start)], NAMES);
      for (const [seat, name] of NAMES.entries()) {
        const next = (seat + 1) % NAMES.length;
        assertStringIncludes(
          error.message,
          `${name} waits fork ${next}.acquire() held by ${NAMES[next]}`,
        );
      }
    },
  );

  law(
    `Philosophers with ${kind}, one of whom reaches right first, all eat their fill`,
    async () => {
      for (let seed = 0; seed < 50; seed++) {
        const meals = await dine(lay(), (seat) => seat === 0 ? 1 : 0, { seed });
        assertEquals(meals, NAMES.length * MEALS);
      }
    },
  );
}

law("Philosophers with locks are warned at the fifth fork, while other work goes on", async () => {
  const warnings: string[] = [];
  await assertRejects(
    () =>
      dine(NAMES.map((_, i) => new Lock(`fork ${i}`)), () => 0, {
        warn: (text) => warnings.push(text),
      }),
    DeadlockError,
  );
  assertEquals(warnings.length, 1);
  for (const name of NAMES) assertStringIncludes(warnings[0]!, `${name} waits fork`);
});
