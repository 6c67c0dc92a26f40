/**
 * Rows of a comparison, measured fairly and told honestly.
 *
 * A machine is never quiet, and it drifts: what is measured first, and all at once, measures the
 * machine. So the contenders of a row take turns (A B C, A B C, …), each gives the median of its
 * samples, and what is compared are ratios within the row. A contender that is not there is named
 * with the reason, and so is one that failed: neither disappears.
 */
import Table from "cli-table3";

/** Takes one sample. Throws {@linkcode Absent} if what it measures is not there. */
export type Contender = () => Promise<number>;

/** A figure to be reached: so many times as good as another, or an absolute value. */
export type Figure =
  | { readonly of: string; readonly against: string; readonly atLeast: number }
  | { readonly of: string; readonly atMost: number };

/** Contenders for the same work. */
export interface Row {
  /** What is measured. */
  readonly name: string;
  /** The unit of the samples. */
  readonly unit: string;
  /** Which samples win. @default {"less"} */
  readonly better?: "less" | "more";
  /** The label of the contender that the others are compared with. */
  readonly baseline: string;
  /** Who takes part, by label, in the order of their turns. */
  readonly contenders: Readonly<Record<string, Contender>>;
  /** What is to be reached. */
  readonly figures?: readonly Figure[];
}

/** What came out for one contender. */
export interface Result {
  readonly label: string;
  readonly median: number;
  readonly samples: readonly number[];
  /** How many times as good as the baseline; above 1 is better. `null` if there is no baseline. */
  readonly ratio: number | null;
}

/** What came out of a figure; `met` is `null` if a side of it was not measured. */
export type Verdict = Figure & { readonly value: number | null; readonly met: boolean | null };

/** What came out of a row. */
export interface RowReport {
  readonly name: string;
  readonly unit: string;
  readonly better: "less" | "more";
  readonly baseline: string;
  readonly results: readonly Result[];
  /** Who did not take part, and why. */
  readonly absent: Readonly<Record<string, string>>;
  /** Who broke down, and how. */
  readonly failed: Readonly<Record<string, string>>;
  readonly figures: readonly Verdict[];
}

/** What a contender measures is not there: a program not installed, a work not known. */
export class Absent extends Error {
  /** The class name. */
  override readonly name: string = "Absent";
}

/** The middle value; between the two middle ones if there is no one middle. */
export function median(samples: readonly number[]): number {
  if (samples.length === 0) throw new RangeError("Cannot take the median of nothing");
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Measures a row: `rounds` rounds, in each of which every contender takes one sample in turn.
 *
 * One that is absent or fails is not asked again, and what it gave before it failed does not count.
 */
export async function measureRow(row: Row, rounds: number): Promise<RowReport> {
  const samples = new Map<string, number[]>(Object.keys(row.contenders).map((one) => [one, []]));
  const absent: Record<string, string> = {};
  const failed: Record<string, string> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [label, taken] of [...samples]) {
      try {
        taken.push(await row.contenders[label]!());
      } catch (error) {
        samples.delete(label);
        const reason = error instanceof Error ? error.message : String(error);
        (error instanceof Absent ? absent : failed)[label] = reason;
      }
    }
  }
  const medians = new Map([...samples].map(([label, taken]) => [label, median(taken)]));
  const better = row.better ?? "less";
  const ratio = (label: string, against: string): number | null => {
    const a = medians.get(label);
    const b = medians.get(against);
    if (a === undefined || b === undefined) return null;
    return better === "less" ? b / a : a / b;
  };
  return {
    name: row.name,
    unit: row.unit,
    better,
    baseline: row.baseline,
    results: [...samples].map(([label, taken]) => ({
      label,
      median: medians.get(label)!,
      samples: taken,
      ratio: ratio(label, row.baseline),
    })),
    absent,
    failed,
    figures: (row.figures ?? []).map((figure): Verdict => {
      const value = "against" in figure
        ? ratio(figure.of, figure.against)
        : medians.get(figure.of) ?? null;
      if (value === null) return { ...figure, value, met: null };
      return {
        ...figure,
        value,
        met: "against" in figure ? value >= figure.atLeast : value <= figure.atMost,
      };
    }),
  };
}

/** Two or three digits that count, and thousands set apart. */
export function digits(value: number): string {
  if (value > 0 && value < 0.1) return value.toPrecision(2);
  const decimals = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    useGrouping: true,
  }).replaceAll(",", " ");
}

function describe(figure: Verdict): string {
  const mark = figure.met === null ? "not measured" : figure.met ? "reached" : "MISSED";
  const value = figure.value === null ? "" : digits(figure.value);
  return "against" in figure
    ? `${mark}: ${figure.of} ${value}× ${figure.against}, wanted ${digits(figure.atLeast)}×`
    : `${mark}: ${figure.of} ${value}, wanted ${digits(figure.atMost)} at most`;
}

/** The report of a row as text: a table, who is missing, and the figures. */
export function formatRow(report: RowReport): string {
  const table = new Table({
    head: ["", report.unit, "least", "most", `× ${report.baseline}`],
    colAligns: ["left", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { label, median, samples, ratio } of report.results) {
    const spread = [Math.min(...samples), Math.max(...samples)].map(digits);
    table.push([label, digits(median), ...spread, ratio === null ? "" : digits(ratio)]);
  }
  const lines = [`${report.name} (${report.better} is better)`, table.toString()];
  for (const [label, reason] of Object.entries(report.absent)) {
    lines.push(`  absent: ${label} (${reason})`);
  }
  for (const [label, reason] of Object.entries(report.failed)) {
    lines.push(`  FAILED: ${label} (${reason})`);
  }
  lines.push(...report.figures.map((figure) => `  ${describe(figure)}`));
  return lines.join("\n");
}
