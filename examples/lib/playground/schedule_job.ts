/** The jobs of the tab `Schedule` under each policy: a job for a pool, because jobs may be many. */
import { type Job, jobs, simulate, type Simulation } from "@weft/weft";
import { parseJobs } from "../scheduling/jobs.ts";
import { POLICIES } from "../scheduling/policies.ts";
import { shortNumber } from "../scheduling/chart.ts";
import { drawLanes, MOST_ROWS, oneLine, type Picture, type Piece, type Row } from "./picture.ts";

/** The columns of the table `Averages`. */
export const AVERAGE_COLUMNS = ["Policy", "Waiting", "Turnaround", "Response", "Switches"] as const;

/** What the page gets to show, or what is wrong with the jobs. */
export type Schedule =
  | {
    readonly rows: readonly (readonly string[])[];
    readonly pictures: readonly (readonly [string, Picture])[];
  }
  | { readonly error: string };

/** So many pieces are told in words. */
const MOST_WORDS = 60;

export const { schedule } = jobs(import.meta, {
  /** Simulates all policies. */
  schedule(text: string, quantum: number): Schedule {
    const names = Object.keys(POLICIES);
    let list: readonly Job[];
    let results: (readonly [name: string, Simulation])[];
    try {
      list = parseJobs(text, names);
      results = names.map((name) => [name, simulate(list, POLICIES[name]!(quantum))] as const);
    } catch (error) {
      return { error: (error as Error).message };
    }
    return {
      rows: results.map(([name, { average, switches }]) => [
        name,
        ...[average.waiting, average.turnaround, average.response, switches].map((value) =>
          value.toFixed(2)
        ),
      ]),
      pictures: results.map(([name, result]) => [name, draw(name, list, result)] as const),
    };
  },
});

function draw(policy: string, list: readonly Job[], { jobs, gantt }: Simulation): Picture {
  const from = Math.min(...list.slice(0, MOST_ROWS).map(({ arrival }) => arrival), gantt[0]!.from);
  const to = jobs.reduce((most, { finish }) => Math.max(most, finish), 0);
  const pieces = Map.groupBy(gantt, ({ name }) => name);
  const rows = list.map((job, at): Row =>
    at < MOST_ROWS
      ? { name: job.name, pieces: lifeOf(job, pieces.get(job.name)!, jobs[at]!.finish) }
      : { name: job.name, pieces: [] }
  );
  const { svg } = drawLanes({ title: policy, unit: "", rows, from, to });
  const words = gantt.slice(0, MOST_WORDS).map((piece) =>
    `${oneLine(piece.name, 40)} ${shortNumber(piece.from)} to ${shortNumber(piece.to)}`
  );
  const more = gantt.length > MOST_WORDS ? `; and ${gantt.length - MOST_WORDS} more` : "";
  return { svg, text: `${policy}: ${words.join("; ")}${more}` };
}

/** Ready from its arrival to its end, but where it runs, and where it waits for its device. */
function lifeOf(
  job: Job,
  turns: readonly { from: number; to: number }[],
  finish: number,
): Piece[] {
  const pieces: Piece[] = [];
  const io = [...job.io ?? []];
  let now = job.arrival;
  let used = 0;
  const block = (): void => {
    while (io.length > 0 && Math.abs(io[0]![0] - used) < 1e-6) {
      const [, duration] = io.shift()!;
      pieces.push({ state: "waiting", from: now, to: now + duration });
      now += duration;
    }
  };
  block();
  for (const { from, to } of turns) {
    if (from > now) pieces.push({ state: "ready", from: now, to: from });
    pieces.push({ state: "running", from, to });
    used += to - from;
    now = to;
    block();
  }
  if (finish - now > 1e-6) pieces.push({ state: "waiting", from: now, to: finish });
  return pieces;
}
