/**
 * What one thing costs as there are more of them.
 *
 * Contenders take turns as in harness.ts, at each size. A curve is judged from 1000 on: below, what a run
 * or a process costs once is shared by few. One that more than doubles from there on, and is weft's, is a
 * fault, or its reason is to be named.
 */
import Table from "cli-table3";
import { Absent, digits, median } from "../harness.ts";

/** Who takes part, and up to which size. */
export interface CurveContender {
  /** Takes one sample: nanoseconds of processor time for each of n. */
  readonly take: (n: number) => Promise<number>;
  /** The largest size that is tried. */
  readonly most: number;
}

/** Something whose cost is drawn. */
export interface Curve {
  /** What is paid for. */
  readonly name: string;
  /** What the sizes count. */
  readonly of: string;
  /** How many there are, ascending. */
  readonly sizes: readonly number[];
  /** Who takes part, by label. */
  readonly contenders: Readonly<Record<string, CurveContender>>;
}

/** The cost at one size. */
export interface CurvePoint {
  readonly n: number;
  /** The median, in nanoseconds of processor time for each. */
  readonly ns: number;
  readonly samples: readonly number[];
}

/** One contender's curve. */
export interface Series {
  readonly label: string;
  readonly points: readonly CurvePoint[];
  /** The highest cost beyond 1000 over that at 1000; `null` without either. */
  readonly growth: number | null;
}

/** What came out for one curve. */
export interface CurveReport {
  readonly name: string;
  readonly of: string;
  readonly unit: "ns";
  readonly series: readonly Series[];
  /** Who did not take part, and why. */
  readonly absent: Readonly<Record<string, string>>;
  /** Who broke down, and how. */
  readonly failed: Readonly<Record<string, string>>;
}

/** From this size on a curve is judged. */
const FROM = 1000;
/** What has grown by more is no longer flat. */
const DOUBLE = 2;

/** The highest cost beyond {@linkcode FROM} over that there. */
export function growthOf(points: readonly CurvePoint[]): number | null {
  const first = points.find(({ n }) => n === FROM);
  const beyond = points.filter(({ n }) => n > FROM);
  if (first === undefined || beyond.length === 0) return null;
  return Math.max(...beyond.map(({ ns }) => ns)) / first.ns;
}

/** Measures a curve; one that fails at a size is not asked for larger ones. */
export async function measureCurve(curve: Curve, rounds: number): Promise<CurveReport> {
  const points = new Map<string, CurvePoint[]>(
    Object.keys(curve.contenders).map((label) => [label, []]),
  );
  const absent: Record<string, string> = {};
  const failed: Record<string, string> = {};
  for (const n of curve.sizes) {
    const taking = new Map<string, number[]>();
    for (const [label, { most }] of Object.entries(curve.contenders)) {
      if (n <= most && !(label in absent) && !(label in failed)) taking.set(label, []);
    }
    for (let round = 0; round < rounds; round++) {
      for (const [label, samples] of [...taking]) {
        try {
          samples.push(await curve.contenders[label]!.take(n));
        } catch (error) {
          taking.delete(label);
          const reason = error instanceof Error ? error.message : String(error);
          if (error instanceof Absent) absent[label] = reason;
          else failed[label] = `at ${n}: ${reason}`;
        }
      }
    }
    for (const [label, samples] of taking) {
      points.get(label)!.push({ n, ns: median(samples), samples });
    }
  }
  return {
    name: curve.name,
    of: curve.of,
    unit: "ns",
    series: [...points].filter(([, own]) => own.length > 0).map(([label, own]) => ({
      label,
      points: own,
      growth: growthOf(own),
    })),
    absent,
    failed,
  };
}

/** The report of a curve as text: a row a contender, a column a size, and who grows. */
export function formatCurve(report: CurveReport): string {
  const sizes = [...new Set(report.series.flatMap(({ points }) => points.map(({ n }) => n)))]
    .sort((a, b) => a - b);
  const table = new Table({
    head: ["", ...sizes.map((n) => n.toLocaleString("en").replaceAll(",", " ")), "growth"],
    colAligns: ["left", ...sizes.map(() => "right" as const), "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { label, points, growth } of report.series) {
    const cost = new Map(points.map(({ n, ns }) => [n, ns]));
    table.push([
      label,
      ...sizes.map((n) => cost.has(n) ? digits(cost.get(n)!) : ""),
      growth === null ? "" : `${digits(growth)}×`,
    ]);
  }
  const lines = [`${report.name}, ns each by how many ${report.of}`, table.toString()];
  for (const [label, reason] of Object.entries(report.absent)) {
    lines.push(`  absent: ${label} (${reason})`);
  }
  for (const [label, reason] of Object.entries(report.failed)) {
    lines.push(`  FAILED: ${label} (${reason})`);
  }
  for (const { label, growth } of report.series) {
    if (label.startsWith("weft") && growth !== null && growth > DOUBLE) {
      lines.push(`  GROWS: ${label} costs up to ${digits(growth)} times as much as at ${FROM}`);
    }
  }
  return lines.join("\n");
}
