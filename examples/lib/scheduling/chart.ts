/** A Gantt chart for the terminal, and the tables beside it. */
import Table from "cli-table3";
import type { Job, Simulation } from "@weft/weft";

/** Columns of the chart without the names. */
const WIDTH = 84;
/** Columns of a name. */
const NAME = 12;
/** So many jobs get a row. */
const ROWS = 24;

/** A name on one line, of at most {@linkcode NAME} characters. */
export function shortName(name: string): string {
  const plain = [...name.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "·")];
  return plain.length > NAME ? `${plain.slice(0, NAME - 1).join("")}…` : plain.join("");
}

/** A number in at most eight columns. */
export function shortNumber(value: number): string {
  const plain = value.toFixed(2).replace(/\.?0+$/, "");
  return plain.length <= 8 ? plain : value.toExponential(2);
}

/** One row a job: `█` on the processor, `░` in the system but not on it. */
export function drawChart(jobs: readonly Job[], result: Simulation): string {
  const from = result.gantt[0]!.from;
  const to = result.jobs.reduce((most, job) => Math.max(most, job.finish), from);
  const edge = (time: number): number => Math.round((time - from) / (to - from) * WIDTH);
  const rows = new Map(
    result.jobs.slice(0, ROWS).map(({ name, finish }, at) => {
      const row = new Array<string>(WIDTH).fill(" ");
      return [name, row.fill("░", Math.max(0, edge(jobs[at]!.arrival)), edge(finish))];
    }),
  );
  for (const piece of result.gantt) {
    const first = Math.min(edge(piece.from), WIDTH - 1);
    rows.get(piece.name)?.fill("█", first, Math.max(first + 1, edge(piece.to)));
  }
  const lines = [...rows].map(([name, row]) =>
    `  ${shortName(name).padEnd(NAME)} ${row.join("").trimEnd()}`
  );
  const left = result.jobs.length - rows.size;
  if (left > 0) lines.push(`  … and ${left} more jobs`);
  const [begin, end] = [shortNumber(from), shortNumber(to)];
  lines.push(`  ${"".padEnd(NAME)} ${begin}${end.padStart(WIDTH - begin.length)}`);
  return lines.join("\n");
}

const CHARS = { "mid": "", "left-mid": "", "mid-mid": "", "right-mid": "" }; // no rule under every row

/** The averages of each policy, side by side. */
export function drawAverages(results: ReadonlyMap<string, Simulation>): string {
  const table = new Table({
    head: [
      "policy",
      "waiting",
      "turnaround",
      "response",
      "slowdown",
      "fairness",
      "CPU use",
      "switches",
    ],
    colAligns: ["left", "right", "right", "right", "right", "right", "right", "right"],
    style: { head: [], border: [] },
    chars: CHARS,
  });
  for (const [name, { average, fairness, cpuUse, switches }] of results) {
    const { waiting, turnaround, response, slowdown } = average;
    table.push([
      name,
      ...[waiting, turnaround, response, slowdown, fairness].map(shortNumber),
      `${Math.round(cpuUse * 100)} %`,
      String(switches),
    ]);
  }
  return table.toString();
}

/** How long each job waited under each policy, side by side. */
export function drawWaiting(results: ReadonlyMap<string, Simulation>): string {
  const names = [...results.keys()];
  const table = new Table({
    head: ["waiting", ...names.map((name) => name === "priority-preemptive" ? "prio-pre" : name)],
    colAligns: ["left", ...names.map(() => "right" as const)],
    style: { head: [], border: [] },
    chars: CHARS,
  });
  const jobs = results.values().next().value!.jobs;
  jobs.slice(0, ROWS).forEach(({ name }, at) => {
    table.push([
      shortName(name),
      ...[...results.values()].map((result) => shortNumber(result.jobs[at]!.waiting)),
    ]);
  });
  return table.toString();
}
