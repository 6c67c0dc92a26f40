/**
 * Results that nobody has read yet, in the order in which they are to be read.
 *
 * They stay in the arrays they came in: a reader walks along one and asks for the next when it is
 * through.
 */
import { Deque } from "../../internal/deque.ts";

/** Some results: values, or one error. */
export interface ResultChunk {
  /** The values, or the error alone. */
  readonly values: readonly unknown[];
  /** Whether it is an error. */
  readonly failed: boolean;
}

/** Where results wait for readers. */
export interface ResultBuffer {
  /** Puts down the results of consecutive items, from `first` on. */
  put(first: number, chunk: ResultChunk): void;
  /** Takes what is to be read next, if that is there. */
  take(): ResultChunk | undefined;
}

/** Gives results in the order in which they come. */
export class UnorderedBuffer implements ResultBuffer {
  readonly #chunks = new Deque<ResultChunk>();

  /** Puts down results. */
  put(_first: number, chunk: ResultChunk): void {
    this.#chunks.push(chunk);
  }

  /** Takes what came first. */
  take(): ResultChunk | undefined {
    return this.#chunks.shift();
  }
}

/** Gives results in the order of the items. */
export class OrderedBuffer implements ResultBuffer {
  readonly #chunks = new Map<number, ResultChunk>();
  #next = 0;

  /** Puts down results. */
  put(first: number, chunk: ResultChunk): void {
    this.#chunks.set(first, chunk);
  }

  /** Takes those of the next items. */
  take(): ResultChunk | undefined {
    const chunk = this.#chunks.get(this.#next);
    if (chunk === undefined) return undefined;
    this.#chunks.delete(this.#next);
    this.#next += chunk.values.length;
    return chunk;
  }
}
