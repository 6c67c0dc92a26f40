/**
 * The benchmark: weft beside plain Deno and beside what else there is, in one run, on one machine.
 * See rows.ts for what is compared, harness.ts for how, and peers/ for the programs.
 */
import { parseArgs } from "@std/cli/parse-args";
import { cleanUp, describeMachine } from "./children.ts";
import { curves } from "./curve/curves.ts";
import { type CurveReport, formatCurve, measureCurve } from "./curve/measure.ts";
import { formatRow, measureRow } from "./harness.ts";
import { rows } from "./rows.ts";

const HELP = `\
Measure weft beside plain Deno and its peers, as far as these are installed.

  deno task bench [--only ROW]... [--rounds N] [--json]
  deno task bench --curve [--only CURVE]... [--rounds N] [--json] [--svg FILE]

  --only ROW   only the rows whose name contains ROW; may be given more than once
  --rounds N   how many samples each contender takes in turn; the median counts (5)
  --json       print { machine, rounds, rows }, or curves in place of rows, and nothing else
  --curve      what a step, a spawn, a sleeper, a wait, a connection, a registered handle and a
               job cost as there are more of them: nanoseconds of processor time (3 rounds)
  --svg FILE   with --curve, also draw the curves, both axes logarithmic
  --list       print the names of the rows
  --help       print this

All rows with 5 rounds take seventeen minutes, those of worker pools (--only pool) seven of
them. For the latter Node's pools are installed, which takes npm and the network. Where a
ratio stands, it says how many times as good as the baseline; above 1 is better.`;

function refuse(message: string): never {
  console.error(message);
  Deno.exit(2);
}

const args = parseArgs(Deno.args, {
  boolean: ["curve", "help", "json", "list"],
  string: ["only", "rounds", "svg"],
  collect: ["only"],
  alias: { h: "help" },
  unknown: (arg) => refuse(`Unknown option ${arg}; see --help`),
});
if (args.help) {
  console.log(HELP);
  Deno.exit(0);
}
const rounds = Number(args.rounds ?? (args.curve ? "3" : "5"));
if (!Number.isInteger(rounds) || rounds < 1) {
  refuse(`Option --rounds must be a whole number, one or more; got "${args.rounds}"`);
}
if (args.svg !== undefined && (!args.curve || args.svg === "")) {
  refuse("Option --svg needs a FILE, and --curve");
}

/** Those of a list that --only asks for; ends the program if --list asks for their names. */
function choose<T extends { name: string }>(list: readonly T[]): T[] {
  const chosen = list.filter(({ name }) =>
    args.only.length === 0 || args.only.some((part) => name.includes(part))
  );
  if (chosen.length === 0) refuse(`No row is called "${args.only.join('" or "')}"; see --list`);
  if (args.list) {
    for (const { name } of chosen) console.log(name);
    Deno.exit(0);
  }
  return chosen;
}

type Machine = Awaited<ReturnType<typeof describeMachine>>;

/** Measures one after the other, and prints each as it is done. */
async function measureAll<T extends { name: string }, R>(
  chosen: readonly T[],
  measure: (one: T) => Promise<R>,
  format: (report: R) => string,
): Promise<{ machine: Machine; reports: R[] }> {
  try {
    const reports: R[] = [];
    const machine = await describeMachine();
    if (!args.json) {
      console.log(Object.entries(machine).map(([key, value]) => `${key}: ${value}`).join("\n"));
    }
    for (const [index, one] of chosen.entries()) {
      console.error(`[${index + 1}/${chosen.length}] ${one.name} …`);
      const report = await measure(one);
      reports.push(report);
      if (!args.json) console.log(`\n${format(report)}`);
    }
    return { machine, reports };
  } finally {
    await cleanUp();
  }
}

function printJson(found: unknown): void {
  if (args.json) console.log(JSON.stringify(found, null, 2));
}

function fail(reports: readonly { failed: Readonly<Record<string, string>> }[]): void {
  if (reports.some(({ failed }) => Object.keys(failed).length > 0)) Deno.exitCode = 1;
}

async function measureRows(): Promise<void> {
  const chosen = choose(rows);
  const { machine, reports } = await measureAll(
    chosen,
    (row) => measureRow(row, rounds),
    formatRow,
  );
  printJson({ machine, rounds, rows: reports });
  const verdicts = reports.flatMap(({ figures }) => figures);
  const count = (met: boolean | null): number => verdicts.filter((one) => one.met === met).length;
  if (!args.json && verdicts.length > 0) {
    console.log(
      `\nfigures: ${count(true)} reached, ${count(false)} missed, ${count(null)} not measured`,
    );
  }
  fail(reports);
}

async function measureCurves(): Promise<void> {
  const chosen = choose(await curves());
  const measure = (curve: typeof chosen[number]): Promise<CurveReport> =>
    measureCurve(curve, rounds);
  const { machine, reports } = await measureAll(chosen, measure, formatCurve);
  if (args.svg !== undefined) {
    const { drawCurves } = await import("./curve/draw.ts");
    await Deno.writeTextFile(args.svg, drawCurves(reports));
  }
  printJson({ machine, rounds, curves: reports });
  fail(reports);
}

await (args.curve ? measureCurves() : measureRows());
