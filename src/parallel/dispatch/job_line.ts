/**
 * Jobs of one priority, first in, first out, linked through the jobs themselves.
 *
 * A job that is cancelled here is only marked: it is passed over when its turn comes, which costs less
 * than finding it.
 */
import type { Job } from "../pool/job.ts";

/** A line of jobs. */
export class JobLine {
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
