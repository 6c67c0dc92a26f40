/** A turn of at most a quantum: how much of it is left. */

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
