/**
 * Which slot of the board stands for which task.
 *
 * The worker reads a name where the main thread only stores the number of a slot. A task keeps its slot
 * as long as nobody drives it out, so its name is written once and not at each step.
 */
import type { Task } from "../../kernel/task.ts";
import { type Board, SLOTS } from "./watch_memory.ts";

/** A task may sit in one of so many slots, so that tasks of several runs do not drive each other out. */
const SEATS = 4;

/** Seats tasks on a board. */
export class Seats {
  readonly #board: Board;
  readonly #seated = new Array<Task | undefined>(SLOTS).fill(undefined);
  /** Spawn sites in words: putting one into words takes longer than most steps. */
  readonly #sites = new WeakMap<Task, string>();

  /** All empty. */
  constructor(board: Board) {
    this.#board = board;
  }

  /** The slot of a task: its own, or one that it takes, and writes its name there. */
  of(task: Task): number {
    const home = task.id % SLOTS;
    return this.#seated[home] === task ? home : this.#find(task, home);
  }

  /** A task has ended: its slot is free. */
  leave(task: Task): void {
    for (let probe = 0; probe < SEATS; probe++) {
      const slot = (task.id + probe) % SLOTS;
      if (this.#seated[slot] === task) this.#seated[slot] = undefined;
    }
  }

  /** Writes the name of a task to a slot that is nobody's. */
  show(task: Task, slot: number): void {
    this.#board.seat(slot, { name: task.name, site: this.siteOf(task) });
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
    for (let probe = SEATS - 1; probe >= 0; probe--) {
      const slot = (home + probe) % SLOTS;
      const seated = this.#seated[slot];
      if (seated === task) return slot;
      if (seated === undefined) free = slot;
    }
    const slot = free === -1 ? home : free;
    this.#seated[slot] = task.done ? undefined : task;
    this.show(task, slot);
    return slot;
  }
}
