/**
 * The disciplines that draw: the seeded shuffle, and the proportional shares of lottery and stride
 * scheduling (Waldspurger and Weihl 1994, 1995; OSTEP, chapter 9). By shares a job gets the processor
 * in the proportion of its tickets: the lottery by chance, stride exactly.
 */
import type { Choose } from "../kernel/choose.ts";
import { type Discipline, earlier, type ReadyJob } from "./discipline.ts";
import { Turns } from "./round_robin.ts";

/** Which of the ready jobs has the next turn: an index. */
export type Draw = (ready: readonly ReadyJob[]) => number;

/** Any ready job. */
export function anyOf(choose: Choose): Draw {
  return (ready) => choose(ready.length);
}

/** The owner of a ticket drawn among those of all ready jobs. */
export function byTicket(choose: Choose): Draw {
  return (ready) => {
    let ticket = choose(ready.reduce((sum, job) => sum + job.tickets, 0));
    return ready.findIndex((job) => (ticket -= job.tickets) < 0);
  };
}

/** Turns of a quantum, each for the job that is drawn. */
export class Drawn extends Turns implements Discipline {
  readonly #ready: ReadyJob[] = [];
  readonly #draw: Draw;

  /** Turns of `quantum`; whose turn it is, `draw` says. */
  constructor(quantum: number, draw: Draw) {
    super(quantum);
    this.#draw = draw;
  }

  /** How many jobs are ready. */
  get size(): number {
    return this.#ready.length;
  }

  /** Takes in a job. */
  enter(job: ReadyJob): void {
    this.#ready.push(job);
  }

  /** Takes out the job that is drawn. */
  pick(): ReadyJob | undefined {
    this.beginTurn();
    if (this.#ready.length === 0) return undefined;
    return this.#ready.splice(this.#ready.length === 1 ? 0 : this.#draw(this.#ready), 1)[0];
  }
}

/** Draws the job that is furthest behind its share: the one with the least pass. */
export class Stride implements Discipline {
  readonly #turns: Drawn;
  readonly #passes = new WeakMap<ReadyJob, number>();
  /** The pass of the job that ran last: nobody who comes later begins behind it. */
  #pass = 0;

  /** Turns of `quantum`. */
  constructor(quantum: number) {
    this.#turns = new Drawn(quantum, (ready) => this.#furthestBehind(ready));
  }

  /** How many jobs are ready. */
  get size(): number {
    return this.#turns.size;
  }

  /** Takes in a job; one that was away has earned nothing by it. */
  enter(job: ReadyJob): void {
    this.#passes.set(job, Math.max(this.#passOf(job), this.#pass));
    this.#turns.enter(job);
  }

  /** Takes out the one furthest behind. */
  pick(): ReadyJob | undefined {
    const job = this.#turns.pick();
    if (job !== undefined) this.#pass = this.#passOf(job);
    return job;
  }

  /** What is left of the turn. */
  allowance(): number {
    return this.#turns.allowance();
  }

  /** Advances the job by what it used, the less the more tickets it has. */
  charge(job: ReadyJob, ms: number): void {
    this.#turns.charge(job, ms);
    this.#passes.set(job, this.#passOf(job) + ms / job.tickets);
  }

  /** Never: only the quantum ends a turn. */
  displaces(): boolean {
    return false;
  }

  #passOf(job: ReadyJob): number {
    return this.#passes.get(job) ?? 0;
  }

  #furthestBehind(ready: readonly ReadyJob[]): number {
    let best = 0;
    for (let at = 1; at < ready.length; at++) {
      const behind = this.#passOf(ready[at]!) - this.#passOf(ready[best]!);
      if (behind < 0 || (behind === 0 && earlier(ready[at]!, ready[best]!))) best = at;
    }
    return best;
  }
}
