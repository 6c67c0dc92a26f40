/**
 * What waits for a worker: single jobs, and maps; the more urgent first, and of equally urgent jobs the first come.
 *
 * As a rule all jobs are equally urgent, and then there is one line, which costs what a queue costs. Other
 * lines are made when a job with another priority comes. Jobs that come back (taken from a
 * busy worker, or from a crashed one) go to the front of theirs, so that they lose no time.
 *
 * A line is linked through the jobs themselves. A job that is cancelled in it is only marked: it is passed over
 * when its turn comes, which costs less than finding it.
 */
import { Batch, type BatchContent, type BatchOwner, columnOf, layOut } from "./batch.ts";
import type { ItemRun } from "./item_run.ts";
import type { Job } from "./job.ts";
import type { Allowance, JobSource } from "./placement.ts";
import { report } from "./progress_stream.ts";
import { cloneCost, movablesOf, movingOf } from "../transfer.ts";
import { MOST_MOVED } from "../thread/wire.ts";

/** A job that moves its arguments is not put behind others if it may take longer than this, in milliseconds. */
const SHORT_MS = 1;

const nothing: readonly JobSource[] = [];

/** Single jobs, task bodies among them, and maps. */
export class WaitingWork {
  readonly #jobs = new JobQueue(this, false);
  /** They need not wait for the others, nor those for them. */
  readonly #tasks = new JobQueue(this, true);
  /** Maps that have not ended. */
  readonly maps: Set<ItemRun> = new Set();
  readonly #jobsOnly: readonly JobSource[] = [this.#jobs];
  /** The lowest priority that ever came. */
  #least = 0;
  /** The highest priority that came since it was asked for, if workers may hold less urgent jobs. */
  #urgent = -Infinity;

  /** How many single jobs wait. */
  get jobs(): number {
    return this.#jobs.waiting + this.#tasks.waiting;
  }

  /** Whether there is anything to take: a map whose results nobody reads rests. */
  get some(): boolean {
    if (this.jobs > 0) return true;
    for (const run of this.maps) if (run.waiting > 0) return true;
    return false;
  }

  /** Where a job waits. */
  queueOf({ kind }: Job): JobQueue {
    return kind.isTaskBody ? this.#tasks : this.#jobs;
  }

  /** Takes a job. */
  add(job: Job): void {
    this.queueOf(job).add(job);
    this.#rank(job.terms.priority);
  }

  /** Takes a map that is about to begin. */
  addMap(run: ItemRun): void {
    this.maps.add(run);
    this.#rank(run.priority);
  }

  /** A function has turned out to be a task body: jobs of it wait elsewhere from now on. */
  sort(): void {
    for (const job of [...this.#jobs.drain()]) this.queueOf(job).add(job);
  }

  /** What there is to take from: the most urgent first, of equals what had its turn longest ago. */
  sources(): readonly JobSource[] {
    if (this.maps.size + this.#tasks.waiting === 0) {
      return this.#jobs.waiting > 0 ? this.#jobsOnly : nothing;
    }
    return [this.#jobs, this.#tasks, ...this.maps]
      .filter((source) => source.waiting > 0)
      .sort((a, b) => b.priority - a.priority || a.turn - b.turn);
  }

  /** How urgent what has come is; what is less urgent, and has not begun, makes way for it. */
  takeUrgent(): number {
    const urgent = this.#urgent;
    this.#urgent = -Infinity;
    return urgent;
  }

  /** Takes every job out. */
  *drain(): Generator<Job> {
    yield* this.#jobs.drain();
    yield* this.#tasks.drain();
  }

  /** Ends every map. */
  failMaps(makeError: (job: string) => unknown): void {
    for (const run of [...this.maps]) run.fail(makeError(run.kind.name));
  }

  /** Something of this priority has come. */
  #rank(priority: number): void {
    if (priority > this.#least) this.#urgent = Math.max(this.#urgent, priority);
    else this.#least = priority;
  }
}

/** Jobs nobody works on yet. */
class JobQueue implements JobSource, BatchOwner<Job> {
  readonly areTasks: boolean;
  turn = 0;
  readonly #usual = new JobLine(0);
  /** Every line, the most urgent first; `null` as long as there is but the usual one. */
  #lines: JobLine[] | null = null;
  readonly #work: WaitingWork;
  #waiting = 0;

  /** An empty queue. */
  constructor(work: WaitingWork, areTasks: boolean) {
    this.#work = work;
    this.areTasks = areTasks;
  }

  /** How many jobs wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** About how long one worker would take for them, judged by the first. */
  get work(): number {
    const head = this.#head();
    return head === null ? 0 : head.kind.cost * this.#waiting;
  }

  /** How urgent the first is. */
  get priority(): number {
    return this.#lines === null ? 0 : this.#head()?.terms.priority ?? -Infinity;
  }

  /** Puts a job at the back. */
  add(job: Job): void {
    this.#lineOf(job).add(job);
    this.#waiting++;
  }

  // -- What batches tell --

  /** Jobs returned. */
  returned(first: number, values: readonly unknown[], { items }: Batch<Job>): void {
    for (let i = 0; i < values.length; i++) items[first + i]!.succeed(values[i]);
  }

  /** A job failed. */
  failed(index: number, error: unknown, { items }: Batch<Job>): void {
    items[index]!.fail(error);
  }

  /** A job reports something. */
  reported(index: number, value: unknown, { items }: Batch<Job>): void {
    report(items[index]!, value);
  }

  /** A job will not be heard of again. */
  dropped(index: number, reason: unknown, { items }: Batch<Job>): void {
    items[index]!.end("shutdown", reason);
  }

  /** Jobs were sent, and have not begun: puts them at the front. */
  takenBack(from: number, { items }: Batch<Job>): void {
    for (let index = items.length - 1; index >= from; index--) {
      const job = items[index]!;
      if (job.done) continue;
      job.back();
      const queue = this.#work.queueOf(job); // another, if it has turned out to be a task body
      queue.#lineOf(job).unshift(job);
      queue.#waiting++;
    }
  }

  /** Takes note that a waiting job was cancelled. */
  forget(): void {
    this.#waiting--;
  }

  /** Takes what fits the allowance. */
  take({ jobs: share, ms, idle }: Allowance): Batch | null {
    const head = this.#head();
    if (head === null) return null;
    const moving = movingOf(head.args);
    const moves = moving !== "nothing";
    if (!idle && (!head.kind.measured || (moves && head.kind.cost > SHORT_MS))) return null;
    const alone = !head.kind.measured || moving === "more";
    const most = moves ? Math.min(share, MOST_MOVED) : share;
    const jobs: Job[] = [];
    let cost = 0;
    for (let job: Job | null = head; job !== null; job = this.#head()) {
      const more = cost + costOf(job); // infinity if unmeasured, so that nothing follows it
      if (jobs.length > 0 && (alone || more > ms || movingOf(job.args) !== moving)) break;
      cost = more;
      jobs.push(this.#shift(job));
      if (jobs.length >= most) break;
    }
    const batch = new Batch<Job>(this, pack(jobs, cost / jobs.length), jobs);
    for (let index = 0; index < jobs.length; index++) jobs[index]!.sent(batch, index);
    return batch;
  }

  /** Takes every job out. */
  *drain(): IterableIterator<Job> {
    for (let job = this.#head(); job !== null; job = this.#head()) yield this.#shift(job);
  }

  /** The first job that still matters. Lines that have run empty are forgotten on the way. */
  #head(): Job | null {
    const lines = this.#lines;
    if (lines === null) return this.#usual.head();
    for (let i = 0; i < lines.length;) {
      const head = lines[i]!.head();
      if (head !== null) return head;
      if (lines[i] === this.#usual) i++;
      else lines.splice(i, 1);
    }
    if (lines.length === 1) this.#lines = null;
    return null;
  }

  #shift(job: Job): Job {
    this.#lineOf(job).shift(job);
    this.#waiting--;
    return job;
  }

  #lineOf({ terms: { priority } }: Job): JobLine {
    if (priority === 0) return this.#usual;
    const lines = this.#lines ??= [this.#usual];
    let low = 0;
    let high = lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lines[middle]!.priority > priority) low = middle + 1;
      else high = middle;
    }
    if (lines[low]?.priority === priority) return lines[low]!;
    const line = new JobLine(priority);
    lines.splice(low, 0, line);
    return line;
  }
}

function costOf({ kind, args }: Job): number {
  let cost = kind.cost;
  for (let i = 0; i < args.length; i++) cost += cloneCost(args[i]);
  return cost;
}

/** Lays jobs out in columns. */
function pack(jobs: readonly Job[], cost: number): BatchContent {
  const { arity, args } = layOut(jobs, (job) => job.args);
  return {
    count: jobs.length,
    kinds: columnOf(jobs, (job) => job.kind),
    arity,
    limits: columnOf(jobs, (job) => job.terms.limit),
    args,
    movables: movablesOf(args),
    cost,
    priority: jobs.at(-1)!.terms.priority,
  };
}

/** A line of jobs. */
class JobLine {
  /** What its jobs have in common. */
  readonly priority: number;
  #first: Job | null = null;
  #last: Job | null = null;

  /** An empty line. */
  constructor(priority: number) {
    this.priority = priority;
  }

  /** Puts a job at the back. */
  add(job: Job): void {
    if (this.#last === null) this.#first = job;
    else this.#last.behind = job;
    this.#last = job;
  }

  /** Puts a job back at the front. */
  unshift(job: Job): void {
    job.behind = this.#first;
    this.#first = job;
    this.#last ??= job;
  }

  /** The first job that still matters. */
  head(): Job | null {
    let job = this.#first;
    while (job !== null && job.done) {
      const { behind }: Job = job;
      job.behind = null;
      job = behind;
    }
    this.#first = job;
    if (job === null) this.#last = null;
    return job;
  }

  /** Takes out what {@linkcode head} has just given. */
  shift(job: Job): void {
    this.#first = job.behind;
    if (job.behind === null) this.#last = null;
    job.behind = null;
  }
}
