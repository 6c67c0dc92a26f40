/**
 * The ends of operations that were done at once, as the iterators that `yield*` asks for them.
 *
 * In an `async function*` the language waits for what an iterator's `next` gives, and so looks whether that has
 * a `then`. In a plain object it knows that there is none; in an object of a class it searches for one, and that
 * takes as long as all the rest of the wait (45 ns, measured). So there the result is a plain object of its own.
 */

/** What `yield*` takes from an iterator. */
export interface IterationStep {
  /** Whether it is over. */
  readonly done: boolean;
  /** What it evaluates to then. */
  readonly value: unknown;
}

/** The end, for a `function*`: iterator and result in one. */
export class Done<T> implements IterationStep {
  /** It is over. */
  readonly done = true;
  /** What it evaluates to. */
  readonly value: T;

  /** The end with `value`. */
  constructor(value: T) {
    this.value = value;
  }

  /** Itself. */
  next(): this {
    return this;
  }
}

/** The end, for an `async function*`. */
export class AsyncDone<T> {
  readonly #step: IterationStep;

  /** The end with `value`. */
  constructor(value: T) {
    this.#step = lastStep(value);
  }

  /** The result. */
  next(): IterationStep {
    return this.#step;
  }
}

/** A plain result, for `yield*` in an `async function*`. */
export function lastStep(value: unknown): IterationStep {
  return { value, done: true };
}
