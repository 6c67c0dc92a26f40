/**
 * The one fair, cancellable queue of parked waits that stands under every primitive.
 *
 * Waits are linked through themselves: parking and leaving cost O(1) and allocate nothing, and a
 * cancelled wait is gone at once, so that a wake-up can never be spent on it. FIFO, always: the
 * longest waiter first.
 */
import { beginning, type HostPart, type Wait, type WaitSource } from "./wait.ts";
import type { Task } from "./task.ts";

/** What a queue belongs to: names it, and may know who keeps the others waiting. */
export interface QueueOwner {
  /** The task whose action is awaited, where that is known. */
  readonly holder?: Task | undefined;
  /** Whether that task is only one of those whose action would do. */
  readonly isShared?: boolean;
  /** As in `Lock#1`. */
  toString(): string;
}

/** Waits parked on one condition, in the order in which they came. */
export class WaitQueue<T = void> implements WaitSource {
  /** Whether the host can end these waits. */
  readonly host: HostPart;
  readonly #owner: QueueOwner;
  readonly #verb: string;
  #first: Wait<T> | null = null;
  #last: Wait<T> | null = null;
  #size = 0;

  /**
   * Makes an empty queue.
   *
   * @param owner Names the queue in reports and tells who holds it up.
   * @param verb What its waiters called, as in `acquire`.
   * @param host What part the host has in ending these waits.
   */
  constructor(owner: QueueOwner, verb: string, host: HostPart = "none") {
    this.#owner = owner;
    this.#verb = verb;
    this.host = host;
  }

  /** How many waits are parked here. */
  get size(): number {
    return beginning.choice === null ? this.#size : this.#size - this.#ownCount(beginning.choice);
  }

  /** What the queue belongs to. */
  get owner(): QueueOwner {
    return this.#owner;
  }

  /** The task that keeps these waits, as the owner knows it. */
  get holder(): Task | undefined {
    return this.#owner.holder;
  }

  /** Whether that task is only one of several who could let them go on. */
  get isShared(): boolean {
    return this.#owner.isShared === true;
  }

  /** The wait that {@linkcode wake} would end. */
  get first(): Wait<T> | null {
    const first = this.#first;
    if (beginning.choice === null || first === null) return first;
    return first.choice === beginning.choice ? null : first;
  }

  /**
   * Parks a wait at the back. `source` answers for it in place of the queue, where waits of several
   * owners stand in one line: its `abandon` must pass the wait on to the queue's.
   */
  park(wait: Wait<T>, source: WaitSource = this): void {
    wait.before = this.#last;
    if (this.#last === null) this.#first = wait;
    else this.#last.after = wait;
    this.#last = wait;
    this.#size++;
    wait.park(source);
  }

  /** Ends the longest wait with a value. Returns `false` if there is none. */
  wake(value: T): boolean {
    const wait = this.shift();
    wait?.settle(value);
    return wait !== null;
  }

  /** Ends every wait with the same value, longest first. Returns how many there were. */
  wakeAll(value: T): number {
    const count = this.size;
    for (let left = count; left > 0; left--) this.wake(value);
    return count;
  }

  /** Ends every wait with an error, longest first. */
  failAll(error: unknown): void {
    for (let left = this.size; left > 0; left--) this.shift()?.fail(error);
  }

  /** Takes the longest wait out of the queue; the caller must end it. */
  shift(): Wait<T> | null {
    const wait = this.#first;
    if (wait === null) return null;
    if (wait.state === "offered") return this.#shiftOffered(wait);
    this.abandon(wait);
    return wait;
  }

  #shiftOffered(wait: Wait<T>): Wait<T> | null {
    if (beginning.choice !== null && wait.choice === beginning.choice) return null;
    this.abandon(wait);
    wait.claim();
    return wait;
  }

  /** Takes a wait out of the queue, from any place. */
  abandon(wait: Wait): boolean {
    const { before, after } = wait;
    if (before === null) this.#first = after as Wait<T> | null;
    else before.after = after;
    if (after === null) this.#last = before as Wait<T> | null;
    else after.before = before;
    wait.before = wait.after = null;
    this.#size--;
    return true;
  }

  /** The name reports show, as in `Lock#1.acquire()`. */
  toString(): string {
    return `${this.#owner}.${this.#verb}()`;
  }

  /** How many waits of a choice that is beginning are here; they came last, so the walk ends where they do. */
  #ownCount(choice: object): number {
    let count = 0;
    for (
      let wait = this.#last;
      wait !== null && wait.choice === choice;
      wait = wait.before as Wait<T>
    ) {
      count++;
    }
    return count;
  }

  /** Walks the waits, longest first. */
  *[Symbol.iterator](): IterableIterator<Wait<T>> {
    for (let wait = this.#first; wait !== null; wait = wait.after as Wait<T> | null) yield wait;
  }
}
