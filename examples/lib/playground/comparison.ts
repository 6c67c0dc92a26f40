/** A comparison that is watched: one engine after the other, then the table and the sentence. */
import { type Row, YARDSTICK } from "../throughput/compare.ts";
import { expectedChecksum } from "../throughput/expected.ts";
import type { EngineName, Measured } from "../throughput/plan.ts";
import { cellsOf } from "../throughput/table.ts";
import { verdict } from "../throughput/verdict.ts";
import type { Cells } from "./cells.ts";
import { tell } from "./events.ts";
import type { Comparison } from "./settings.ts";
import { Show } from "./show.ts";

/** Requests of one echo client. */
const ROUNDS = 20;
/** How long an engine goes on at least, however few the tasks are: long enough to be looked at. */
const LEAST_MS = 2000;
/** How long the yardstick runs where it was not chosen. */
const YARDSTICK_MS = 1000;
/** Workers of the engines that have some. */
const WORKERS = Math.min(navigator.hardwareConcurrency, 4);

/** Runs the engines and tells of it. */
export async function runComparison(settings: Comparison, cells: Cells): Promise<void> {
  const { workload, engines, tasks, policy, quantum } = settings;
  const isExtra = !engines.includes(YARDSTICK);
  const all: EngineName[] = isExtra ? [YARDSTICK, ...engines] : [...engines];
  using show = new Show(workload, all, tasks);
  const site = { ...await cells.startServer(), rounds: ROUNDS };
  const expected = expectedChecksum(workload, { tasks, rounds: ROUNDS });
  const figures = new Map<EngineName, Measured>();
  for (const engine of all) {
    const isYardstick = isExtra && engine === YARDSTICK;
    const what = isYardstick ? `${engine}, briefly, as the yardstick` : engine;
    tell({ kind: "detail", text: `${workload} on ${what} (${figures.size + 1} of ${all.length})` });
    show.begin(engine);
    const order = {
      ...{ workload, engine, tasks, policy, quantum, site },
      workers: WORKERS,
      whole: !isYardstick,
      leastMs: isYardstick ? YARDSTICK_MS : LEAST_MS,
    };
    const measured = await cells.runCell(order, (line) => show.take(line));
    if (!isYardstick && measured.checksum !== expected) {
      throw new Error(
        `Wrong result: the checksum of ${workload} on ${engine} is ${measured.checksum}, ` +
          `and should be ${expected}`,
      );
    }
    figures.set(engine, measured);
    show.end();
  }
  const rows = all.map((engine) => rowOf(settings, engine, figures));
  tell({
    kind: "results",
    rows: rows.filter(({ engine }) => engines.includes(engine)).map(cellsOf),
    sentence: verdict(workload, rows, WORKERS),
  });
}

function rowOf(
  { workload }: Comparison,
  engine: EngineName,
  figures: Map<EngineName, Measured>,
): Row {
  const measured = figures.get(engine)!;
  const yardstick = figures.get(YARDSTICK)!;
  const opsPerSecond = measured.ops / measured.seconds;
  const speedup = opsPerSecond / (yardstick.ops / yardstick.seconds);
  return { workload, engine, ...measured, opsPerSecond, speedup };
}
