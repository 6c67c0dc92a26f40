/**
 * The simulator: declared jobs through a policy, event by event, on one processor.
 *
 * At one instant things happen in this order: the running job's burst, I/O point or quantum ends; the
 * jobs that become ready, by arriving or from I/O, enter by arrival and place; a job whose quantum
 * ended enters behind them; then the policy decides. Textbooks leave that order open, and their
 * answers differ by it; with it fixed, each run has one result.
 *
 * Times are counted in parts of the caller's unit, a billionth at the least, as whole numbers, so that
 * 0.1 + 0.2 meets 0.3 and two jobs that are ready at one instant really are. What would leave the whole
 * numbers is refused. Rejected: comparing with a tolerance, which is not transitive and moves the ties
 * it should settle; and BigInt, at a tenth of the speed for times that nobody measures.
 */
import { Heap, type HeapItem } from "../internal/heap.ts";
import { type Discipline, earlier, type Entry, type ReadyJob } from "./discipline.ts";
import { checkJobs, checkSpan, type Job, partsOf, refuseTurns, timesOf } from "./job.ts";
import { type FinishedJob, measure, type Simulation, type Slice } from "./metrics.ts";
import { SchedulingPolicy } from "./scheduling_policy.ts";
import { checkInstance, checkMs, checkOptions } from "../kernel/checks.ts";

/** More turns than this are refused: each is kept for the picture, some 100 bytes. */
const MOST_TURNS = 4_000_000;

/** How a simulation is to go. */
export interface SimulateOptions {
  /** What it costs to give the processor to another job than the one before, in the jobs' unit. @default {0} */
  switchCost?: number;
}

/** A job on its way. */
class Course implements ReadyJob {
  readonly place: number;
  readonly arrival: number;
  readonly priority: number;
  readonly deadline: number;
  readonly tickets: number;
  readonly job: Job;
  readonly burst: number;
  readonly io: readonly (readonly [after: number, duration: number])[];
  length = 0;
  left = 0;
  readySince = 0;
  used = 0;
  ioDone = 0;
  start = -1;
  finish = -1;

  constructor(job: Job, place: number, parts: (time: number) => number) {
    this.job = job;
    this.place = place;
    this.arrival = parts(job.arrival);
    this.burst = parts(job.burst);
    this.priority = job.priority ?? 0;
    this.deadline = job.deadline === undefined ? Infinity : parts(job.deadline);
    this.tickets = job.tickets ?? 1;
    this.io = (job.io ?? []).map(([after, duration]) => [parts(after), parts(duration)]);
  }

  /** How much of the processor it will have used when its present CPU burst ends. */
  get target(): number {
    return this.io[this.ioDone]?.[0] ?? this.burst;
  }

  /** Whether its present CPU burst is empty: it blocks at once, or has finished. */
  get isSpent(): boolean {
    return this.used === this.target;
  }

  /** Begins the CPU burst up to the next I/O, or the end. */
  ready(now: number): void {
    this.readySince = now;
    this.length = this.left = this.target - this.used;
  }

  /** Uses the processor. */
  compute(ms: number): void {
    this.left -= ms;
    this.used = this.left > 0 ? this.used + ms : this.target;
  }
}

/** A job that becomes ready later: by arriving, or from I/O. */
interface Coming extends HeapItem {
  readonly at: number;
  readonly course: Course;
}

/** One processor, one policy, one set of jobs. */
class Machine {
  readonly slices: Slice[] = [];
  readonly courses: readonly Course[];
  readonly #policy: string;
  readonly #discipline: Discipline;
  readonly #cost: number;
  readonly #coming = new Heap<Coming>((a, b) =>
    a.at < b.at || (a.at === b.at && earlier(a.course, b.course))
  );
  #now = 0;
  #running: Course | undefined;
  #last: Course | undefined;
  /** When the running job began to compute, after the switch, or went on computing. */
  #since = 0;

  constructor(jobs: readonly Job[], policy: SchedulingPolicy, scale: number, cost: number) {
    const parts = (time: number): number => Math.round(time * scale);
    this.#policy = policy.name;
    this.#discipline = policy.discipline(scale);
    this.#cost = parts(cost);
    this.courses = jobs.map((job, place) => new Course(job, place, parts));
    for (const course of this.courses) this.#later(course, course.arrival);
  }

  /** Goes from event to event until every job has finished. */
  run(): void {
    let turns = 0;
    for (let next = this.#nextEvent(); next < Infinity; next = this.#nextEvent()) {
      if (++turns > MOST_TURNS) {
        refuseTurns(this.courses.map(({ job }) => job), this.#policy, MOST_TURNS);
      }
      if (next > Number.MAX_SAFE_INTEGER) {
        throw new RangeError(
          "Cannot schedule jobs: with switchCost they end beyond what is exact; use shorter times",
        );
      }
      this.#now = next;
      const expired = this.#settleRunning();
      for (let first = this.#coming.peek(); first?.at === next; first = this.#coming.peek()) {
        this.#admit(this.#coming.pop()!.course);
      }
      if (expired !== undefined) this.#enter(expired, "quantum");
      this.#decide();
    }
  }

  #later(course: Course, at: number): void {
    this.#coming.push({ place: -1, at, course });
  }

  #nextEvent(): number {
    const coming = this.#coming.peek()?.at ?? Infinity;
    const running = this.#running;
    if (running === undefined) return coming;
    const turn = this.#since + Math.min(running.left, this.#discipline.allowance(running));
    const change = this.#discipline.nextChange?.(this.#now) ?? Infinity;
    return Math.min(coming, turn, Math.max(change, this.#now));
  }

  /** Charges the running job for its time, and takes it off the processor if it has to leave. */
  #settleRunning(): Course | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    const ms = Math.max(0, this.#now - this.#since);
    if (ms > 0) {
      if (running.start < 0) running.start = this.#since;
      running.compute(ms);
      this.#discipline.charge(running, ms);
      this.#note(running);
      this.#since = this.#now;
    }
    if (running.left > 0 && this.#discipline.allowance(running) > 0) return undefined;
    this.#running = undefined;
    if (running.left > 0) return running;
    this.#leave(running);
    return undefined;
  }

  /** A job has come: by arriving, or from I/O. */
  #admit(course: Course): void {
    if (course.isSpent) this.#leave(course);
    else {
      course.ready(this.#now);
      this.#enter(course, "ready");
    }
  }

  /** A job goes to its device, or has finished. */
  #leave(course: Course): void {
    const io = course.io[course.ioDone++];
    if (io === undefined) course.finish = this.#now;
    else this.#later(course, this.#now + io[1]);
  }

  #enter(course: Course, why: Entry): void {
    this.#discipline.enter(course, why, this.#now);
  }

  #decide(): void {
    const running = this.#running;
    if (running !== undefined) {
      if (!this.#discipline.displaces(running, this.#now)) return;
      this.#running = undefined;
      this.#enter(running, "displaced");
    }
    const next = this.#discipline.pick(this.#now) as Course | undefined;
    if (next === undefined) return;
    const isSwitch = this.#last !== undefined && this.#last !== next;
    this.#running = this.#last = next;
    this.#since = this.#now + (isSwitch ? this.#cost : 0);
  }

  /** Adds to the picture: touching pieces of one job are one. */
  #note(course: Course): void {
    const last = this.slices.at(-1);
    if (last?.job === course.place && last.to === this.#since) last.to = this.#now;
    else this.slices.push({ job: course.place, from: this.#since, to: this.#now });
  }
}

/**
 * Runs declared jobs through a policy on one processor, in no time, and says what became of each.
 *
 * The result depends on nothing but the arguments: ties go by arrival, then by place in the list, and
 * chance comes from the policy's seed. Every job has a device of its own for its I/O.
 *
 * @example Shortest job first (Silberschatz, Operating System Concepts, section on SJF)
 * ```ts
 * import { simulate, sjf } from "@weft/weft";
 * const { average } = simulate([
 *   { name: "P1", arrival: 0, burst: 6 },
 *   { name: "P2", arrival: 0, burst: 8 },
 *   { name: "P3", arrival: 0, burst: 7 },
 *   { name: "P4", arrival: 0, burst: 3 },
 * ], sjf());
 * if (average.waiting !== 7) throw new Error(String(average.waiting));
 * ```
 *
 * @param jobs Each with a name of its own, an arrival and a burst.
 * @param policy One of {@linkcode fcfs}, {@linkcode rr}, {@linkcode mlfq} …; it is not changed.
 * @param options What a switch costs.
 * @returns The picture, per job and on average what the textbooks ask for.
 * @throws {TypeError} If a job is none, if the jobs take longer than can be counted exactly (2^53 of the
 * parts in which all times are whole), or more than four million turns; the error names job, field and rule.
 */
export function simulate(
  jobs: readonly Job[],
  policy: SchedulingPolicy,
  options: SimulateOptions = {},
): Simulation {
  checkInstance(policy, SchedulingPolicy, "a policy");
  checkOptions(options, "simulate()");
  checkJobs(jobs, policy.needs);
  const cost = checkMs(options.switchCost ?? 0, "a cost of a switch");
  const scale = partsOf([...jobs.flatMap(timesOf), ...policy.times, cost]);
  checkSpan(jobs, scale);
  const machine = new Machine(jobs, policy, scale, cost);
  machine.run();
  const results: FinishedJob[] = machine.courses.map((course) => ({
    job: course.job,
    start: course.start,
    finish: course.finish,
  }));
  return measure(results, machine.slices, scale);
}
