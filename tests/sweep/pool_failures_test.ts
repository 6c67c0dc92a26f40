/** Thousands of injected failures, in processes of their own, whose threads and memory are counted. */
import { assert, assertEquals } from "@std/assert";
import { WorkerPool } from "@weft/weft";
import { runProgram } from "../lib/child.ts";
import { law } from "../lib/law.ts";
import { injectAlone } from "../lib/pool_failures.ts";
import { injections, slowInjections } from "../lib/pool_injections.ts";

/** What a round of two hundred failures may leave on the heap: code that got hot, at most, in bytes. */
const ROUND_BYTES = 500_000;
/**
 * And what the process may have grown by after all of them, in bytes. It grows as one that makes and ends bare
 * workers does: fast at first, while what the host keeps of ended threads fills up, and ever less later.
 */
const GROWTH_BYTES = 100_000_000;
/** So its later rounds may add no more than this part of what the earlier ones did. */
const LATER_PART = 0.5;
/** The hundred seeds are shared out among so many processes: most of a campaign is waiting. */
const PROCESSES = 4;

interface Round {
  readonly wrong: readonly string[];
  readonly threads: readonly [before: number, after: number];
  readonly heap: number;
  readonly rss: number;
  /** How many descriptors are open. */
  readonly files: number;
}

law(
  "Each failure that is injected, in each of its forms, leaves its worker to the next job",
  async () => {
    await using pool = new WorkerPool(1, { grace: 20, warn: () => {} });
    for (const [name, injection] of Object.entries({ ...injections, ...slowInjections })) {
      for (const choices of everyChoice()) {
        const wrong = await injectAlone(pool, name, injection, choices.choose);
        assertEquals(wrong, [], `${name}, chosen: ${choices}`);
      }
    }
  },
  240_000,
);

law("A thousand failures of every kind leave nothing behind and nobody waiting", async () => {
  const seed = Math.floor(Math.random() * 1e6);
  const ended = await runProgram(
    `
    import { injectFailures } from "./tests/lib/pool_failures.ts";
    const { rss: start } = Deno.memoryUsage();
    for (let round = 0; round < 6; round++) {
      const { wrong, threads } = await injectFailures(${seed} + round, 200, round % 2 === 0);
      for (let i = 0; i < 3; i++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const { heapUsed: heap, rss } = Deno.memoryUsage();
      const files = [...Deno.readDirSync("/proc/self/fd")].length;
      console.log(JSON.stringify({ wrong, threads, heap, rss: rss - start, files }));
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
  const curve = rounds.map(({ rss }) => rss);
  const [half, all] = [curve[rounds.length / 2 - 1]!, curve.at(-1)!];
  assert(all - half < LATER_PART * half, `seed ${seed}: the process grew by ${curve} bytes`);
  assert(last.files <= warm.files, `seed ${seed}: ${rounds.map(({ files }) => files)} descriptors`);
}, 300_000);

law(
  "Ten thousand random failures over a hundred seeds leave no future open and no value wrong",
  async () => {
    const first = Math.floor(Math.random() * 1e6);
    const ended = await Promise.all(
      Array.from({ length: PROCESSES }, (_, i) => runProgram(campaigns(first + i), 900_000)),
    );
    for (const { code, stdout, stderr } of ended) {
      assert(code === 0 && stdout === "", `exit code ${code}\n${stdout}\n${stderr}`);
    }
  },
  960_000,
);

/** Every so-manyth of the hundred seeds, until one fails: that one is told, briefly. */
function campaigns(first: number): string {
  return `
    import { injectFailures } from "./tests/lib/pool_failures.ts";
    for (let seed = ${first}; seed < ${first} + 100; seed += ${PROCESSES}) {
      const { wrong, threads, statistics } = await injectFailures(seed, 100, seed % 2 === 0);
      if (wrong.length === 0 && threads[1] === 0) continue;
      console.log("seed " + seed + ", " + threads[1] + " threads left, pool " + statistics);
      for (const each of wrong.slice(0, 6)) console.log("  " + each);
      break;
    }
  `;
}

/** Choices that were made, and can be made differently the next time. */
interface Choices {
  choose(n: number): number;
  toString(): string;
}

/** Goes through every row of choices that something makes; of many alternatives, the first and the last. */
function* everyChoice(): Generator<Choices> {
  let row: { value: number; n: number }[] = [];
  do {
    let next = 0;
    yield {
      choose(n) {
        if (next === row.length) row.push({ value: 0, n });
        return row[next++]!.value;
      },
      toString: () => row.map(({ value, n }) => `${value} of ${n}`).join(", "),
    };
    while (row.length > 0 && row.at(-1)!.value === row.at(-1)!.n - 1) row = row.slice(0, -1);
    const last = row.at(-1);
    if (last !== undefined) last.value = last.n > FEW ? last.n - 1 : last.value + 1;
  } while (row.length > 0);
}

/** So many alternatives are gone through one by one. */
const FEW = 5;
