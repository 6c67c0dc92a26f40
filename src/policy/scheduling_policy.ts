/**
 * A textbook policy on live tasks: the scheduler's policy interface on one side, a discipline on the
 * other.
 *
 * Preemption happens at yields only. What a policy can do is be honest about them: a task that cedes
 * before its quantum is used up, and that nobody may displace, goes on at once, so a bare `yield` is
 * an offer and not a loss. Time is charged to the task whose step used it: on the machine's clock as
 * measured, on a virtual clock as declared by {@linkcode SchedulingPolicy.burst}.
 *
 * Tasks that become ready between two steps enter together, by the time at which they did, then by
 * arrival and place: the order in which the simulator lets them in.
 *
 * Where the length of a burst is not declared, it is predicted as in the textbooks (Silberschatz,
 * section on SJF): the exponential average of the bursts before.
 */
import {
  checkArray,
  checkFunction,
  checkMethods,
  checkMs,
  checkNumber,
  checkOptions,
  checkWhole,
  COUNT,
} from "../kernel/checks.ts";
import type { Clock } from "../kernel/clock.ts";
import { currentScope } from "../kernel/context.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import type { Policy } from "../kernel/ready_queue.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import { type Discipline, earlier, type ReadyJob } from "./discipline.ts";
import { LEAST_TIME, type Needed } from "./job.ts";

/** How much the latest burst weighs in a prediction. */
const LATEST = 0.5;

/** What a policy is told of a task. */
export interface TaskTerms {
  /** A lower number goes first. @default {0} */
  priority?: number;
  /** When it must be done, on the run's clock. @default {Infinity} */
  deadline?: number;
  /** Its share, for {@linkcode lottery} and {@linkcode stride}. @default {1} */
  tickets?: number;
  /** How long its CPU bursts are, from one wait to the next, in ms. @default predicted */
  bursts?: readonly number[];
  /** Breaks ties. @default when it first became ready */
  arrival?: number;
  /** Breaks ties between equal arrivals. @default the task's id */
  place?: number;
}

/** A task as a discipline sees it. */
class LiveJob implements ReadyJob {
  readonly task: Task;
  arrival: number;
  place: number;
  priority = 0;
  deadline = Infinity;
  tickets = 1;
  length = 0;
  left = 0;
  readySince: number;
  #declared: readonly number[] = [];
  #burst = 0;
  #used = 0;
  #predicted = 0;

  constructor(task: Task, now: number) {
    this.task = task;
    this.arrival = this.readySince = now;
    this.place = task.id;
  }

  /** Takes its terms; those left out stay as they are. */
  take(terms: TaskTerms): void {
    this.priority = terms.priority ?? this.priority;
    this.deadline = terms.deadline ?? this.deadline;
    this.tickets = terms.tickets ?? this.tickets;
    this.arrival = terms.arrival ?? this.arrival;
    this.place = terms.place ?? this.place;
    if (terms.bursts === undefined) return;
    this.#declared = terms.bursts;
    this.left = this.length = this.#declared[this.#burst] ?? 0;
  }

  /** Begins a CPU burst: it has become ready. */
  begin(now: number): void {
    this.readySince = now;
    this.#used = 0;
    this.left = this.length = this.#declared[this.#burst] ?? this.#predicted;
  }

  /** Has used the processor. */
  use(ms: number): void {
    this.#used += ms;
    this.left = Math.max(0, this.length - this.#used);
  }

  /** Ends the CPU burst: it waits. */
  end(): void {
    this.#burst++;
    this.#predicted = LATEST * this.#used + (1 - LATEST) * this.#predicted;
  }
}

/**
 * A scheduling policy, for {@linkcode simulate} and for a run: `run(main, { policy: rr(4) })`.
 *
 * In a run it serves one run at a time. What it cannot do is take the processor from a task: a step
 * ends where the task waits or yields.
 *
 * @example Two tasks take turns of a quantum, in virtual time
 * ```ts
 * import { rr, run, spawn } from "@weft/weft";
 * import { VirtualClock } from "@weft/weft/testing";
 * const policy = rr(2);
 * const clock = new VirtualClock();
 * const ends: string[] = [];
 * await run(function* () {
 *   for (const [name, ms] of [["A", 3], ["B", 2]] as const) {
 *     spawn(function* () {
 *       yield* policy.burst(ms);
 *       ends.push(`${name} at ${clock.now()}`);
 *     });
 *   }
 * }, { policy, clock });
 * if (ends.join() !== "B at 4,A at 5") throw new Error(ends.join());
 * ```
 */
export class SchedulingPolicy implements Policy {
  /** What it is called, as in `rr`. */
  readonly name: string;
  /** Fields that declared jobs must have for it. */
  readonly needs: readonly Needed[];
  /** The finite times that it decides by; a billionth if it does not say. */
  readonly times: readonly number[];
  readonly #make: (scale: number) => Discipline;
  readonly #discipline: Discipline;
  readonly #jobs = new WeakMap<Task, LiveJob>();
  /** The clock of the run that it serves. */
  #clock: Clock | undefined;
  /** Became ready since the last pick, in the order in which they did. */
  readonly #coming: LiveJob[] = [];
  /** Had the last turn. */
  #running: LiveJob | undefined;
  /** Whether it wants to go on. */
  #hasCeded = false;
  /** What of the step under way has been charged already. */
  #charged = 0;

  /**
   * Made by {@linkcode fcfs}, {@linkcode rr} and the others. `make` gets the parts that a unit of time has:
   * as many as make all times whole, those of the jobs and those in `times`.
   */
  constructor(
    name: string,
    make: (scale: number) => Discipline,
    needs: readonly Needed[] = [],
    times: readonly number[] = [LEAST_TIME],
  ) {
    checkFunction(make, "the maker of a discipline");
    this.name = name;
    this.needs = needs;
    this.times = times.filter(Number.isFinite);
    this.#make = make;
    this.#discipline = make(1);
  }

  /** A discipline of its own for a simulation that counts time in `scale` parts of a unit. */
  discipline(scale: number): Discipline {
    return this.#make(scale);
  }

  /**
   * Tells the policy of a task: its priority, its deadline, its share, the lengths of its bursts.
   *
   * @param task A task of the run that this policy serves, best as soon as it is spawned.
   * @param terms What is known; the rest stays as it was.
   * @throws {RangeError} If a term is no number of its kind.
   */
  declare(task: Task, terms: TaskTerms): void {
    checkMethods(task, ["cancel", "join"], "a task");
    const { priority, deadline, tickets, bursts, arrival, place } = checkOptions(terms, "a task");
    for (const [what, value] of Object.entries({ priority, deadline, arrival, place })) {
      if (value !== undefined) checkNumber(value, `a ${what}`);
    }
    if (tickets !== undefined) checkWhole(tickets, "give", "tickets", COUNT);
    if (bursts !== undefined) {
      for (const burst of checkArray(bursts, "CPU bursts")) checkMs(burst, "a CPU burst");
    }
    this.#jobOf(task).take(terms);
  }

  /**
   * Uses the processor for `ms`: on a virtual clock time moves on, on the machine's clock it is spent
   * computing. It gives way at the end of a quantum, and when something becomes due.
   *
   * @param ms How long.
   * @returns An operation; a cancel lands where it would give way.
   */
  burst(ms: number): Operation<void> {
    checkMs(ms, "a CPU burst");
    // deno-lint-ignore no-this-alias -- a generator has a `this` of its own
    const policy = this;
    return sequence(`burst(${ms})`, function* (): Generator<unknown, void, unknown> {
      for (let left = ms; left > 0;) {
        const task = currentScope()!.task;
        const { clock, timers } = schedulerOf(task);
        const now = clock.now();
        const slice = Math.min(left, policy.#room(task, now), (timers.next ?? Infinity) - now);
        if (slice > 0) {
          pass(clock, slice);
          left -= slice;
          policy.#charge(policy.#jobOf(task), slice);
        }
        if (left > 0) yield;
      }
    });
  }

  // -- What the scheduler asks --

  /** How many tasks are ready. */
  get size(): number {
    return this.#discipline.size + this.#coming.length + (this.#hasCeded ? 1 : 0);
  }

  /** Takes in a task that has become ready, or that cedes. */
  add(task: Task): void {
    const job = this.#jobOf(task);
    if (job === this.#running) {
      this.#hasCeded = true;
    } else {
      job.begin(this.#clock!.now());
      this.#coming.push(job);
    }
  }

  /** Gives out the task to run next: the same one again, if it ceded in vain. */
  next(): Task | undefined {
    if (this.#clock === undefined) return undefined; // it has never heard of a task
    const now = this.#clock.now();
    const last = this.#running;
    this.#admit(now);
    if (last !== undefined && this.#hasCeded) {
      this.#hasCeded = false;
      const isUsedUp = this.#discipline.allowance(last) <= 0;
      if (!isUsedUp && !this.#discipline.displaces(last, now)) return last.task;
      this.#discipline.enter(last, isUsedUp ? "quantum" : "displaced", now);
    }
    this.#running = this.#discipline.pick(now) as LiveJob | undefined;
    return this.#running?.task;
  }

  /** Charges a step to the task that took it. */
  ran(task: Task, ms: number): void {
    const rest = ms - this.#charged;
    if (rest > 0) this.#charge(this.#jobOf(task), rest);
    this.#charged = 0;
  }

  /** Ends the CPU burst of a task that waits. */
  blocked(task: Task): void {
    const job = this.#jobOf(task);
    job.end();
    if (job === this.#running) this.#running = undefined;
  }

  #jobOf(task: Task): LiveJob {
    let job = this.#jobs.get(task);
    if (job === undefined) {
      this.#clock = schedulerOf(task).clock;
      job = new LiveJob(task, this.#clock.now());
      this.#jobs.set(task, job);
    }
    return job;
  }

  #charge(job: LiveJob, ms: number): void {
    this.#charged += ms;
    job.use(ms);
    this.#discipline.charge(job, ms);
  }

  #admit(now: number): void {
    const coming = this.#coming;
    if (coming.length > 1) {
      coming.sort((a, b) => a.readySince - b.readySince || (earlier(a, b) ? -1 : 1));
    }
    for (const job of coming) this.#discipline.enter(job, "ready", now);
    coming.length = 0;
  }

  /** How long a task may go on. */
  #room(task: Task, now: number): number {
    const allowance = this.#discipline.allowance(this.#jobOf(task));
    const change = this.#discipline.nextChange?.(now) ?? Infinity;
    return Math.min(allowance, Math.max(change - now, 0));
  }
}

/** Lets time pass on a clock that is moved by hand, or spends it. */
function pass(clock: Clock, ms: number): void {
  if ("advance" in clock && typeof clock.advance === "function") {
    clock.advance(ms);
    return;
  }
  const end = clock.now() + ms;
  while (clock.now() < end);
}
