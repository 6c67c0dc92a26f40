/** What the textbooks ask of a schedule: waiting, turnaround, response, and how fair it was. */
import type { Job } from "./job.ts";

/** A piece of processor time of one job, in parts; `job` is its place in the list. */
export interface Slice {
  readonly job: number;
  readonly from: number;
  to: number;
}

/** When a job began and finished, in parts. */
export interface FinishedJob {
  readonly job: Job;
  readonly start: number;
  readonly finish: number;
}

/** What became of one job. */
export interface JobMetrics {
  /** The name it was declared with. */
  readonly name: string;
  /** When it was first on the processor. */
  readonly start: number;
  /** When its last burst or I/O ended. */
  readonly finish: number;
  /** The time it spent ready. */
  readonly waiting: number;
  /** From arrival to finish. */
  readonly turnaround: number;
  /** From arrival to start. */
  readonly response: number;
  /** Turnaround over what it would take alone; 1 is the best. */
  readonly slowdown: number;
}

/** What a simulation gives: all in the unit of the jobs. */
export interface Simulation {
  /** Per job, in the order of the list. */
  readonly jobs: readonly JobMetrics[];
  /** Plain means over the jobs. */
  readonly average: {
    readonly waiting: number;
    readonly turnaround: number;
    readonly response: number;
    readonly slowdown: number;
  };
  /** Who had the processor when; touching pieces of one job are one, idle time is a gap. */
  readonly gantt: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  /** How often the processor went from one job to another. */
  readonly switches: number;
  /** Jain's index over the jobs' speeds (1 / slowdown): 1 is fair, 1/n is one job served alone. */
  readonly fairness: number;
  /** Jobs finished per unit of time, from the first arrival to the last finish. */
  readonly throughput: number;
  /** The part of that time in which a job computed. */
  readonly cpuUse: number;
}

/**
 * Measures a finished schedule. Sums stay whole numbers of parts until they are divided once: big ones,
 * since the times of a thousand jobs together may leave the whole numbers that a single time keeps.
 */
export function measure(
  results: readonly FinishedJob[],
  slices: readonly Slice[],
  parts: number,
): Simulation {
  const whole = (time: number): number => Math.round(time * parts);
  const sums = { waiting: 0n, turnaround: 0n, response: 0n, slowdown: 0, speed: 0, squares: 0 };
  const jobs = results.map(({ job, start, finish }): JobMetrics => {
    const arrival = whole(job.arrival);
    const alone = (job.io ?? []).reduce((sum, [, ms]) => sum + whole(ms), whole(job.burst));
    const turnaround = finish - arrival;
    const slowdown = turnaround / alone;
    sums.waiting += BigInt(turnaround - alone);
    sums.turnaround += BigInt(turnaround);
    sums.response += BigInt(start - arrival);
    sums.slowdown += slowdown;
    sums.speed += 1 / slowdown;
    sums.squares += 1 / slowdown ** 2;
    return {
      name: job.name,
      start: start / parts,
      finish: finish / parts,
      waiting: (turnaround - alone) / parts,
      turnaround: turnaround / parts,
      response: (start - arrival) / parts,
      slowdown,
    };
  });
  const n = results.length;
  const first = results.reduce((least, { job }) => Math.min(least, whole(job.arrival)), Infinity);
  const last = results.reduce((most, { finish }) => Math.max(most, finish), 0);
  const busy = slices.reduce((sum, { from, to }) => sum + (to - from), 0);
  return {
    jobs,
    average: {
      waiting: Number(sums.waiting) / (n * parts),
      turnaround: Number(sums.turnaround) / (n * parts),
      response: Number(sums.response) / (n * parts),
      slowdown: sums.slowdown / n,
    },
    gantt: slices.map(({ job, from, to }) => ({
      name: results[job]!.job.name,
      from: from / parts,
      to: to / parts,
    })),
    switches: slices.filter(({ job }, at) => at > 0 && slices[at - 1]!.job !== job).length,
    fairness: sums.speed ** 2 / (n * sums.squares),
    throughput: n * parts / (last - first),
    cpuUse: busy / (last - first),
  };
}
