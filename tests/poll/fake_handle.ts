/** A handle that does what the test says, and counts what is asked of it. */
import type { Pollable, Watcher } from "@weft/weft";

/** A handle by hand. */
export class FakeHandle implements Pollable {
  /** How often anybody looked at `ready`. */
  looks = 0;
  /** How often it was armed. */
  arms = 0;
  closed = false;
  /** What it says when it is armed, a microtask later. */
  whenArmed = 0;
  readonly #watchers = new Set<Watcher>();
  #bits = 0;

  get ready(): number {
    this.looks++;
    return this.closed ? 0 : this.#bits;
  }

  /** How many watch it. */
  get watchers(): number {
    return this.#watchers.size;
  }

  arm(_interest: number): void {
    this.arms++;
    if (this.whenArmed === 0) return;
    const bits = this.whenArmed;
    this.whenArmed = 0;
    queueMicrotask(() => this.set(bits));
  }

  watch(watcher: Watcher): void {
    this.#watchers.add(watcher);
  }

  unwatch(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  /** Makes these bits so; those in `fresh` are news even if they were so before. */
  set(bits: number, fresh: number = bits & ~this.#bits): void {
    this.#bits = bits;
    for (const watcher of [...this.#watchers]) watcher.readinessChanged(this, fresh);
  }

  close(): void {
    this.closed = true;
    for (const watcher of [...this.#watchers]) watcher.readinessChanged(this, 0);
  }
}
