/** Processes that throw what they like, and say what no process says. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { WorkerProcess } from "@weft/weft";
import { messages, targets, ways } from "../parallel/fixtures/process_thrown.ts";
import { type Thrown, thrown } from "../parallel/fixtures/thrown.ts";
import { law } from "./law.ts";

/** So many processes at a time. */
const AT_ONCE = 5;

async function each<T>(all: readonly T[], work: (one: T, index: number) => Promise<void>) {
  for (let first = 0; first < all.length; first += AT_ONCE) {
    await Promise.all(all.slice(first, first + AT_ONCE).map((one, i) => work(one, first + i)));
  }
}

/** Registers the laws with every n-th of all that a process may throw or say: each takes a process. */
export function lawsOfOutcasts(n: number): void {
  const some = <T>(all: readonly T[]): T[] => all.filter((_, index) => index % n === 0);

  for (const backend of ["worker", "subprocess"] as const) {
    law(`Whatever a ${backend} throws, it ends with exit code 1 and an error`, async () => {
      await each(some(Object.keys(thrown) as Thrown[]), async (what, i) => {
        const told: unknown[] = [];
        const process = new WorkerProcess({
          target: targets.throwIt,
          args: [what, ways[i % ways.length]!],
          backend,
          report: (error) => told.push(error),
        });
        process.start();
        assertEquals(await process.join(10_000), 1, `${what} ${ways[i % ways.length]}`);
        // The host itself fails over a trapped value in a timer, and tells of it on stderr alone.
        if (backend === "subprocess" && what === "trapped") return;
        assert(process.error !== undefined && told.length === 1, what);
      });
    }, 60_000);

    law(`A ${backend} that says what no process says is ended, with a sentence`, async () => {
      const target = backend === "worker" ? targets.garbleWorker : targets.garble;
      await each(some([...messages.entries()]), async ([i, message]) => {
        if (backend === "subprocess" && message() === undefined) return; // node sends no such thing
        const process = new WorkerProcess({ target, args: [i], backend, report: () => {} });
        process.start();
        assertEquals(await process.join(10_000), 1, `message ${i}`);
        assertInstanceOf(process.error, Error);
        assertStringIncludes(
          process.error.message,
          "it sent a message that is none of a process's",
        );
      });
    }, 60_000);
  }
}
