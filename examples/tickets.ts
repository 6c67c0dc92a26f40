/**
 * The ticket sale: more buyers than tickets, and each looks, thinks, and buys. Watch the sum: sold and
 * left must add up to what there was. Without a lock they do not, because the others buy while one thinks;
 * `shared` names the lines. Coroutines can only be interrupted where they yield, so the mistake is at a
 * `yield`; on workers it is anywhere, even within `stock.value -= 1`, so there the sale is run until the
 * loss is seen.
 *
 *     deno run --allow-read examples/tickets.ts
 */
import {
  jobs,
  Lock,
  run,
  shared,
  SharedLock,
  SharedValue,
  sleep,
  spawn,
  WorkerPool,
} from "@weft/weft";
import { mustHave, readArgs } from "./lib/cli.ts";

const TICKETS = 10;
const BUYERS = 14;
const WORKERS = 4;
/** Tickets that each worker sells, one by one. */
const EACH = 100_000;

/** The sale on coroutines. Returns how many were sold, and how many are left. */
async function sellOnCoroutines(lock: Lock | null, report: (text: string) => void) {
  const office = shared({ left: TICKETS }, { report: (lost) => report(lost.message) });
  let sold = 0;
  await run(async function* () {
    const buy = async function* () {
      using _ = lock === null ? undefined : yield* lock.acquire();
      const seen = office.left;
      if (seen === 0) return;
      yield* sleep(1); // looks for the purse
      office.left = seen - 1;
      sold++;
    };
    for (let buyer = 1; buyer <= BUYERS; buyer++) spawn(buy).name = `buyer ${buyer}`;
  });
  return { sold, left: office.left };
}

/** The sale in workers. */
const { sell } = jobs(import.meta, {
  /** Takes tickets off the stock, one by one. */
  sell(stock: SharedValue<"int32">, count: number, lock: SharedLock | null): void {
    for (let i = 0; i < count; i++) {
      using _ = lock?.acquireSync();
      stock.value -= 1; // a read, and a write: another worker may come between
    }
  },
});

/** Runs the sale in workers. Returns how many tickets are left of as many as were sold. */
async function sellOnWorkers(lock: SharedLock | null): Promise<number> {
  await using pool = new WorkerPool(WORKERS);
  const stock = new SharedValue("int32", WORKERS * EACH);
  await Promise.all(
    Array.from({ length: WORKERS }, () => pool.submit(sell, stock, EACH, lock)),
  );
  return stock.value;
}

if (import.meta.main) {
  readArgs(
    "The ticket sale, with and without a lock.\n\n  deno run --allow-read examples/tickets.ts",
  );
  mustHave("This example", "read");

  console.log(`Coroutines: ${TICKETS} tickets, ${BUYERS} buyers`);
  const reports: string[] = [];
  const wild = await sellOnCoroutines(null, (text) => reports.push(text));
  console.log(`  without a lock: ${wild.sold} sold, ${wild.left} left`);
  console.log(`  ${reports.length} updates were lost; the first:`);
  console.log(
    `    ${reports[0]!.replaceAll(/file:\S*\/(\w+\.ts)/g, "$1").replaceAll("\n", "\n    ")}`,
  );
  const tame = await sellOnCoroutines(new Lock("office"), (text) => reports.push(text));
  console.log(`  with a lock: ${tame.sold} sold, ${tame.left} left`);

  console.log(`Workers: ${WORKERS} of them sell ${EACH} tickets each, and there are as many`);
  let left = 0;
  for (let sale = 1; left === 0 && sale <= 20; sale++) left = await sellOnWorkers(null);
  console.log(`  without a lock: ${left} left; so many sales were lost`);
  console.log(`  with a lock: ${await sellOnWorkers(new SharedLock())} left`);
}
