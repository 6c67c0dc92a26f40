/** Callbacks for the end of something: in order, forgotten in no time, and nothing left of them. */
import { assert, assertEquals } from "@std/assert";
import {
  AsyncResult,
  Event,
  joinAll,
  Queue,
  race,
  run,
  shield,
  sleep,
  spawn,
  waitFirst,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { costOf } from "../lib/cpu_time.ts";
import { growthOf } from "../lib/heap.ts";
import { law } from "../lib/law.ts";

/** Something that links can be made to, and its end. */
interface Linked {
  link(fn: () => void): void;
  unlink(fn: () => void): void;
  end(): void;
}

function* both(): Generator<unknown, Linked[], unknown> {
  const result = new AsyncResult<number>();
  const gate = new Event();
  const task = spawn(function* () {
    yield* gate.wait();
  });
  yield;
  return [
    {
      link: (fn) => result.link(fn),
      unlink: (fn) => result.unlink(fn),
      end: () => result.set(1),
    },
    { link: (fn) => task.link(fn), unlink: (fn) => task.unlink(fn), end: () => gate.set() },
  ];
}

law(
  "Links are called in the order of their making, whichever of them were taken back",
  async () => {
    await run(function* () {
      for (const one of yield* both()) {
        const called: number[] = [];
        const fns = Array.from({ length: 200 }, (_, i) => () => void called.push(i));
        for (const fn of [...fns, ...fns]) one.link(fn);
        for (const [i, fn] of fns.entries()) if (i % 3 !== 0) one.unlink(fn);
        one.link(fns[1]!);
        one.unlink(() => {});
        one.end();
        yield* sleep(1);
        const left = fns.flatMap((_, i) => i % 3 === 0 ? [i] : []);
        assertEquals(called, [...left, ...left, 1]);
      }
    }, { clock: new VirtualClock() });
  },
);

law("A link taken back by another link is not called; one made by a link is", async () => {
  await run(function* () {
    for (const one of yield* both()) {
      const called: string[] = [];
      const late = () => void called.push("late");
      one.link(() => {
        called.push("first");
        one.unlink(late);
        one.link(() => void called.push("made"));
      });
      one.link(late);
      one.link(() => void called.push("last"));
      one.end();
      yield* sleep(1);
      assertEquals(called, ["first", "made", "last"]);
    }
  }, { clock: new VirtualClock() });
});

law("To link and unlink costs the same among many links as among few", async () => {
  await run(function* () {
    for (const one of yield* both()) {
      const fns = Array.from({ length: 40_000 }, () => () => {});
      // A look through all at each would take minutes, which the law's time limit ends.
      for (const fn of fns) one.link(fn);
      for (const fn of fns) one.unlink(fn);
      for (const fn of fns) one.link(fn);
      for (const fn of fns.reverse()) one.unlink(fn);
      one.end();
    }
  });
});

law("Many who wait for the first of the same tasks do not look through one another", async () => {
  const waiting = (count: number) =>
    run(function* () {
      const long = spawn(function* () {
        yield* sleep(100_000);
      });
      const waiters = Array.from({ length: count }, () =>
        spawn(function* () {
          yield* waitFirst([
            spawn(function* () {
              yield;
            }),
            long,
          ]);
        }));
      yield* joinAll(waiters);
      long.cancel();
    }, { clock: new VirtualClock() });
  const few = await costOf(() => waiting(2000));
  const many = await costOf(() => waiting(8000));
  assert(many < 10 * few + 100, `${few} ms for 2000, ${many} ms for 8000`); // a square would be 16 times
}, 60_000);

law(
  "Who waits for the end of a task it cancelled, and gives up, leaves nothing on it",
  async () => {
    await run(async function* () {
      const gate = new Event();
      const ready = new Queue<number>();
      const stubborn = spawn(function* () {
        yield* shield(gate.wait());
      });
      yield;
      const tries = function* (): Generator<unknown, void, unknown> {
        for (let i = 0; i < 2500; i++) {
          for (const ends of [stubborn.cancel(), waitFirst([stubborn]), stubborn.join()]) {
            ready.tryPut(i);
            yield* race([ends, ready.get()]);
          }
        }
      };
      yield* tries();
      const grown = await growthOf(() => spawn(tries).get());
      assert(grown < 200_000, `${grown} bytes`);
      gate.set();
    });
  },
);
