/**
 * Round robin, and the turn of at most a quantum that those who draw go by, too. First come first served is
 * round robin with an endless quantum, so one class is both.
 */
import { Deque } from "../internal/deque.ts";
import type { Discipline, ReadyJob } from "./discipline.ts";

/** Counts one turn after the other. */
export class Turn {
  readonly #quantum: number;
  #used = 0;

  /** Turns of `quantum`, of which the first has begun. */
  constructor(quantum: number) {
    this.#quantum = quantum;
  }

  /** Begins the next turn, with a whole quantum. */
  begin(): void {
    this.#used = 0;
  }

  /** What is left of this one. */
  get left(): number {
    return this.#quantum - this.#used;
  }

  /** Uses some of it. */
  use(ms: number): void {
    this.#used += ms;
  }
}

/** One queue, and turns of at most a quantum. */
export class RoundRobin implements Discipline {
  readonly #ready = new Deque<ReadyJob>();
  readonly #turn: Turn;

  /** Turns of `quantum`; endless turns are first come first served. */
  constructor(quantum: number) {
    this.#turn = new Turn(quantum);
  }

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
    this.#turn.begin();
    return this.#ready.shift();
  }

  /** What is left of the turn. */
  allowance(): number {
    return this.#turn.left;
  }

  /** Counts towards the quantum. */
  charge(_job: ReadyJob, ms: number): void {
    this.#turn.use(ms);
  }

  /** Never: only the quantum ends a turn. */
  displaces(): boolean {
    return false;
  }
}
