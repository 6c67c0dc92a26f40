/** The JSON form of the figures, the same on stdout and inside a report. */
import type { Row } from "./compare.ts";

/** A row of the JSON output: its figures, cut to what was really measured. */
export function record(row: Row): Record<string, unknown> {
  return {
    workload: row.workload,
    engine: row.engine,
    ops: row.ops,
    seconds: cut(row.seconds, 6),
    opsPerSecond: cut(row.opsPerSecond, 3),
    p50Ms: cut(row.p50Ms, 4),
    p99Ms: cut(row.p99Ms, 4),
    speedup: cut(row.speedup, 4),
    cpuSeconds: cut(row.cpuSeconds, 6),
    peakRssBytes: row.peakRssBytes,
    checksum: row.checksum,
  };
}

function cut(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
