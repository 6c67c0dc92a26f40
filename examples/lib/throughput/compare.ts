/**
 * Measuring all cells, and checking that they agree.
 *
 * The repeats are interleaved (all cells once, then all cells again), so that a noisy minute on the
 * machine falls on every engine alike. Of the repeats of a cell, the one in the middle counts, as a
 * whole: its figures belong together, which medians taken figure by figure would not.
 */
import { expectedChecksum } from "./expected.ts";
import type { Options } from "./options.ts";
import type { CellOrder, EngineName, Measured, Site, Workload } from "./plan.ts";

/** The engine that the others are compared with. */
export const YARDSTICK = "sequential";

/** A line of the comparison. */
export interface Row extends Measured {
  /** The workload. */
  workload: Workload;
  /** The engine. */
  engine: EngineName;
  /** Operations per second. */
  opsPerSecond: number;
  /** How many times the operations per second of {@linkcode YARDSTICK}. */
  speedup: number;
}

/** What starts the processes. */
export interface Runner {
  /** Starts the server; gives its ports. */
  startServer(): Promise<Omit<Site, "rounds">>;
  /** Runs a cell. */
  runCell(order: CellOrder): Promise<Measured>;
}

/** Called after each cell. */
export type Progress = (done: number, workload: Workload, engine: EngineName) => void;

/** How many times cells will be run. */
export function countCells(options: Options): number {
  return options.repeat * options.workloads.length * enginesToRun(options).length;
}

/**
 * Measures all cells.
 *
 * @returns The lines in the order asked for, those of the yardstick included.
 * @throws {Error} If a cell fails, or its checksum is not the one that the work has.
 */
export async function compare(
  options: Options,
  runner: Runner,
  progress: Progress,
): Promise<Row[]> {
  const { workloads, sizes } = options;
  const expected = new Map(workloads.map((name) => [name, expectedChecksum(name, sizes[name])]));
  const runs = new Map<string, Measured[]>();
  let done = 0;
  for (const order of orders(options, await runner.startServer())) {
    const { workload, engine } = order;
    const figures = await runner.runCell(order);
    check(figures, workload, engine, expected.get(workload)!);
    const own = runs.get(key(workload, engine)) ?? [];
    runs.set(key(workload, engine), [...own, figures]);
    progress(++done, workload, engine);
  }
  return workloads.flatMap((workload) =>
    enginesToRun(options).map((engine) => summarize(workload, engine, runs))
  );
}

/** Every cell to run, in order. */
function* orders(options: Options, ports: Omit<Site, "rounds">): Generator<CellOrder> {
  const { workloads, sizes, workers, repeat, leastMs } = options;
  for (let time = 0; time < repeat; time++) {
    for (const workload of workloads) {
      const { tasks, rounds } = sizes[workload];
      for (const engine of enginesToRun(options)) {
        yield { workload, engine, tasks, workers, site: { ...ports, rounds }, leastMs };
      }
    }
  }
}

/** The engines asked for, and the yardstick. */
function enginesToRun({ engines }: Options): EngineName[] {
  return engines.includes(YARDSTICK) ? engines : [YARDSTICK, ...engines];
}

function key(workload: Workload, engine: EngineName): string {
  return `${workload} ${engine}`;
}

function check(got: Measured, workload: Workload, engine: EngineName, expected: number): void {
  if (got.checksum === expected) return;
  throw new Error(
    `Wrong result: the checksum of ${workload} on ${engine} is ${got.checksum}, and should be ${expected}`,
  );
}

function summarize(workload: Workload, engine: EngineName, runs: Map<string, Measured[]>): Row {
  const middle = inTheMiddle(runs.get(key(workload, engine))!);
  const yardstick = inTheMiddle(runs.get(key(workload, YARDSTICK))!);
  const opsPerSecond = middle.ops / middle.seconds;
  const speedup = opsPerSecond / (yardstick.ops / yardstick.seconds);
  return { workload, engine, ...middle, opsPerSecond, speedup };
}

function inTheMiddle(runs: Measured[]): Measured {
  const sorted = runs.toSorted((a, b) => a.seconds - b.seconds);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}
