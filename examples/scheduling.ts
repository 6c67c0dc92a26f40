/**
 * Scheduling policies on one set of jobs: who gets the processor when, and what that does to waiting,
 * turnaround and response. Watch for the short jobs: first come, first served makes them wait behind
 * the long one, shortest job first never does, and round robin and the feedback queue come close
 * without knowing any length beforehand.
 *
 * With `--live` the same jobs run as real coroutines under the same policies, in virtual time. They
 * can be preempted only where they yield; a declared burst yields wherever that could matter.
 *
 *     deno run --allow-read examples/scheduling.ts
 */
import { simulate, type Simulation } from "@weft/weft";
import { readArgs, refuse } from "./lib/cli.ts";
import { drawAverages, drawChart, drawWaiting } from "./lib/scheduling/chart.ts";
import { JOBS, parseJobs } from "./lib/scheduling/jobs.ts";
import { firstDifference, runLive } from "./lib/scheduling/live.ts";
import { POLICIES, policyNames } from "./lib/scheduling/policies.ts";

const args = readArgs(
  `Scheduling policies on one set of jobs: Gantt charts, waiting, turnaround, response.

  deno run --allow-read examples/scheduling.ts [--policy LIST] [--quantum N] [--jobs FILE.json] [--json] [--live]

  --policy   a comma list of ${Object.keys(POLICIES).join(" ")} (all)
  --quantum  how long a turn is, for rr and mlfq (4)
  --jobs     a file with [ { "name": "A", "arrival": 0, "burst": 3, "priority": 1, "io": [[1, 2]] } ]
  --json     only JSON on stdout
  --live     run them as coroutines, too, and compare the order`,
  {
    string: { policy: Object.keys(POLICIES).join(), quantum: "4", jobs: "" },
    boolean: ["json", "live"],
  },
);

/** Reads what was asked for, or ends with one line. */
function read() {
  const { quantum: quantumText = "", policy = "", jobs: file = "" } = args.string;
  const quantum = Number(quantumText);
  if (!/^[\d.]+(e[+-]?\d+)?$/i.test(quantumText) || !(quantum >= 1e-9 && quantum < Infinity)) {
    const rule = "a number above 0, of at least a billionth";
    refuse(`Option --quantum must be ${rule}; got ${JSON.stringify(quantumText)}`);
  }
  try {
    const names = policyNames(policy);
    return { quantum, names, jobs: file === "" ? JOBS : parseJobs(readFile(file), names) };
  } catch (error) {
    refuse((error as Error).message);
  }
}

function readFile(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    refuse(
      `Cannot read --jobs ${JSON.stringify(file)}: ${(error as Error).message.split("\n")[0]}`,
    );
  }
}

const { quantum, names, jobs } = read();

/** Simulates each policy, or ends with one line: there are jobs too long to be scheduled exactly. */
function simulateAll(): Map<string, Simulation> {
  try {
    return new Map(names.map((name) => [name, simulate(jobs, POLICIES[name]!(quantum))]));
  } catch (error) {
    refuse((error as Error).message);
  }
}

const results = simulateAll();

if (args.boolean.json) {
  const shown = [...results].map(([name, { jobs, average, gantt, switches }]) => [name, {
    jobs: jobs.map(({ slowdown: _, ...job }) => job),
    average: {
      waiting: average.waiting,
      turnaround: average.turnaround,
      response: average.response,
    },
    gantt,
    switches,
  }]);
  console.log(JSON.stringify(Object.fromEntries(shown), null, 2));
} else {
  for (const [name, result] of results) {
    console.log(`${name}${name === "rr" || name === "mlfq" ? `, quantum ${quantum}` : ""}`);
    console.log(`${drawChart(jobs, result)}\n`);
  }
  console.log(drawWaiting(results));
  console.log(drawAverages(results));
}

if (args.boolean.live) {
  for (const [name, { gantt }] of results) {
    const difference = firstDifference(await runLive(jobs, name, quantum), gantt);
    const verdict = difference ?? "live order equals the simulator's";
    if (args.boolean.json) console.error(`${name}: ${verdict}`);
    else console.log(`${name}: ${verdict}`);
    if (difference !== undefined) Deno.exitCode = 1;
  }
}
