/** Nothing that a process throws or says harms its parent: it ends, and says what could be said. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { WorkerProcess } from "@weft/weft";
import { law } from "../lib/law.ts";
import { messages, targets, ways } from "./fixtures/process_thrown.ts";
import { type Thrown, thrown } from "./fixtures/thrown.ts";

/** So many processes at a time. */
const AT_ONCE = 5;

async function each<T>(all: readonly T[], work: (one: T, index: number) => Promise<void>) {
  for (let first = 0; first < all.length; first += AT_ONCE) {
    await Promise.all(all.slice(first, first + AT_ONCE).map((one, i) => work(one, first + i)));
  }
}

for (const backend of ["worker", "subprocess"] as const) {
  law(`Whatever a ${backend} throws, it ends with exit code 1 and an error`, async () => {
    await each(Object.keys(thrown) as Thrown[], async (what, i) => {
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

  law(`A ${backend} whose failure cannot be reported ends all the same`, async () => {
    const process = new WorkerProcess({
      target: targets.throwIt,
      args: ["own", "plain"],
      backend,
      report: () => {
        throw new Error("the report of a test fails");
      },
    });
    process.start();
    assertEquals(await process.join(), 1);
  });

  law(`A ${backend} that says what no process says is ended, with a sentence`, async () => {
    const target = backend === "worker" ? targets.garbleWorker : targets.garble;
    await each(messages, async (message, i) => {
      if (backend === "subprocess" && message() === undefined) return; // node sends no such thing
      const process = new WorkerProcess({ target, args: [i], backend, report: () => {} });
      process.start();
      assertEquals(await process.join(10_000), 1, `message ${i}`);
      assertInstanceOf(process.error, Error);
      assertStringIncludes(process.error.message, "it sent a message that is none of a process's");
    });
  }, 60_000);
}

law("A last word with an error that cannot be read is a last word", async () => {
  const process = new WorkerProcess({
    target: targets.strangeEnd,
    backend: "subprocess",
    report: () => {},
  });
  process.start();
  await process.join(300);
  process.kill();
  assert([3, -9].includes((await process.join())!));
});

law("Processes that fail or are garbled give their numbers back", async () => {
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 8; i++) {
    await Promise.all(Array.from({ length: 6 }, async (_, j) => {
      const process = new WorkerProcess({
        target: j % 2 === 0 ? targets.garbleWorker : targets.throwIt as never,
        args: (j % 2 === 0 ? [j] : ["revoked", "plain"]) as never,
        report: () => {},
      });
      process.start();
      assertEquals(await process.join(10_000), 1);
    }));
  }
  assert(Deno.memoryUsage().rss - before < 300e6);
}, 60_000);
