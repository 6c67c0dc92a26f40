/**
 * The multilevel feedback queue (Corbató 1962; OSTEP, chapter 8).
 *
 * A job's use of the processor adds up over its turns and waits; when it has used the quantum of its
 * queue it goes down one, so a job cannot stay on top by waiting just before its quantum ends. A
 * displaced job goes to the head of its queue and keeps what it had used: it has done nothing to be
 * sent back for.
 */
import { Deque } from "../internal/deque.ts";
import type { Discipline, Entry, ReadyJob } from "./discipline.ts";

/** Where a job stands. */
interface Standing {
  level: number;
  used: number;
}

/** Queues with growing quanta; the highest that holds a job runs. */
export class Feedback implements Discipline {
  readonly #quanta: readonly number[];
  readonly #boost: number;
  readonly #queues: Deque<ReadyJob>[];
  #standings = new WeakMap<ReadyJob, Standing>();
  #boosted = 0;

  /** One queue per quantum; every `boost` all jobs go back to the first, so that none starves. */
  constructor(quanta: readonly number[], boost: number) {
    this.#quanta = quanta;
    this.#boost = boost;
    this.#queues = quanta.map(() => new Deque<ReadyJob>());
  }

  /** How many jobs are ready. */
  get size(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.size, 0);
  }

  /** Puts a job into its queue: at the head if it was displaced, else at the end. */
  enter(job: ReadyJob, why: Entry, now: number): void {
    this.#lift(now);
    const standing = this.#of(job);
    if (standing.used >= this.#quanta[standing.level]!) {
      standing.level = Math.min(standing.level + 1, this.#quanta.length - 1);
      standing.used = 0;
    } else if (why === "displaced") {
      this.#queues[standing.level]!.unshift(job);
      return;
    }
    this.#queues[standing.level]!.push(job);
  }

  /** Takes the first job of the highest queue. */
  pick(now: number): ReadyJob | undefined {
    this.#lift(now);
    return this.#queues.find((queue) => queue.size > 0)?.shift();
  }

  /** What is left to the job in its queue. */
  allowance(job: ReadyJob): number {
    const { level, used } = this.#of(job);
    return this.#quanta[level]! - used;
  }

  /** Counts towards the quantum of the job's queue. */
  charge(job: ReadyJob, ms: number): void {
    this.#of(job).used += ms;
  }

  /** Whether a job stands in a higher queue. */
  displaces(running: ReadyJob, now: number): boolean {
    this.#lift(now);
    const { level } = this.#of(running);
    return this.#queues.slice(0, level).some((queue) => queue.size > 0);
  }

  /** When the next boost is due. */
  nextChange(): number {
    return this.#boosted + this.#boost;
  }

  #of(job: ReadyJob): Standing {
    let standing = this.#standings.get(job);
    if (standing === undefined) this.#standings.set(job, standing = { level: 0, used: 0 });
    return standing;
  }

  /** Boosts, if it is time: all ready jobs to the first queue, in the order of the queues; all begin anew. */
  #lift(now: number): void {
    if (now < this.#boosted + this.#boost) return;
    this.#boosted = now - (now - this.#boosted) % this.#boost;
    this.#standings = new WeakMap();
    const [first, ...lower] = this.#queues;
    for (const queue of lower) {
      for (let job = queue.shift(); job !== undefined; job = queue.shift()) first!.push(job);
    }
  }
}
