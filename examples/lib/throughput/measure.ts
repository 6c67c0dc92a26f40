/**
 * The instruments of a cell: a clock, the CPU time of the process, its peak memory, and percentiles.
 */
import process from "node:process";
import type { Outcome } from "./engine.ts";
import { type Measured, type Percentile, PERCENTILES } from "./plan.ts";

/** How often the memory is looked at where the system keeps no record of its peak. */
const SAMPLE_MS = 20;

/** The value that a share `p` of the sorted values does not exceed (nearest rank). */
export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? NaN;
}

/** The most memory this process ever held, as Linux records it, or `undefined` elsewhere. */
function recordedPeak(): number | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}

/** Watches the peak of memory by looking again and again. */
class PeakSampler implements Disposable {
  #peak = Deno.memoryUsage().rss;
  readonly #timer = setInterval(() => this.#look(), SAMPLE_MS);

  #look(): void {
    this.#peak = Math.max(this.#peak, Deno.memoryUsage().rss);
  }

  get peak(): number {
    this.#look();
    return this.#peak;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Measures some work. */
export async function measure(work: () => Promise<Outcome>): Promise<Measured> {
  using sampler = recordedPeak() === undefined ? new PeakSampler() : null;
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  const { checksum, laps } = await work();
  const seconds = (performance.now() - began) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  laps.sort((a, b) => a - b);
  return {
    ops: laps.length,
    seconds,
    p50Ms: percentile(laps, 0.5),
    p99Ms: percentile(laps, 0.99),
    latencyMs: Object.fromEntries(
      Object.entries(PERCENTILES).map(([name, share]) => [name, percentile(laps, share)]),
    ) as Record<Percentile, number>,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    peakRssBytes: sampler?.peak ?? recordedPeak() ?? NaN,
    checksum,
  };
}
