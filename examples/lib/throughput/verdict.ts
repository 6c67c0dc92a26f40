/**
 * Who won, and why, in one sentence a workload.
 *
 * The why is arithmetic, not opinion. With b for the cores an engine kept busy (CPU seconds per second)
 * and c for its CPU seconds per operation, it does b / c operations per second. So a speed-up is
 * exactly the product of two measured ratios: of keeping more cores busy (or one core less idle), and
 * of spending less on an operation. The sentence names whichever of the two made a difference.
 */
import { type Row, YARDSTICK } from "./compare.ts";
import type { EngineName } from "./plan.ts";
import { short } from "./table.ts";

/** Within this share of the winner, a difference is taken for noise. */
const TIE = 0.1;
/** A ratio below this made no difference worth a word. */
const NOTABLE = 1.15;
/** Where nothing waits, a busy core below this share means that other programs had the rest of it. */
const UNDISTURBED = 0.9;
/** The same of several cores: towards the end of a pass the last worker computes alone. */
const UNDISTURBED_TOGETHER = 0.85;
/** Who computes on several cores. */
const PARALLEL: readonly EngineName[] = ["worker", "hybrid"];

/**
 * The sentence about one workload; `rows` are its rows, the yardstick among them, and `workers` is how
 * many the parallel engines had.
 */
export function verdict(
  workload: string,
  rows: readonly Row[],
  workers: number = navigator.hardwareConcurrency,
): string {
  const ranked = rows.toSorted((a, b) => b.opsPerSecond - a.opsPerSecond);
  const winner = ranked[0]!;
  const yardstick = rows.find((row) => row.engine === YARDSTICK)!;
  const disturbed = workload === "cpu" ? disturbance(yardstick, rows, workers) : null;
  return `${workload}: ${judge(winner, yardstick, ranked, disturbed)}.`;
}

/** Who computed on fewer cores than were there for it, if somebody did. */
function disturbance(yardstick: Row, rows: readonly Row[], workers: number): string | null {
  if (busyCores(yardstick) < UNDISTURBED) {
    return `${YARDSTICK} got only ${cores(yardstick)}`;
  }
  const wanted = Math.min(workers, navigator.hardwareConcurrency);
  const short = rows.find((row) =>
    PARALLEL.includes(row.engine) && busyCores(row) < UNDISTURBED_TOGETHER * wanted
  );
  if (short === undefined) return null;
  return `${short.engine} got only ${cores(short)}${wanted > 1 ? ` of ${wanted}` : ""}`;
}

function judge(
  winner: Row,
  yardstick: Row,
  ranked: readonly Row[],
  disturbed: string | null,
): string {
  if (ranked.length === 1 && disturbed === null) {
    return `only ${YARDSTICK} was measured (${perSecond(yardstick)}), so nobody won`;
  }
  if (disturbed !== null) {
    return `${winner.engine} was fastest with ${perSecond(winner)}, but do not rely on it: ` +
      `${disturbed} although it never waits, so other programs had the rest; ` +
      `measure again on a quiet machine`;
  }
  if (isClose(yardstick, winner)) {
    return `no engine gained over ${YARDSTICK} (${perSecond(yardstick)}` +
      `${fastest(winner, yardstick)}): ${nothingGained(yardstick)}`;
  }
  return `${winner.engine} won with ${perSecond(winner)}, ${short(winner.speedup)}× ${YARDSTICK}` +
    `${peers(winner, ranked)}: ${reasons(winner, yardstick)}`;
}

function isClose(row: Row, winner: Row): boolean {
  return row.opsPerSecond >= winner.opsPerSecond * (1 - TIE);
}

function peers(winner: Row, ranked: readonly Row[]): string {
  const close = ranked.filter((row) => row !== winner && isClose(row, winner));
  if (close.length === 0) return "";
  return ` (too close to tell from ${close.map((row) => row.engine).join(", ")})`;
}

function fastest(winner: Row, yardstick: Row): string {
  return winner === yardstick ? "" : `; the fastest, ${winner.engine}, ${short(winner.speedup)}×`;
}

function nothingGained(yardstick: Row): string {
  return busyCores(yardstick) > 1 / NOTABLE
    ? `one operation at a time kept ${cores(yardstick)} busy, and no engine measured found more`
    : `one operation at a time left a core idle ${idle(yardstick)} of the time, but what it ` +
      `waited for did not come faster by asking for more at once`;
}

function reasons(winner: Row, yardstick: Row): string {
  const busier = busyCores(winner) / busyCores(yardstick);
  const cheaper = cpuPerOp(yardstick) / cpuPerOp(winner);
  const costs = `${micros(winner)} of CPU time on an operation instead of ${micros(yardstick)}`;
  const parts: string[] = [];
  if (busier >= NOTABLE && busyCores(winner) > NOTABLE) {
    parts.push(`it kept ${cores(winner)} busy where ${YARDSTICK} kept ${cores(yardstick)}`);
  } else if (busier >= NOTABLE) {
    parts.push(
      `${YARDSTICK} left its core idle ${idle(yardstick)} of the time, waiting, and ` +
        `${winner.engine}, with many waits open at once, only ${idle(winner)}`,
    );
  }
  if (cheaper >= NOTABLE) parts.push(`it spent ${costs}`);
  if (parts.length === 0) {
    return "a little less idle time and a little less CPU time on each operation add up";
  }
  return parts.join("; ") + (cheaper <= 1 / NOTABLE ? `, although it spent ${costs}` : "");
}

function busyCores(row: Row): number {
  return row.cpuSeconds / row.seconds;
}

function cores(row: Row): string {
  const busy = busyCores(row);
  return busy < 0.995 ? `${short(busy)} of a core` : `${short(busy)} cores`;
}

function idle(row: Row): string {
  return `${Math.max(0, Math.round(100 * (1 - busyCores(row))))} %`;
}

function cpuPerOp(row: Row): number {
  return row.cpuSeconds / row.ops;
}

function micros(row: Row): string {
  return `${short(1e6 * cpuPerOp(row))} µs`;
}

function perSecond(row: Row): string {
  return `${short(row.opsPerSecond)} operations per second`;
}
