/**
 * The same work on every engine, compared: sequential code, plain promises, weft's tasks in both
 * spellings, its event registry, its workers, and coroutines inside workers.
 *
 * Watch for what the sentences at the end say: who wins depends on whether the work waits or computes.
 * The engines and the tasks are in `lib/throughput/`; to compare spellings, read `plain_tasks.ts`,
 * `generator_tasks.ts` and `coroutine_tasks.ts` there side by side.
 *
 *     deno run -A examples/throughput.ts
 */
import { Children } from "./lib/throughput/children.ts";
import { compare, countCells, type Row } from "./lib/throughput/compare.ts";
import { describeMachine, type Machine } from "./lib/throughput/machine.ts";
import { type Options, readOptions } from "./lib/throughput/options.ts";
import { print } from "./lib/throughput/print.ts";
import { startBar } from "./lib/throughput/progress.ts";

/** Exit codes as a shell has them for a program that a signal ended. */
const SIGNALS = Deno.build.os === "windows" ? { SIGINT: 130 } : { SIGINT: 130, SIGTERM: 143 };

async function measure(options: Options): Promise<Row[]> {
  await using children = new Children();
  using bar = startBar(countCells(options));
  for (const [signal, code] of Object.entries(SIGNALS)) {
    Deno.addSignalListener(signal as Deno.Signal, async () => {
      bar[Symbol.dispose]();
      await children.stop();
      Deno.exit(code);
    });
  }
  return await compare(options, children, bar.step);
}

async function main(): Promise<void> {
  const options = readOptions();
  const machine: Machine = describeMachine();
  try {
    await print(machine, await measure(options), options);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exitCode = 1;
  }
}

await main();
