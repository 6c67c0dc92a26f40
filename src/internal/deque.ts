/**
 * A ring-buffer deque: the scheduler's ready queue and every bounded buffer.
 *
 * `Array.shift` moves the whole array once it leaves new space, so a queue of ten thousand ready
 * tasks would pay for its length at each step. Here push and shift touch one slot. The capacity is
 * a power of two, so that wrapping is a mask; it doubles when full and shrinks only when the deque
 * runs empty, which keeps one burst from pinning its memory for ever.
 */

const SMALLEST = 16;
/** Above this many slots an emptied ring is given back, so that a burst does not pin its memory. */
const KEEP = 1 << 16;

/** A double-ended queue with O(1) push and shift. */
export class Deque<T> {
  #slots: (T | undefined)[] = new Array(SMALLEST).fill(undefined);
  #mask = SMALLEST - 1;
  #head = 0;
  #size = 0;

  /** How many items are held. */
  get size(): number {
    return this.#size;
  }

  /** Adds an item at the back. */
  push(item: T): void {
    if (this.#size > this.#mask) this.#grow();
    this.#slots[(this.#head + this.#size) & this.#mask] = item;
    this.#size++;
  }

  /** Puts an item back at the front, where {@linkcode shift} will find it first. */
  unshift(item: T): void {
    if (this.#size > this.#mask) this.#grow();
    this.#head = (this.#head - 1) & this.#mask;
    this.#slots[this.#head] = item;
    this.#size++;
  }

  /** Takes the item at the front, or returns `undefined` when empty. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    if (--this.#size === 0 && this.#mask >= KEEP) this.clear();
    return item;
  }

  /** Takes the item at the back, or returns `undefined` when empty. */
  pop(): T | undefined {
    if (this.#size === 0) return undefined;
    const at = (this.#head + --this.#size) & this.#mask;
    const item = this.#slots[at];
    this.#slots[at] = undefined;
    return item;
  }

  /** Looks at the item `index` places from the front without taking it. */
  at(index: number): T | undefined {
    return index < this.#size ? this.#slots[(this.#head + index) & this.#mask] : undefined;
  }

  /**
   * Takes the item `index` places from the front, in O(1): the front item moves into its place.
   * For seeded choices, where the order of the rest does not matter.
   */
  take(index: number): T | undefined {
    const at = (this.#head + index) & this.#mask;
    const item = this.#slots[at];
    this.#slots[at] = this.#slots[this.#head];
    this.shift();
    return item;
  }

  /** Lets go of every item. */
  clear(): void {
    this.#slots = new Array(SMALLEST).fill(undefined);
    this.#mask = SMALLEST - 1;
    this.#head = this.#size = 0;
  }

  /** Walks the items from front to back. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#size; i++) yield this.at(i)!;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Array(old.length * 2).fill(undefined);
    for (let i = 0; i < this.#size; i++) slots[i] = old[(this.#head + i) & this.#mask];
    this.#slots = slots;
    this.#mask = slots.length - 1;
    this.#head = 0;
  }
}
