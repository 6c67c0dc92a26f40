/** What jobs report on their way. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  asCompleted,
  type Future,
  type ProgressStream,
  run,
  WorkerCrashedError,
  WorkerPool,
} from "@weft/weft";
import { law, lawInBothLanes } from "../lib/law.ts";
import {
  reportAll,
  reportAndExit,
  reportAndHold,
  reportAsync,
  reportDouble,
  reportFromAsyncTask,
  reportFromTask,
  reportUncloneable,
} from "./fixtures/reporting.ts";

const moduleUrl = import.meta.resolve("./fixtures/reporting.ts");
type Module = typeof import("./fixtures/reporting.ts");

const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(8));

async function isSet(words: Int32Array): Promise<void> {
  while (Atomics.load(words, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

function letGo(words: Int32Array): void {
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 1);
}

async function all<P>(stream: ProgressStream<P>): Promise<P[]> {
  const seen: P[] = [];
  for await (const value of stream) seen.push(value);
  return seen;
}

law("Jobs of every kind report in order, and the stream ends with the job", async () => {
  await using pool = new WorkerPool(2);
  const futures: Future<number>[] = [
    pool.submit(reportAll, 5),
    pool.submit(reportAsync, 5),
    pool.submit(reportFromTask, 5),
    pool.submit(reportFromAsyncTask, 5),
    pool.use<Module>(moduleUrl).reportFromModule(5),
  ];
  const seen = await Promise.all(futures.map((future) => all(future.progress<number>())));
  assertEquals(seen, futures.map(() => [1, 2, 3, 4, 5]));
  assertEquals(await Promise.all(futures), [5, 5, 5, 5, 5]);
});

lawInBothLanes("ProgressStream.next() gives the reports, and then the end for ever", {
  fast: () => run(readByNext),
  async: () =>
    run(async function* () {
      return yield* readByNext();
    }),
});

function* readByNext() {
  using pool = new WorkerPool(1);
  const stream = pool.submit(reportAll, 2).progress<number>();
  const steps: unknown[] = [];
  for (let i = 0; i < 4; i++) steps.push(yield* stream.next());
  const end = { done: true, value: undefined };
  assertEquals(steps, [{ done: false, value: 1 }, { done: false, value: 2 }, end, end]);
}

law("A stream that begins late begins with the latest report", async () => {
  await using pool = new WorkerPool(1);
  const both = words();
  const future = pool.submit(reportAndHold, both);
  const early = future.progress<number>();
  await isSet(both);
  assertEquals(await early.next(), { done: false, value: 1 });
  assertEquals([(await early.next()).value, (await early.next()).value], [2, 3]);
  const late = future.progress<number>();
  letGo(both);
  assertEquals(await all(late), [3, 1, 2, 3, 4]);
  assertEquals(await all(early), [1, 2, 3, 4]);
  assertEquals(await all(future.progress()), [4]);
});

law("Of what nobody reads the oldest is dropped, and counted", async () => {
  await using pool = new WorkerPool(1);
  const future = pool.submit(reportAll, 200);
  const stream = future.progress<number>();
  await future;
  assertEquals(stream.missed, 136);
  assertEquals(await all(stream), Array.from({ length: 64 }, (_, i) => 137 + i));
});

law("A cancel, a crash, and the end of the pool end the stream", async () => {
  await using pool = new WorkerPool(1, { onCancel: "flag" });
  const both = words();
  const held = pool.submit(reportAndHold, both);
  const stream = held.progress<number>();
  await isSet(both);
  held.cancel();
  letGo(both); // it goes on to report, to nobody
  assertEquals((await all(stream)).filter((value) => value > 3), []);

  const doomed = pool.submit(reportAndExit);
  assertEquals(await all(doomed.progress()), ["last words"]);
  await assertRejects(async () => await doomed, WorkerCrashedError);

  const other = new WorkerPool(1);
  const dropped = all(other.submit(reportAll, 1).progress());
  other.terminate();
  assertEquals(await dropped, []);
  await other.join();
});

law("Leaving the loop ends the stream, and the job goes on", async () => {
  await using pool = new WorkerPool(1);
  const future = pool.submit(reportAll, 100);
  const stream = future.progress<number>();
  for await (const value of stream) if (value === 2) break;
  assertEquals([await stream.next(), await future], [{ done: true, value: undefined }, 100]);
});

law("Jobs that are read as they complete report all the same", async () => {
  await using pool = new WorkerPool(2);
  const futures = [3, 4].map((n) => pool.submit(reportAll, n));
  const streams = futures.map((future) => all(future.progress<number>()));
  const seen: unknown[] = [];
  await run(async function* () {
    for await (const future of asCompleted(futures)) seen.push(yield* future);
  });
  assertEquals(seen.sort(), [3, 4]);
  assertEquals(await Promise.all(streams), [[1, 2, 3], [1, 2, 3, 4]]);
});

law("The jobs of a map report with the place of their item", async () => {
  await using pool = new WorkerPool(2);
  const seen: unknown[][] = [];
  const onProgress = (value: unknown, index: number): void => void seen.push([index, value]);
  const items = Array.from({ length: 50 }, (_, i) => i);
  await pool.map(reportDouble, items, { onProgress });
  const inOrder = (a: unknown[], b: unknown[]): number => Number(a[0]) - Number(b[0]);
  assertEquals(seen.sort(inOrder), items.map((n) => [n, 2 * n]));
  seen.length = 0;
  for await (const _ of pool.imap(reportDouble, [7], { onProgress }));
  assertEquals(seen, [[0, 14]]);
});

law("An error of who hears the progress of a map is the map's", async () => {
  await using pool = new WorkerPool(1);
  const onProgress = (): void => {
    throw new RangeError("heard enough");
  };
  await assertRejects(
    async () => await pool.map(reportDouble, [1, 2, 3], { onProgress }),
    RangeError,
    "heard enough",
  );
  assertEquals(await pool.map(reportDouble, [1, 2]), [1, 2]);
});

law(
  "What cannot be cloned is refused where it is reported; outside of jobs nothing happens",
  async () => {
    await using pool = new WorkerPool(1);
    assertEquals(await pool.submit(reportUncloneable), "DataCloneError");
    assertEquals(reportAll(3), 3);
    assert(pool.statistics().lost === 0);
  },
);
