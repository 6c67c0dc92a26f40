/**
 * A pool of workers, verb by verb. Watch the order of the results: `map` keeps that of its items, and
 * `imapUnordered` gives what is done first; and watch that an error arrives as what it was, with its
 * class name and fields, and that the pool goes on.
 *
 *     deno run --allow-read examples/worker_pool.ts
 */
import { jobs, run, sleep, WorkerPool } from "@weft/weft";
import { mustHave, readArgs } from "./lib/cli.ts";

class TooBig extends RangeError {
  override readonly name = "TooBig";
  readonly value: number;

  constructor(value: number) {
    super(`${value} is too big`);
    this.value = value;
  }
}

const { fib } = jobs(import.meta, {
  fib(n: number): number {
    if (n > 40) throw new TooBig(n);
    return n < 2 ? n : fib(n - 1) + fib(n - 2); // in the worker it is a plain call
  },
});

if (import.meta.main) {
  readArgs("A pool of workers, verb by verb.\n\n  deno run --allow-read examples/worker_pool.ts");
  mustHave("This example", "read");
  await run(async function* () {
    await using pool = new WorkerPool(2);
    console.log(`apply: fib(20) = ${yield* pool.apply(fib, 20)}`);

    const future = pool.submit(fib, 30);
    future.link(({ value }) => console.log(`  callback: fib(30) = ${value}`));
    console.log(`submit: goes on at once; done: ${future.done}`);
    yield* future.get();

    console.log(`map: ${yield* pool.map(fib, [31, 30, 32, 29])}`);

    const sooner: number[] = [];
    for await (const value of pool.imapUnordered(fib, [33, 5, 20], { chunk: 1 })) {
      sooner.push(value);
    }
    console.log(`imapUnordered: ${sooner}`);

    const endless = function* () {
      for (let n = 0;; n++) yield n;
    };
    const few: number[] = [];
    for await (const value of pool.imap(fib, endless(), { window: 8 })) {
      few.push(value);
      if (few.length === 10) break; // and nothing further is drawn
    }
    console.log(`imap over endless items: ${few}`);

    try {
      yield* pool.apply(fib, 41);
    } catch (error) {
      const { name, message, value } = error as TooBig;
      console.log(`error: ${name}, "${message}", value ${value}`);
    }
    const slow = pool.with({ timeout: 20 }).submit(fib, 40);
    slow.link(({ error }) => console.log(`time limit: ${(error as Error).message}`));
    while (!slow.done) yield* sleep(5);

    pool.close();
    yield* pool.join();
    const { state, submitted, started, lost } = pool.statistics();
    console.log(`close, join: ${state}; ${submitted} jobs, ${started} workers, ${lost} lost`);
  });
}
