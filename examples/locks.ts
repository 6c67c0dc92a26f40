/**
 * What tasks wait for one another with: lock, rlock, semaphore, event, condition; and a deadlock, which
 * is not a silent hang. Watch the last part: two tasks take two locks in opposite orders. weft says so
 * when the circle closes, and when nothing else is left to do, the run fails with a report of who waits
 * where for whom.
 *
 *     deno run examples/locks.ts
 */
import {
  Condition,
  DeadlockError,
  Event,
  Lock,
  RLock,
  run,
  Semaphore,
  sleep,
  spawn,
} from "@weft/weft";
import { readArgs } from "./lib/cli.ts";

readArgs(
  "Lock, rlock, semaphore, event, condition; a deadlock and its report.\n\n  deno run examples/locks.ts",
);

console.log("Lock: one at a time, in the order in which they came");
await run(async function* () {
  const lock = new Lock("printer");
  for (const name of ["Ann", "Bob", "Cleo"]) {
    spawn(async function* () {
      using _ = yield* lock.acquire();
      console.log(`  ${name} prints; ${lock.statistics().waiting} wait`);
      yield* sleep(1);
    });
  }
});

console.log("RLock: its holder may take it again");
await run(async function* () {
  const lock = new RLock("tree");
  const visit = async function* (depth: number): AsyncGenerator<unknown, number> {
    using _ = yield* lock.acquire();
    return depth === 0 ? 1 : 1 + (yield* visit(depth - 1));
  };
  console.log(`  taken ${yield* visit(3)} times, now ${lock.locked ? "held" : "free"}`);
});

console.log("Semaphore: so many at a time");
await run(async function* () {
  const seats = new Semaphore(2, "bath");
  let inside = 0;
  let most = 0;
  for (let guest = 0; guest < 6; guest++) {
    spawn(async function* () {
      using _ = yield* seats.acquire();
      most = Math.max(most, ++inside);
      yield* sleep(1);
      inside--;
    });
  }
  yield* sleep(20);
  console.log(`  6 guests, never more than ${most} inside`);
});

console.log("Event: everybody waits for one signal");
await run(async function* () {
  const light = new Event("light");
  for (const car of [1, 2, 3]) {
    spawn(async function* () {
      yield* light.wait();
      console.log(`  car ${car} goes`);
    });
  }
  yield* sleep(1);
  console.log("  green");
  light.set();
});

console.log("Condition: wait until something is true, and look at it under the lock");
await run(async function* () {
  const condition = new Condition();
  let buns = 0;
  spawn(async function* () {
    using _ = yield* condition.acquire();
    yield* condition.waitFor(() => buns >= 3);
    console.log(`  the hungry one takes ${buns} buns`);
  });
  while (buns < 3) {
    yield* sleep(1);
    using _ = yield* condition.acquire();
    buns++;
    condition.notify();
  }
});

console.log("Deadlock: opposite orders");
try {
  await run(
    async function* () {
      const [salt, pepper] = [new Lock("salt"), new Lock("pepper")];
      const cook = async function* (first: Lock, second: Lock) {
        using _a = yield* first.acquire();
        yield* sleep(1);
        using _b = yield* second.acquire();
      };
      spawn(cook, salt, pepper).name = "Ann";
      spawn(cook, pepper, salt).name = "Bob";
      yield* sleep(5);
      console.log("  (the main task still had work)");
    },
    { sites: true, warn: (report) => console.log(indented("at once", report)) },
  );
} catch (error) {
  if (!(error instanceof DeadlockError)) throw error;
  console.log(indented("in the end", error.message));
}

/** A report as it is printed here: places shortened to file and line. */
function indented(when: string, report: string): string {
  const text = report.replaceAll(/file:\S*\/(\w+\.ts)/g, "$1");
  return `  ${when}: ${text.replaceAll("\n", "\n    ")}`;
}
