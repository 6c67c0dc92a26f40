/** A million small jobs: every result once and in its place, and memory that stays flat. */
import { assert, assertEquals } from "@std/assert";
import { run, WorkerPool } from "@weft/weft";
import { law } from "../../lib/law.ts";
import { echo } from "../../parallel/fixtures/items.ts";

const COUNT = 1_000_000;
/** So many samples of the heap are taken on the way. */
const SAMPLES = 40;
const LIMIT_MS = 120_000;

/** Watches the heap while a count goes up. */
class HeapWatch {
  readonly #samples: number[] = [];

  at(done: number): void {
    if (done % (COUNT / SAMPLES) === 0) this.#samples.push(Deno.memoryUsage().heapUsed);
  }

  /** How much larger the heap is in the last quarter than in the first, by what a collection left of it. */
  get growth(): number {
    const quarter = SAMPLES / 4;
    const least = (samples: number[]): number => Math.min(...samples);
    assertEquals(this.#samples.length, SAMPLES);
    return least(this.#samples.slice(-quarter)) / least(this.#samples.slice(0, quarter));
  }
}

function* counting(): Generator<number> {
  for (let n = 0; n < COUNT; n++) yield n;
}

async function* countingAsync(): AsyncGenerator<number> {
  yield* counting();
}

for (const [name, items] of [["sync", counting], ["async", countingAsync]] as const) {
  law(
    `A million jobs by imap over a ${name} source come back once, in order, in flat memory`,
    async () => {
      await using pool = new WorkerPool(2);
      const heap = new HeapWatch();
      let next = 0;
      for await (const value of pool.imap(echo, items())) {
        if (value !== next) assertEquals(value, next);
        heap.at(++next);
      }
      assertEquals(next, COUNT);
      assert(heap.growth < 2, `the heap grew ${heap.growth} times`);
    },
    LIMIT_MS,
  );
}

law("A million jobs by imapUnordered come back once, in flat memory", async () => {
  await using pool = new WorkerPool(2);
  const heap = new HeapWatch();
  const seen = new Uint8Array(COUNT);
  let done = 0;
  for await (const value of pool.imapUnordered(echo, counting())) {
    seen[value]!++;
    heap.at(++done);
  }
  assert(seen.every((times) => times === 1));
  assert(heap.growth < 2, `the heap grew ${heap.growth} times`);
}, LIMIT_MS);

law("A million submits that wait for room come back once, in order, in flat memory", async () => {
  await run(async function* () {
    const pool = new WorkerPool(2, { queue: 1000 });
    const heap = new HeapWatch();
    let wrong = 0;
    let done = 0;
    for (let n = 0; n < COUNT; n++) {
      if (pool.full) yield* pool.ready();
      pool.submit(echo, n).link(({ value }) => {
        if (value !== n) wrong++;
        heap.at(++done);
      });
    }
    pool.close();
    yield* pool.join();
    assertEquals([wrong, done], [0, COUNT]);
    assert(heap.growth < 2, `the heap grew ${heap.growth} times`);
  });
}, LIMIT_MS);

law("A million items of a map come back in order, with any window and chunk", async () => {
  await using pool = new WorkerPool(2);
  for (const options of [{}, { window: 1000 }, { chunk: 100 }]) {
    const results = await pool.map(echo, counting(), options);
    assertEquals(results.length, COUNT);
    assert(results.every((value, index) => value === index));
  }
}, LIMIT_MS);
