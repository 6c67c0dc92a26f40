/**
 * Where a join stands. Three pieces of work, each of which takes a quarter of a second, on tasks and on
 * processes: started all and then joined, they take as long as one; started and joined one by one, as long
 * as all three. The `join` is the same; it only waits, so what matters is what runs meanwhile.
 *
 *     deno run --allow-read examples/joins.ts
 */
import { connectionWait, jobs, run, sleep, spawn, WorkerProcess } from "@weft/weft";
import { mustHave, readArgs } from "./lib/cli.ts";

const PIECES = 3;
const MS = 250;

const { work } = jobs(import.meta, {
  /** Does nothing for a while; a process of its own could as well compute. */
  async *work(ms: number) {
    yield* sleep(ms);
  },
});

/** How long a body takes, in milliseconds. */
async function* timed(what: string, body: () => AsyncGenerator<unknown, void, unknown>) {
  const began = performance.now();
  yield* body();
  const ms = performance.now() - began;
  console.log(`  ${what.padEnd(32)} ${ms.toFixed(0).padStart(5)} ms`);
  return ms;
}

/** Tells how the two orders compare. */
function compare(together: number, oneByOne: number): void {
  console.log(`  one by one takes ${(oneByOne / together).toFixed(1)} times as long`);
}

async function* onTasks() {
  console.log(`${PIECES} tasks of ${MS} ms`);
  const together = yield* timed("start all, then join", async function* () {
    const tasks = Array.from({ length: PIECES }, () => spawn(work, MS));
    for (const task of tasks) yield* task.join();
  });
  const oneByOne = yield* timed("start and join, one by one", async function* () {
    for (let i = 0; i < PIECES; i++) yield* spawn(work, MS).join();
  });
  compare(together, oneByOne);
}

/** A process that has been started. */
function start(ms: number): WorkerProcess<[number]> {
  const process = new WorkerProcess({ target: work, args: [ms] });
  process.start();
  return process;
}

async function* onProcesses() {
  console.log(`${PIECES} processes of ${MS} ms, and what they take to start`);
  const together = yield* timed("start all, then join", async function* () {
    const processes = Array.from({ length: PIECES }, () => start(MS));
    for (const process of processes) yield* process.join();
  });
  const oneByOne = yield* timed("start and join, one by one", async function* () {
    for (let i = 0; i < PIECES; i++) yield* start(MS).join();
  });
  compare(together, oneByOne);
  yield* timed("start all, join as they end", async function* () {
    let left = Array.from({ length: PIECES }, (_, i) => start((PIECES - i) * MS / PIECES));
    while (left.length > 0) {
      const ended = yield* connectionWait(left);
      console.log(`    ended: ${ended.join(", ")}`);
      left = left.filter((process) => !ended.includes(process));
    }
  });
}

if (import.meta.main) {
  readArgs(
    "Where a join stands: start all and then join, against start and join one by one.\n\n" +
      "  deno run --allow-read examples/joins.ts",
  );
  mustHave("This example", "read");
  await run(async function* () {
    yield* onTasks();
    yield* onProcesses();
  });
}
