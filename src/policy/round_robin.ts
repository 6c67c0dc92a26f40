/**
 * Round robin, and the turn of at most a quantum that those who draw go by, too. First come first served is
 * round robin with an endless quantum, so one class is both.
 */
import { Deque } from "../internal/deque.ts";
import type { Discipline, ReadyJob } from "./discipline.ts";

/** Turns of at most a quantum, one after the other; whose they are, the class that extends it says. */
export abstract class Turns {
  readonly #quantum: number;
  #used = 0;

  /** Turns of `quantum`, of which the first has begun. */
  constructor(quantum: number) {
    this.#quantum = quantum;
  }

  /** Begins the next turn, with a whole quantum. */
  protected beginTurn(): void {
    this.#used = 0;
  }

  /** What is left of the turn. */
  allowance(): number {
    return this.#quantum - this.#used;
  }

  /** Counts towards the quantum. */
  charge(_job: ReadyJob, ms: number): void {
    this.#used += ms;
  }

  /** Never: only the quantum ends a turn. */
  displaces(): boolean {
    return false;
  }
}

/** One queue, and turns of at most a quantum. */
export class RoundRobin extends Turns implements Discipline {
  readonly #ready = new Deque<ReadyJob>();

  /** How many jobs are ready. */
  get size(): number {
    return this.#ready.size;
  }

  /** Puts a job at the end. */
  enter(job: ReadyJob): void {
    this.#ready.push(job);
  }

  /** Takes the job at the front, whose turn has a whole quantum. */
  pick(): ReadyJob | undefined {
    this.beginTurn();
    return this.#ready.shift();
  }
}
