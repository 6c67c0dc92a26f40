/**
 * The timers of one run: any number of deadlines behind the clock's one alarm.
 *
 * A heap whose timers know their place makes both setting and cancelling O(log n), and leaves
 * nothing of a cancelled one. Timers that are due together ring in the order of their deadlines, then of
 * their making, unless the run's `choose` says otherwise: two equal deadlines are a free choice.
 */
import { Heap, type HeapItem } from "../internal/heap.ts";
import type { Choose } from "./choose.ts";
import type { Clock } from "./clock.ts";

/** One deadline; what it does when it rings is its owner's. */
export class Timer implements HeapItem {
  /** Kept by the heap. */
  place: number = -1;
  /** Order of making, to break ties. */
  serial: number = 0;
  /** When to ring, on the clock's scale. */
  readonly at: number;
  /** Called once when due. */
  readonly ring: () => void;

  /** A timer for `at`, not yet set. */
  constructor(at: number, ring: () => void) {
    this.at = at;
    this.ring = ring;
  }
}

/** What timers go by. */
export interface TimersOptions {
  /** Picks the order in which equal deadlines ring; `null` for that of their making. */
  readonly choose: Choose | null;
  /** Called when a timer is set that comes before all others: who sleeps until the next must look again. */
  readonly sooner: () => void;
  /** Hears what a timer threw; the others ring. */
  readonly failed: (error: unknown) => void;
}

/** All timers of one run. */
export class Timers {
  readonly #clock: Clock;
  readonly #choose: Choose | null;
  readonly #sooner: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #heap = new Heap<Timer>((a, b) => a.at < b.at || (a.at === b.at && a.serial < b.serial));
  #serial = 0;
  /** The deadline whose ties have been put in their chosen order. */
  #shuffled = -Infinity;

  /** Timers on `clock`, none of which is set. */
  constructor(clock: Clock, options: TimersOptions) {
    this.#clock = clock;
    this.#choose = options.choose;
    this.#sooner = options.sooner;
    this.#failed = options.failed;
  }

  /** The time now, on the scale of the deadlines. */
  now(): number {
    return this.#clock.now();
  }

  /** How many are set. */
  get size(): number {
    return this.#heap.size;
  }

  /** The nearest deadline, or `undefined`. */
  get next(): number | undefined {
    return this.#heap.peek()?.at;
  }

  /** Sets a timer `ms` from now. `Infinity` is a deadline that never comes, and sets nothing. */
  after(ms: number, ring: () => void): Timer {
    return this.#set(new Timer(this.#clock.now() + ms, ring));
  }

  /** Sets a timer for a time on the clock of the run; one that is past rings at the next look. */
  at(at: number, ring: () => void): Timer {
    return this.#set(new Timer(Math.max(at, this.#clock.now()), ring));
  }

  #set(timer: Timer): Timer {
    timer.serial = ++this.#serial;
    if (timer.at === Infinity) return timer;
    this.#heap.push(timer);
    if (timer.place === 0) this.#sooner();
    return timer;
  }

  /** Forgets a timer; one that has rung or was cancelled before is left alone. */
  cancel(timer: Timer): void {
    this.#heap.remove(timer);
  }

  /**
   * Rings the timers that are due. A clock that was moved past several deadlines shows them one after the
   * other: what the timers of one have made ready goes on before the next, unless they are to ring all at once.
   */
  ringDue(allAtOnce: boolean): void {
    const clock = this.#clock;
    if (!clock.exact) return this.ring(clock.now());
    const reached = clock.reached ?? clock.now();
    do {
      const due = this.next;
      if (due === undefined || due > reached) return clock.show?.(undefined);
      clock.show?.(due);
      this.ring(due);
    } while (allAtOnce);
  }

  /** Rings every timer that is due at `now`. */
  ring(now: number): void {
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined || first.at > now) return;
      if (this.#choose !== null && first.at !== this.#shuffled) {
        this.#shuffle(first.at, this.#choose);
        continue;
      }
      this.#heap.remove(first);
      try {
        first.ring();
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** Puts the timers that share a deadline in an order that `choose` picks, once per deadline. */
  #shuffle(at: number, choose: Choose): void {
    const ties: Timer[] = [];
    while (this.#heap.peek()?.at === at) ties.push(this.#heap.pop()!);
    for (let left = ties.length; left > 0; left--) {
      const picked = left === 1 ? 0 : choose(left);
      const timer = ties[picked]!;
      ties[picked] = ties[left - 1]!;
      timer.serial = ++this.#serial;
      this.#heap.push(timer);
    }
    this.#shuffled = at;
  }
}
