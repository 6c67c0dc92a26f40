/**
 * A binary heap whose items know their place, so that any of them leaves in O(log n).
 *
 * Most timeouts never fire: they are set, the awaited thing happens, they are cancelled. A heap
 * without positions would either search for the cancelled one (O(n)) or leave it in until its time
 * (a hundred thousand dead timers pin their tasks for an hour). Rejected for the same reason:
 * lazy deletion with a sweep, whose cost falls on the call that happens to pass the threshold.
 */

/** What a heap item must carry. The heap alone writes `place`. */
export interface HeapItem {
  /** The index in the heap, or -1 while outside. */
  place: number;
}

/** A min-heap ordered by `before`, which must be a strict total order. */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  /** How many items are held. */
  get size(): number {
    return this.#items.length;
  }

  /** The least item, still in the heap. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** Adds an item that is in no heap. */
  push(item: T): void {
    item.place = this.#items.length;
    this.#items.push(item);
    this.#rise(item);
  }

  /** Takes the least item. */
  pop(): T | undefined {
    const least = this.#items[0];
    if (least !== undefined) this.remove(least);
    return least;
  }

  /** Takes out an item wherever it is; one that is outside already is left alone. */
  remove(item: T): void {
    const place = item.place;
    if (place < 0) return;
    item.place = -1;
    const last = this.#items.pop()!;
    if (last === item) return;
    last.place = place;
    this.#items[place] = last;
    this.#rise(last);
    this.#sink(last);
  }

  /** Walks the items in no particular order. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#items.values();
  }

  #rise(item: T): void {
    const items = this.#items;
    let place = item.place;
    while (place > 0) {
      const up = (place - 1) >> 1;
      const parent = items[up]!;
      if (!this.#before(item, parent)) break;
      items[place] = parent;
      parent.place = place;
      place = up;
    }
    items[place] = item;
    item.place = place;
  }

  #sink(item: T): void {
    const items = this.#items;
    const size = items.length;
    let place = item.place;
    for (;;) {
      let down = 2 * place + 1;
      if (down >= size) break;
      if (down + 1 < size && this.#before(items[down + 1]!, items[down]!)) down++;
      const child = items[down]!;
      if (!this.#before(child, item)) break;
      items[place] = child;
      child.place = place;
      place = down;
    }
    items[place] = item;
    item.place = place;
  }
}
