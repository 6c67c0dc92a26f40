/**
 * Callbacks for the end of something: called in the order in which they were made, forgotten as fast as made.
 *
 * A server's main task or a long job lives through a million `waitFirst`, each of which links and unlinks. So
 * to forget one must neither leave anything behind nor look through all the others. Most have one link or
 * none, and a map for each would cost every joined task 400 bytes: the index is made by the first who forgets
 * one of many.
 */

/** A function somebody gave, and what is called for it. */
export interface LinkNode<C> {
  /** By what it is forgotten again. */
  readonly given: unknown;
  /** What is called. */
  readonly call: C;
}

/** So many are looked through faster than an index is made. */
const FEW = 8;

/** Callbacks in order. */
export class Links<C> {
  /** In order; `null` where one was forgotten. */
  #list: (LinkNode<C> | null)[] = [];
  #forgotten = 0;
  /** Where each function stands in the list; `null` until it is worth making. */
  #places: Map<unknown, number[]> | null = null;
  #isCalling = false;

  /** Adds one at the end; the same function may be there several times. */
  add(given: unknown, call: C): void {
    if (this.#places !== null) note(this.#places, given, this.#list.length);
    this.#list.push({ given, call });
  }

  /** Forgets all that were added for `given`, also while they are being called. */
  delete(given: unknown): void {
    for (const at of this.#placesOf(given)) {
      this.#list[at] = null;
      this.#forgotten++;
    }
    if (this.#isCalling || this.#forgotten * 2 <= this.#list.length) return;
    this.#list = this.#list.filter((link) => link !== null);
    this.#forgotten = 0;
    this.#places = null;
  }

  /** Gives each to `follow`, once; it must not throw. */
  callAll(follow: (call: C) => void): void {
    this.#isCalling = true;
    for (let at = 0; at < this.#list.length; at++) {
      const link = this.#list[at] ?? null;
      this.#list[at] = null;
      if (link !== null) follow(link.call);
    }
    this.#list = [];
  }

  #placesOf(given: unknown): readonly number[] {
    if (this.#list.length <= FEW) {
      return [...this.#list.keys()].filter((at) => this.#list[at]?.given === given);
    }
    if (this.#places === null) {
      this.#places = new Map();
      for (const [at, link] of this.#list.entries()) {
        if (link !== null) note(this.#places, link.given, at);
      }
    }
    const places = this.#places.get(given) ?? [];
    this.#places.delete(given);
    return places;
  }
}

function note(places: Map<unknown, number[]>, given: unknown, at: number): void {
  const known = places.get(given);
  if (known === undefined) places.set(given, [at]);
  else known.push(at);
}
