/**
 * What a pool knows of one function: its number on the wire and what a call costs.
 *
 * The cost steers everything: how many jobs make up 2 ms of work, whether it pays to take some back.
 * It is measured in the worker, and followed as a moving geometric mean. An arithmetic one would let
 * a single call of 75 ms among calls of 50 µs pass for a change of habits; and the first calls run
 * unoptimized code and say little about the thousandth. A function that has not been measured yet is
 * sent one call at a time: it may take a microsecond or an hour.
 */
import type { JobAddress } from "../jobs.ts";

/** What sending a job costs besides running it, in milliseconds: cloning, claiming, settling. */
const HANDLING_MS = 0.0004;

/** After this many calls a change of habits is half believed. */
const HALF_CALLS = 8;

/** One function, as one pool knows it. */
export class JobKind {
  /** Its number on the wire. */
  readonly id: number;
  /** Where workers find it. */
  readonly address: JobAddress;
  /** Whether it is known to be a task body: then one worker can run many at once. */
  isTaskBody: boolean;
  #cost: number | null = null;

  /** A function that has not been measured. */
  constructor(id: number, address: JobAddress) {
    this.id = id;
    this.address = address;
    this.isTaskBody = address.isTaskBody === true;
  }

  /** Whether nobody knows yet, because only a worker has loaded its module. */
  get mayBeTaskBody(): boolean {
    return this.address.isTaskBody === undefined && !this.measured;
  }

  /** Its name, for reports. */
  get name(): string {
    return this.address.name;
  }

  /** Whether it has been measured. */
  get measured(): boolean {
    return this.#cost !== null;
  }

  /** What one call is expected to take, in milliseconds; `Infinity` before the first measurement. */
  get cost(): number {
    return this.#cost ?? Infinity;
  }

  /** Takes in that `calls` took `ms` in all. */
  measure(calls: number, ms: number): void {
    const sample = ms / calls + HANDLING_MS;
    if (this.#cost === null) {
      this.#cost = sample;
    } else {
      const trust = 1 - 0.5 ** (calls / HALF_CALLS);
      this.#cost *= (sample / this.#cost) ** trust;
    }
  }
}

/** The functions of one pool. */
export class JobKinds {
  readonly #byAddress = new Map<JobAddress, JobKind>();
  readonly #list: JobKind[] = [];

  /** What is known of a function. */
  at(address: JobAddress): JobKind {
    return this.#byAddress.get(address) ?? this.#add(address);
  }

  /** Takes in what calls took: number, calls, milliseconds, and so on. */
  measure(spent: readonly number[]): void {
    for (let i = 0; i < spent.length; i += 3) {
      this.#list[spent[i]!]!.measure(spent[i + 1]!, spent[i + 2]!);
    }
  }

  /** The function of this number is a task body. Returns whether that is news. */
  isTaskBody(id: number): boolean {
    const kind = this.#list[id]!;
    const isNews = !kind.isTaskBody;
    kind.isTaskBody = true;
    return isNews;
  }

  #add(address: JobAddress): JobKind {
    const kind = new JobKind(this.#list.length, address);
    this.#byAddress.set(address, kind);
    this.#list.push(kind);
    return kind;
  }
}
