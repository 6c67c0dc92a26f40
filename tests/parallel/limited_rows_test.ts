/** Short jobs share a time limit, and none of them can tell. */
import { assert, assertEquals } from "@std/assert";
import { WorkerPool } from "@weft/weft";
import { law } from "../lib/law.ts";
import { countScripts, mostlyShort, type Oddity } from "./fixtures/rows.ts";

const LIMIT = 200;
const COUNT = 400;

/** What came of so many short jobs under a limit, of which one in the middle is odd. */
async function around(pool: WorkerPool, oddity: Oddity): Promise<unknown[]> {
  const sender = pool.with({ timeout: LIMIT });
  const submitAll = (odd: number) =>
    Promise.allSettled(
      Array.from({ length: COUNT }, (_, i) =>
        sender.submit(mostlyShort, i, i === odd ? oddity : "none")),
    );
  for (let round = 0; round < 2; round++) await submitAll(-1); // from now on they pass for short
  const ends = await submitAll(COUNT / 2);
  return ends.map((end) => end.status === "fulfilled" ? end.value : end.reason.name);
}

/** Numbers up to the count, but for that in the middle. */
function numbersBut(odd: unknown): unknown[] {
  return Array.from({ length: COUNT }, (_, i) => i === COUNT / 2 ? odd : i);
}

const oddities: [Oddity, unknown][] = [
  ["none", COUNT / 2],
  ["loop", "TimeoutError"],
  ["throw", "RangeError"],
  ["object", { n: COUNT / 2 }],
  ["promise", COUNT / 2],
];

for (const [oddity, due] of oddities) {
  law(`Short jobs that share a limit each come to what is due: ${oddity} among them`, async () => {
    await using pool = new WorkerPool(1);
    assertEquals(await around(pool, oddity), numbersBut(due));
    assertEquals(pool.statistics().lost, 0);
  });
}

law(
  "What short jobs returned that share a limit arrives though the next one ends the worker",
  async () => {
    await using pool = new WorkerPool(1, { warn: () => {} });
    const found = await around(pool, "close");
    assertEquals(found.slice(0, COUNT / 2), numbersBut(0).slice(0, COUNT / 2));
    assertEquals(found.slice(COUNT / 2 + 1), numbersBut(0).slice(COUNT / 2 + 1));
  },
);

law("Short jobs with a limit share what enforces it, once they are known to be short", async () => {
  await using pool = new WorkerPool(1);
  await around(pool, "none");
  const before = await pool.submit(countScripts);
  await around(pool, "none");
  const scripts = await pool.submit(countScripts) - before;
  assert(scripts < COUNT, `${3 * COUNT} jobs took ${scripts} scripts`);
});
