/**
 * The benchmark: weft beside plain Deno and beside what else there is, in one run, on one machine.
 * See rows.ts for what is compared, harness.ts for how, and peers/ for the programs.
 */
import { parseArgs } from "@std/cli/parse-args";
import { cleanUp, describeMachine } from "./children.ts";
import { formatRow, measureRow, type RowReport } from "./harness.ts";
import { rows } from "./rows.ts";

const HELP = `\
Measure weft beside plain Deno and its peers, as far as these are installed.

  deno task bench [--only ROW]... [--rounds N] [--json]

  --only ROW   only the rows whose name contains ROW; may be given more than once
  --rounds N   how many samples each contender takes in turn; the median counts (5)
  --json       print { machine, rounds, rows } and nothing else
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
  boolean: ["help", "json", "list"],
  string: ["only", "rounds"],
  collect: ["only"],
  default: { rounds: "5" },
  unknown: (arg) => refuse(`Unknown option ${arg}; see --help`),
});
if (args.help) {
  console.log(HELP);
  Deno.exit(0);
}
const rounds = Number(args.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  refuse(`Option --rounds must be a whole number, one or more; got "${args.rounds}"`);
}
const chosen = rows.filter(({ name }) =>
  args.only.length === 0 || args.only.some((part) => name.includes(part))
);
if (chosen.length === 0) refuse(`No row is called "${args.only.join('" or "')}"; see --list`);
if (args.list) {
  for (const { name } of chosen) console.log(name);
  Deno.exit(0);
}

const reports: RowReport[] = [];
try {
  const machine = await describeMachine();
  if (!args.json) {
    console.log(Object.entries(machine).map(([key, value]) => `${key}: ${value}`).join("\n"));
  }
  for (const [index, row] of chosen.entries()) {
    console.error(`[${index + 1}/${chosen.length}] ${row.name} …`);
    const report = await measureRow(row, rounds);
    reports.push(report);
    if (!args.json) console.log(`\n${formatRow(report)}`);
  }
  if (args.json) console.log(JSON.stringify({ machine, rounds, rows: reports }, null, 2));
} finally {
  await cleanUp();
}

const verdicts = reports.flatMap(({ figures }) => figures);
const count = (met: boolean | null): number => verdicts.filter((one) => one.met === met).length;
if (!args.json && verdicts.length > 0) {
  console.log(
    `\nfigures: ${count(true)} reached, ${count(false)} missed, ${count(null)} not measured`,
  );
}
if (reports.some(({ failed }) => Object.keys(failed).length > 0)) Deno.exitCode = 1;
