/**
 * Lost updates: who read and wrote the properties of one object, as far as it takes to see an update get
 * lost, and the record of one.
 *
 * Each property counts its writes, and each task remembers the count at its last read of it. A task that
 * writes has lost somebody's update if the count has moved on since: its own writes end its memory of a
 * read, so whatever moved the count was somebody else. Steps need not be watched: nobody else can write
 * while a task runs on without a yield.
 *
 * No lock is asked for either. A task that takes a lock, reads, and writes before giving it back has seen no
 * foreign write; and one that reads in one locked section and writes in a later one does lose the update,
 * lock or not. Rejected for that reason: to forget what was read before a lock was last given back.
 */
import { printable, show } from "../kernel/printable.ts";
import { placeOf, type Site, takeSite } from "../kernel/sites.ts";
import type { Task } from "../kernel/task.ts";

/** Where somebody touched a property, and what was there. */
export interface Access {
  /** The name of the task; `undefined` for code outside of every task. */
  readonly task: string | undefined;
  /** What was read or written. */
  readonly value: unknown;
  /** The line of the program, as in `file:///a.ts:12:5`, if that could be told. */
  readonly site: string | undefined;
}

/** A read, a write by somebody else, and then a write that knew nothing of that. */
export interface LostUpdate {
  /** The property by its path, as in `tickets.left` or `board.rows[3]`. */
  readonly property: string;
  /** What the late writer had read. */
  readonly read: Access;
  /** What somebody else wrote after that, and what is lost now; the last such write. */
  readonly foreign: Access;
  /** What the late writer put in its place. */
  readonly write: Access;
  /** How many writes by others there were between read and write. */
  readonly lost: number;
  /** All of it in one line. */
  readonly message: string;
}

/** An access before anybody asked for words. */
interface Touch {
  /** Who it was; `null` for code outside of every task. */
  readonly task: { readonly name: string } | null;
  /** What was read or written. */
  readonly value: unknown;
  /** Where, not yet in words: that costs ten times as much as taking it down. */
  readonly site: Site;
}

/** Puts a finding into words, and freezes it. */
export function lostUpdate(
  property: string,
  touched: { read: Touch; foreign: Touch; write: Touch },
  lost: number,
): LostUpdate {
  const read = inWords(touched.read);
  const foreign = inWords(touched.foreign);
  const write = inWords(touched.write);
  const message =
    `Lost update of ${printable(property, 1000)}: ${who(read)} read ${show(read.value)}${
      at(read)
    }, ` +
    `then ${who(foreign)} wrote ${show(foreign.value)}${at(foreign)}` +
    `${lost > 1 ? ` (the last of ${lost} such writes)` : ""}, ` +
    `then ${who(read)} wrote ${show(write.value)}${at(write)} without having read it again`;
  return Object.freeze({ property, read, foreign, write, lost, message });
}

/** The path of a property below that of its object. */
export function pathOf(object: string, key: string | symbol): string {
  if (typeof key === "symbol") return `${object}[${printable(key)}]`;
  if (/^\d+$/.test(key)) return `${object}[${key}]`;
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key)
    ? `${object}.${printable(key)}`
    : `${object}[${show(key)}]`;
}

function inWords({ task, value, site }: Touch): Access {
  return Object.freeze({ task: task?.name, value, site: placeOf(site) });
}

function who({ task }: Access): string {
  return task === undefined ? "code outside of every task" : `task "${printable(task)}"`;
}

function at({ site }: Access): string {
  return site === undefined ? "" : ` at ${printable(site, 500)}`;
}

/** A property's name. */
export type AccessKey = string | symbol;

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
  /** Which access of the object this was. */
  readonly time: number;
}

interface Write extends Touch {
  /** Which write of the property this was, counted from 1. */
  readonly count: number;
  /** Which access of the object this was. */
  readonly time: number;
}

/** What one task knows of the object. */
class Memory {
  /** What it read of single properties, and has not written since. */
  readonly reads = new Map<AccessKey, Read>();
  /** When it last wrote a property. */
  readonly writes = new Map<AccessKey, number>();
  /** When it last asked which properties there are. */
  keys: Read | undefined = undefined;

  /**
   * The read that told of a property without naming it: of all keys, or of the length of an array, by
   * which a task that read it knows that nothing is behind that.
   */
  covering(key: AccessKey): Read | undefined {
    const length = this.reads.get("length");
    const isBehind = length !== undefined && indexOf(key) >= Number(length.value);
    const candidates = [this.keys, isBehind ? length : undefined];
    const written = this.writes.get(key) ?? -1;
    return candidates
      .filter((read) => read !== undefined && read.time > written)
      .reduce(
        (latest, read) => latest === undefined || read!.time > latest.time ? read : latest,
        undefined,
      );
  }
}

/** The accesses to one object. */
export class AccessLog {
  readonly #writes = new Map<AccessKey, Write>();
  /** By task, weakly: what a task had read is gone with it. */
  readonly #memories = new WeakMap<Task, Memory>();
  #time = 0;

  /** A task has read a property. */
  read(task: Task, key: AccessKey, value: unknown): void {
    const count = this.#writes.get(key)?.count ?? 0;
    this.#memory(task).reads.set(key, { task, value, site: takeSite(), count, time: ++this.#time });
  }

  /** A task has asked which properties there are. */
  readKeys(task: Task, keys: readonly AccessKey[]): void {
    const read = { task, value: keys, site: takeSite(), count: 0, time: ++this.#time };
    this.#memory(task).keys = read;
  }

  /** A task, or code outside of every task, has written a property. Returns what that overwrote, if it was news. */
  wrote(task: Task | null, key: AccessKey, value: unknown): Finding | null {
    const foreign = this.#writes.get(key);
    const time = ++this.#time;
    const write = { task, value, site: takeSite(), count: (foreign?.count ?? 0) + 1, time };
    this.#writes.set(key, write);
    if (task === null) return null;
    const memory = this.#memory(task);
    const read = memory.reads.get(key);
    const covering = memory.covering(key);
    memory.reads.delete(key);
    memory.writes.set(key, time);
    if (foreign === undefined) return null;
    if (read !== undefined) {
      if (foreign.count === read.count) return null;
      return { read, foreign, write, lost: foreign.count - read.count };
    }
    if (covering === undefined || foreign.task === task || foreign.time < covering.time) {
      return null;
    }
    return { read: covering, foreign, write, lost: 1 };
  }

  #memory(task: Task): Memory {
    let memory = this.#memories.get(task);
    if (memory === undefined) this.#memories.set(task, memory = new Memory());
    return memory;
  }
}

/** The place that a key names in an array; `NaN` if it names none. */
function indexOf(key: AccessKey): number {
  return typeof key === "string" && /^(0|[1-9]\d*)$/.test(key) ? Number(key) : NaN;
}
