/**
 * Which slot of the shared memory stands for which task.
 *
 * The worker reads a name where the main thread only stores the number of a slot. A task keeps its slot
 * until another task takes it, so its name is written once and not at each step.
 */
import type { Task } from "../../kernel/task.ts";
import { SLOTS, type WatchMemory } from "./watch_memory.ts";

/** A task looks for a free slot in so many places, so that tasks of several runs do not take each other's. */
const PROBES = 4;

/** Gives tasks their slots. */
export class TaskSlots {
  readonly #memory: WatchMemory;
  readonly #owners = new Array<Task | undefined>(SLOTS).fill(undefined);
  /** Spawn sites in words: putting one into words takes longer than most steps. */
  readonly #sites = new WeakMap<Task, string>();

  /** All empty. */
  constructor(memory: WatchMemory) {
    this.#memory = memory;
  }

  /** The slot of a task: its own, or one that it takes, and writes its name there. */
  of(task: Task): number {
    const home = task.id % SLOTS;
    return this.#owners[home] === task ? home : this.#find(task, home);
  }

  /** A task has ended: its slot is free. */
  leave(task: Task): void {
    for (let probe = 0; probe < PROBES; probe++) {
      const slot = (task.id + probe) % SLOTS;
      if (this.#owners[slot] === task) this.#owners[slot] = undefined;
    }
  }

  /** Writes the name of a task to a slot that is nobody's. */
  show(task: Task, slot: number): void {
    this.#memory.write(slot, { name: task.name, site: this.siteOf(task) });
  }

  /** Where a task was spawned, if that is known. */
  siteOf(task: Task): string | undefined {
    const known = this.#sites.get(task);
    if (known !== undefined) return known;
    const site = task.spawnSite;
    if (site !== undefined) this.#sites.set(task, site);
    return site;
  }

  #find(task: Task, home: number): number {
    let free = -1;
    for (let probe = PROBES - 1; probe >= 0; probe--) {
      const slot = (home + probe) % SLOTS;
      const owner = this.#owners[slot];
      if (owner === task) return slot;
      if (owner === undefined) free = slot;
    }
    const slot = free === -1 ? home : free;
    this.#owners[slot] = task.done ? undefined : task;
    this.show(task, slot);
    return slot;
  }
}
