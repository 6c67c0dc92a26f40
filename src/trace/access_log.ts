/**
 * Who read and wrote the properties of one object, as far as it takes to see an update get lost.
 *
 * Each property counts its writes, and each task remembers the count at its last read of it. A task that
 * writes has lost somebody's update if the count has moved on since: its own writes end its memory of a
 * read, so whatever moved the count was somebody else. Steps need not be watched: nobody else can write
 * while a task runs on without a yield.
 *
 * No lock is asked for either. Whoever takes a lock, reads, and writes before giving it back has seen no
 * foreign write; and whoever reads in one locked section and writes in a later one does lose the update,
 * lock or not. Rejected for that reason: to forget what was read before a lock was last given back.
 */
import type { Task } from "../kernel/task.ts";
import { takeSite } from "../kernel/sites.ts";
import type { Touch } from "./lost_update.ts";

/** A property's name. */
export type Key = string | symbol;

/** The three accesses of a lost update, and how many foreign writes there were. */
export interface Finding {
  readonly read: Touch;
  readonly foreign: Touch;
  readonly write: Touch;
  readonly lost: number;
}

interface Read extends Touch {
  /** How often the property had been written by then. */
  readonly count: number;
}

interface Write extends Touch {
  /** Which write of the property this was, counted from 1. */
  readonly count: number;
}

/** The accesses to one object. */
export class AccessLog {
  readonly #writes = new Map<Key, Write>();
  /** By task, weakly: what a task had read is gone with it. */
  readonly #reads = new WeakMap<Task, Map<Key, Read>>();

  /** A task has read a property. */
  read(task: Task, key: Key, value: unknown): void {
    let reads = this.#reads.get(task);
    if (reads === undefined) this.#reads.set(task, reads = new Map());
    const count = this.#writes.get(key)?.count ?? 0;
    reads.set(key, { task, value, site: takeSite(), count });
  }

  /** A task, or code outside of every task, has written a property. Returns what that overwrote, if it was news. */
  wrote(task: Task | null, key: Key, value: unknown): Finding | null {
    const foreign = this.#writes.get(key);
    const write = { task, value, site: takeSite(), count: (foreign?.count ?? 0) + 1 };
    this.#writes.set(key, write);
    const reads = task === null ? undefined : this.#reads.get(task);
    const read = reads?.get(key);
    reads?.delete(key);
    if (read === undefined || foreign === undefined || foreign.count === read.count) return null;
    return { read, foreign, write, lost: foreign.count - read.count };
  }
}
