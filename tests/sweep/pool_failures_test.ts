/** A thousand injected failures, in a process of its own, whose threads and memory are counted. */
import { assert, assertEquals } from "@std/assert";
import { runProgram } from "../lib/child.ts";
import { law } from "../lib/law.ts";

/** What a round of two hundred failures may leave on the heap: code that got hot, at most, in bytes. */
const ROUND_BYTES = 500_000;
/** And what the process may have grown by after all of them, in bytes. */
const GROWTH_BYTES = 100_000_000;

interface Round {
  readonly wrong: readonly string[];
  readonly threads: readonly [before: number, after: number];
  readonly heap: number;
  readonly rss: number;
}

law("A thousand failures of every kind leave nothing behind and nobody waiting", async () => {
  const seed = Math.floor(Math.random() * 1e6);
  const ended = await runProgram(
    `
    import { injectFailures } from "./tests/lib/pool_failures.ts";
    for (let round = 0; round < 6; round++) {
      const { wrong, threads } = await injectFailures(${seed} + round, 200, round % 2 === 0);
      for (let i = 0; i < 3; i++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const { heapUsed: heap, rss } = Deno.memoryUsage();
      console.log(JSON.stringify({ wrong, threads, heap, rss }));
    }
  `,
    240_000,
    ["-A", "--v8-flags=--expose-gc"],
  );
  assertEquals(ended.code, 0, `seed ${seed}: ${ended.stderr}`);
  const rounds = ended.stdout.split("\n").filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Round);
  assertEquals(rounds.length, 6);
  for (const { wrong, threads: [, after] } of rounds) {
    assertEquals([wrong, after], [[], 0], `seed ${seed}`);
  }
  // The first round loads and warms up; the thousand that count are in those after it.
  const [warm, last] = [rounds[0]!, rounds.at(-1)!];
  const heap = (last.heap - warm.heap) / (rounds.length - 1);
  assert(heap < ROUND_BYTES, `seed ${seed}: each round left ${heap} bytes on the heap`);
  const growth = last.rss - warm.rss;
  assert(growth < GROWTH_BYTES, `seed ${seed}: the process grew by ${growth} bytes`);
}, 300_000);

law(
  "Ten thousand random failures over a hundred seeds leave no future open and no value wrong",
  async () => {
    const first = Math.floor(Math.random() * 1e6);
    const ended = await runProgram(
      `
    import { injectFailures } from "./tests/lib/pool_failures.ts";
    for (let seed = ${first}; seed < ${first} + 100; seed++) {
      const { wrong, threads } = await injectFailures(seed, 100, seed % 2 === 0);
      if (wrong.length > 0 || threads[1] > 0) console.log(seed, wrong, threads);
    }
  `,
      900_000,
    );
    assertEquals([ended.code, ended.stdout], [0, ""], `seeds from ${first}: ${ended.stderr}`);
  },
  960_000,
);
