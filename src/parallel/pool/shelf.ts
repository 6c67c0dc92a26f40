/**
 * Results that nobody has read yet, in the order in which they are to be read.
 *
 * They stay in the arrays they came in: a reader walks along one and asks for the next when it is
 * through.
 */
import { Deque } from "../../internal/deque.ts";

/** Some results: values, or one error. */
export interface Parcel {
  /** The values, or the error alone. */
  readonly values: readonly unknown[];
  /** Whether it is an error. */
  readonly failed: boolean;
}

/** Where results wait for readers. */
export interface Shelf {
  /** Puts down what consecutive items, from `first` on, came to. */
  put(first: number, parcel: Parcel): void;
  /** Takes what is to be read next, if that is there. */
  take(): Parcel | undefined;
}

/** Gives results in the order in which they come. */
export class PlainShelf implements Shelf {
  readonly #parcels = new Deque<Parcel>();

  /** Puts down results. */
  put(_first: number, parcel: Parcel): void {
    this.#parcels.push(parcel);
  }

  /** Takes what came first. */
  take(): Parcel | undefined {
    return this.#parcels.shift();
  }
}

/** Gives results in the order of the items. */
export class OrderedShelf implements Shelf {
  readonly #parcels = new Map<number, Parcel>();
  #next = 0;

  /** Puts down results. */
  put(first: number, parcel: Parcel): void {
    this.#parcels.set(first, parcel);
  }

  /** Takes those of the next items. */
  take(): Parcel | undefined {
    const parcel = this.#parcels.get(this.#next);
    if (parcel === undefined) return undefined;
    this.#parcels.delete(this.#next);
    this.#next += parcel.values.length;
    return parcel;
  }
}
