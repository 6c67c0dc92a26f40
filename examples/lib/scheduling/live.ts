/**
 * The same jobs as real coroutines under the policy, in virtual time: who had the processor when.
 */
import { type Job, run, sleep, spawn, spawnLater, type Task } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { POLICIES } from "./policies.ts";

/** A piece of processor time. */
export interface Piece {
  name: string;
  from: number;
  to: number;
}

/** The parts of a unit of time in which all times are whole, a billion at most, so that sums of fractions meet. */
function partsOf(jobs: readonly Job[], quantum: number): number {
  const times = [
    quantum,
    ...jobs.flatMap((job) => [job.arrival, job.burst, ...(job.io ?? []).flat()]),
  ];
  let parts = 1;
  while (parts < 1e9 && !times.every((time) => Math.round(time * parts) / parts === time)) {
    parts *= 10;
  }
  return parts;
}

/** Runs the jobs as tasks and notes who used the processor. */
export async function runLive(
  jobs: readonly Job[],
  policyName: string,
  quantum: number,
): Promise<Piece[]> {
  const parts = partsOf(jobs, quantum);
  const scaled = (time: number): number => Math.round(time * parts);
  const policy = POLICIES[policyName]!(scaled(quantum));
  const clock = new VirtualClock();
  const pieces: Piece[] = [];
  const owners = new Map<Task, string>();
  let began = 0;

  await run(function* () {
    for (const [place, job] of jobs.entries()) {
      const course = courseOf(job, scaled);
      const body = function* () {
        for (const { burst, wait } of course.legs) {
          yield* policy.burst(burst);
          if (wait > 0) yield* sleep(wait);
        }
      };
      const task = course.start === 0 ? spawn(body) : spawnLater(course.start, body);
      owners.set(task, job.name);
      policy.declare(task, {
        arrival: scaled(job.arrival),
        place,
        priority: job.priority ?? 0,
        bursts: course.legs.map(({ burst }) => burst),
      });
    }
  }, {
    policy,
    clock,
    instruments: [{
      stepBegin: () => {
        began = clock.now();
      },
      stepEnd: (task) => {
        const name = owners.get(task);
        if (name === undefined || clock.now() === began) return;
        const last = pieces.at(-1);
        if (last?.name === name && last.to === began) last.to = clock.now();
        else pieces.push({ name, from: began, to: clock.now() });
      },
    }],
  });
  return pieces.map(({ name, from, to }) => ({ name, from: from / parts, to: to / parts }));
}

/** A job as a task goes through it: when it first needs the processor, then bursts and waits. */
function courseOf(job: Job, scaled: (time: number) => number) {
  const io = (job.io ?? []).map(([after, ms]) => [scaled(after), scaled(ms)] as const);
  const blocksAtOnce = io[0]?.[0] === 0;
  const start = scaled(job.arrival) + (blocksAtOnce ? io.shift()![1] : 0);
  const burst = scaled(job.burst);
  const stops = [0, ...io.map(([after]) => after), burst];
  const legs = stops.slice(1)
    .map((stop, at) => ({ burst: stop - stops[at]!, wait: io[at]?.[1] ?? 0 }))
    .filter((leg) => leg.burst > 0);
  // What comes after the last burst needs no processor: nobody waits for it.
  if (legs.length > 0) legs.at(-1)!.wait = 0;
  return { start, legs };
}

/** Where two pictures first differ, in one line; `undefined` if they do not. */
export function firstDifference(
  live: readonly Piece[],
  simulated: readonly Piece[],
): string | undefined {
  for (let at = 0; at < Math.max(live.length, simulated.length); at++) {
    const [a, b] = [live[at], simulated[at]];
    if (a?.name === b?.name && a?.from === b?.from && a?.to === b?.to) continue;
    return `live ${shown(a)}, simulator ${shown(b)}`;
  }
  return undefined;
}

function shown(piece: Piece | undefined): string {
  return piece === undefined
    ? "nothing"
    : `${JSON.stringify(piece.name)} ${piece.from}–${piece.to}`;
}
