/** Saying what came out: as a table with a sentence a workload, as JSON, as a report with charts. */
import { type Row, YARDSTICK } from "./compare.ts";
import { record } from "./record.ts";
import { type Machine, machineLine } from "./machine.ts";
import type { Options } from "./options.ts";
import { byWorkload, drawTable } from "./table.ts";
import { verdict } from "./verdict.ts";

/** Prints the comparison in the form that was asked for. */
export async function print(
  machine: Machine,
  rows: readonly Row[],
  options: Options,
): Promise<void> {
  const shown = rows.filter((row) => options.engines.includes(row.engine));
  const verdicts = [...byWorkload(rows)].map(([name, own]) => verdict(name, own, options.workers));
  if (options.html !== "") {
    const { renderReport } = await import("./report.ts");
    const report = renderReport({ machine, rows: shown, verdicts });
    await Deno.writeTextFile(options.html, report);
  }
  if (options.json) {
    console.log(JSON.stringify({ machine, results: shown.map(record) }, null, 2));
    return;
  }
  console.log(machineLine(machine));
  console.log(drawTable(shown));
  if (!options.engines.includes(YARDSTICK)) console.log(`(${YARDSTICK} ran as the yardstick)`);
  for (const sentence of verdicts) console.log(sentence);
  if (options.html !== "") console.log(`report: ${options.html}`);
}
