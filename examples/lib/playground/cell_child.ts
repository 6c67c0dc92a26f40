/**
 * One engine at work, as a process of its own: does the tasks in rounds, and prints after each how far it
 * is. A round is as large as about 150 ms hold, so that there is something to see; what is measured is
 * the rounds, not the drawing between them.
 *
 * It lives as long as its stdin is open, so that it cannot outlive the page's run.
 */
import { run, type SchedulingPolicy } from "@weft/weft";
import { POLICIES } from "../scheduling/policies.ts";
import { type Engine, openEngine, type Outcome } from "../throughput/engine.ts";
import { measure, percentile } from "../throughput/measure.ts";
import { type CellOrder, type Measured, type Percentile, PERCENTILES } from "../throughput/plan.ts";
import { add } from "../throughput/work.ts";
import { type Round, RoundWatch } from "./task_lanes.ts";

/** What is asked of it. */
export interface ShownCellOrder extends CellOrder {
  /** The policy of its tasks, or `none`. */
  readonly policy: string;
  /** The policy's quantum. */
  readonly quantum: number;
  /** Whether all tasks must be done, or only as many as the time holds. */
  readonly whole: boolean;
  /** How long it goes on at least, in milliseconds. */
  readonly leastMs: number;
}

/** A line that it prints. */
export type CellLine =
  | {
    readonly kind: "round";
    readonly ops: number;
    readonly ms: number;
    readonly done: number;
    readonly round: Round | null;
  }
  | { readonly kind: "end"; readonly measured: Measured };

/** How long a round is to be. */
const ROUND_MS = 150;
/** Most tasks of a round: each may hold a connection. */
const MOST_AT_ONCE = 1000;
/** How often the lanes are sent. */
const LOOK_MS = 200;

const order: ShownCellOrder = JSON.parse(Deno.args[0]!);

/** The process that started this one is gone, or wants no more of it. */
async function endWithStdin(): Promise<void> {
  for await (const _ of Deno.stdin.readable);
  Deno.exit(0);
}

function say(line: CellLine): void {
  console.log(JSON.stringify(line));
}

function makePolicy(): SchedulingPolicy | null {
  return POLICIES[order.policy]?.(order.quantum) ?? null;
}

/** An engine, and the last round of its tasks if it has some to show. */
interface Shown {
  perform(ids: readonly number[]): Promise<Outcome>;
  look(): Round | null;
}

/** The engines on weft's scheduler, watched and under the policy chosen. */
async function watched(name: "generator" | "coroutine"): Promise<Shown> {
  const { performGenerators, performCoroutines } = await import("../throughput/task_engines.ts");
  let watch: RoundWatch | null = null;
  return {
    perform(ids) {
      const policy = makePolicy();
      watch = new RoundWatch(ids.length, policy);
      const options = { instruments: watch.instruments, ...(policy === null ? {} : { policy }) };
      return name === "generator"
        ? run(function* () {
          return yield* performGenerators(order.workload, ids, order.site);
        }, options)
        : run(async function* () {
          return yield* performCoroutines(order.workload, ids, order.site);
        }, options);
    },
    look: () => watch?.look() ?? null,
  };
}

function unwatched(engine: Engine): Shown {
  return { perform: (ids) => engine.perform(order.workload, ids, order.site), look: () => null };
}

async function work(shown: Shown): Promise<Measured> {
  const laps: number[] = [];
  const sums = { seconds: 0, cpuSeconds: 0, peakRssBytes: 0, checksum: 0 };
  const began = performance.now();
  let lookedAt = -Infinity;
  let done = 0;
  let size = Math.min(order.tasks, 2 * order.workers);
  while ((order.whole && done < order.tasks) || performance.now() - began < order.leastMs) {
    const first = done % order.tasks;
    const ids = Array.from({ length: Math.min(size, order.tasks - first) }, (_, n) => first + n);
    let mine: number[] = [];
    const part = await measure(async () => {
      const outcome = await shown.perform(ids);
      mine = outcome.laps;
      return outcome;
    });
    for (const lap of mine) laps.push(lap);
    sums.seconds += part.seconds;
    sums.cpuSeconds += part.cpuSeconds;
    sums.peakRssBytes = Math.max(sums.peakRssBytes, part.peakRssBytes);
    if (done < order.tasks) sums.checksum = add(sums.checksum, part.checksum);
    done += ids.length;
    const ms = part.seconds * 1000;
    const isTime = performance.now() - lookedAt >= LOOK_MS;
    if (isTime) lookedAt = performance.now();
    say({ kind: "round", ops: part.ops, ms, done, round: isTime ? shown.look() : null });
    const wanted = Math.round(ids.length * ROUND_MS / Math.max(ms, 0.1));
    size = Math.max(1, Math.min(wanted, 4 * ids.length, MOST_AT_ONCE));
    await new Promise((resolve) => setTimeout(resolve)); // stdin may have ended
  }
  laps.sort((a, b) => a - b);
  return {
    ops: laps.length,
    ...sums,
    p50Ms: percentile(laps, 0.5),
    p99Ms: percentile(laps, 0.99),
    latencyMs: Object.fromEntries(
      Object.entries(PERCENTILES).map(([name, share]) => [name, percentile(laps, share)]),
    ) as Record<Percentile, number>,
  };
}

void endWithStdin();
await using engine = await openEngine(order.engine, order.workers);
const isTasks = order.engine === "generator" || order.engine === "coroutine";
const shown = isTasks
  ? await watched(order.engine as "generator" | "coroutine")
  : unwatched(engine);
await engine.perform(order.workload, [0], { ...order.site, rounds: 1 }); // workers up, modules loaded
say({ kind: "end", measured: await work(shown) });
Deno.exit(0);
