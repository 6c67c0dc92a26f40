/** The comparison as a table for the terminal. */
import Table from "cli-table3";
import type { Row } from "./compare.ts";

/** What the columns hold. */
export const HEAD = [
  "workload",
  "engine",
  "ops/s",
  "p50 ms",
  "p99 ms",
  "speed-up",
  "CPU s",
  "peak MiB",
] as const;

/** Three significant figures, with no exponent. */
export function short(value: number): string {
  if (value >= 100) return Math.round(value).toString();
  return value >= 10 ? value.toFixed(1) : value.toFixed(value >= 0.1 || value === 0 ? 2 : 3);
}

/** The cells of a row, as text. */
export function cellsOf(row: Row): string[] {
  return [
    row.engine,
    short(row.opsPerSecond),
    short(row.p50Ms),
    short(row.p99Ms),
    `${short(row.speedup)}×`,
    short(row.cpuSeconds),
    short(row.peakRssBytes / 2 ** 20),
  ];
}

/** Draws the table. */
export function drawTable(rows: readonly Row[]): string {
  const table = new Table({
    head: [...HEAD],
    colAligns: ["left", "left", "right", "right", "right", "right", "right", "right"],
    style: { head: [], border: [] },
    chars: { "mid": "", "left-mid": "", "mid-mid": "", "right-mid": "" }, // no rule under every row
  });
  for (const [workload, group] of byWorkload(rows)) {
    table.push(HEAD.map(() => "")); // but a gap above each workload
    group.forEach((row, at) => table.push([at === 0 ? workload : "", ...cellsOf(row)]));
  }
  return table.toString();
}

/** The rows, workload by workload. */
export function byWorkload(rows: readonly Row[]): Map<string, Row[]> {
  return Map.groupBy(rows, (row) => row.workload);
}
