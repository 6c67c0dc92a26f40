/**
 * Circles of waits that may not stand for long: what is to be looked at again after a while.
 *
 * No timer, which would keep a run from finding itself idle, and would move virtual time: it is looked
 * at when the loop goes on for other reasons. A run that does not go on any more finds its deadlock anyway.
 */

/** After so many milliseconds, on the run's clock. */
const SUSPECT_MS = 100;

/** What is to be looked at again. */
export class Suspects {
  #list: { readonly at: number; readonly look: () => void }[] = [];

  /** Whether there is anything. */
  get some(): boolean {
    return this.#list.length > 0;
  }

  /** Has `look` called a while after `now`. */
  add(now: number, look: () => void): void {
    this.#list.push({ at: now + SUSPECT_MS, look });
  }

  /** Looks at what was to be looked at by now. */
  look(now: number): void {
    if (this.#list[0]!.at > now) return;
    const due = this.#list.filter(({ at }) => at <= now);
    this.#list = this.#list.filter(({ at }) => at > now);
    for (const { look } of due) look();
  }
}
