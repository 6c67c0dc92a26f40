/**
 * What a scheduling policy decides, apart from who asks: the simulator or a live run.
 *
 * A policy of the textbook is an order among ready jobs, a quantum, and a rule for displacing the one
 * that runs. A {@linkcode Discipline} is those three and nothing else; it knows neither tasks nor
 * events. The simulator drives one through declared jobs, {@linkcode SchedulingPolicy} drives one
 * through the tasks of a run. So there is one implementation of each policy, and what the simulator
 * shows is what live tasks do.
 *
 * Rejected: a simulator of its own per policy (two truths), and a comparator alone (round robin,
 * feedback queues and lotteries are no orders).
 *
 * @module
 */

/** A job, or the part of it up to its next wait, as a discipline sees it. */
export interface ReadyJob {
  /** When the job entered the system. Ties go by it, then by `place`. */
  readonly arrival: number;
  /** The job's place in its list. */
  readonly place: number;
  /** A lower number goes first. */
  readonly priority: number;
  /** When it must be done, on the clock's scale. */
  readonly deadline: number;
  /** Its share of the processor among all, for lottery and stride. */
  readonly tickets: number;
  /** How long its present CPU burst is, declared or predicted. */
  length: number;
  /** How much of that burst is left. */
  left: number;
  /** When it last became ready by arriving or after a wait. */
  readySince: number;
}

/**
 * Why a job enters:
 *
 * - `"ready"`: it arrived, or what it waited for has happened;
 * - `"quantum"`: it ran until its quantum was used up;
 * - `"displaced"`: a better one took the processor from it.
 */
export type Entry = "ready" | "quantum" | "displaced";

/** An order among ready jobs, a quantum, and a rule of displacing. Times are on one scale, any scale. */
export interface Discipline {
  /** How many jobs are ready. */
  readonly size: number;
  /** Takes in a job that wants the processor. */
  enter(job: ReadyJob, why: Entry, now: number): void;
  /** Gives out the job to run next. */
  pick(now: number): ReadyJob | undefined;
  /** How long the running job may go on before it has to enter again; zero when its quantum is used up. */
  allowance(job: ReadyJob): number;
  /** Hears that the running job has used the processor. */
  charge(job: ReadyJob, ms: number): void;
  /** Whether a ready job is strictly better than the running one. */
  displaces(running: ReadyJob, now: number): boolean;
  /** When it will change its mind without a job coming or going, if it does so by time. */
  nextChange?(now: number): number;
}

/** By arrival, then by place in the list: how every tie is decided. */
export function earlier(a: ReadyJob, b: ReadyJob): boolean {
  return a.arrival < b.arrival || (a.arrival === b.arrival && a.place < b.place);
}
