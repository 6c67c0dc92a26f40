/**
 * What a watchdog and its worker share: one word that says what runs, and a table of names.
 *
 * The main thread tells of each step by one store. The word holds the slot of the task that runs (or
 * {@linkcode NO_SLOT}) and a count that makes each word differ from the last; so the worker reads both
 * at once, and a word that has not changed since its last look means the same step, still going on. The
 * names stand in a table, written when a task takes a slot and not at its steps: it keeps its slot until
 * another task takes it. The worker reads a name only for a step that has been going on for long, when nobody
 * writes.
 *
 * No time is in it. Reading the clock costs more than a step; the worker has all the time to measure.
 * Text is kept as UTF-16, as it is in a string: encoders do not like shared memory, and a cut cannot
 * fall into the middle of a character's bytes.
 */
import { printable } from "../../kernel/printable.ts";
import type { Task } from "../../kernel/task.ts";

/** How many tasks may have their names in the table at a time. */
export const SLOTS = 2048;

/** The slot of nobody: no step is going on. */
export const NO_SLOT: number = SLOTS;

/** Where the name stands of a task that is out in a foreign `await`. */
export const AWAY_SLOT: number = SLOTS + 1;

const SLOT_BITS = 12;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const COUNT_STEP = 1 << SLOT_BITS;

/** The words, by place. */
const STOP = 0;
const STEP = 1;
const FLAGGED = 2;
const BLOCKED = 3;
const AWAY = 4;
const WORDS = 8;

/** Stands in the flag when nothing is flagged; no step has this word. */
const NOTHING = -1;

/** Room for a name and for a site, in UTF-16 units; what is longer is cut. */
const NAME_UNITS = 62;
const SITE_UNITS = 128;
const SLOT_UNITS = 2 + NAME_UNITS + SITE_UNITS;

/** How the table shows that something was cut off. */
const CUT = "…";

/** Who a slot stands for. */
export interface SlotOwner {
  /** The task's name. */
  readonly name: string;
  /** Where it was spawned, if that is known. */
  readonly site: string | undefined;
}

/** The slot that a step word names. */
export function slotOf(step: number): number {
  return step & SLOT_MASK;
}

/** The memory that both threads look at. */
export class WatchMemory {
  /** What to send to the other thread. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #texts: Uint16Array<SharedArrayBuffer>;

  /** Looks at `buffer`, or at memory of its own. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(WORDS * 4 + (SLOTS + 2) * SLOT_UNITS * 2);
    this.#words = new Int32Array(this.buffer, 0, WORDS);
    this.#texts = new Uint16Array(this.buffer, WORDS * 4);
    if (buffer !== undefined) return;
    this.#words[STEP] = NO_SLOT;
    this.#words[FLAGGED] = NOTHING;
  }

  /** The word of what goes on now. */
  get step(): number {
    return Atomics.load(this.#words, STEP);
  }

  /**
   * Says that from now on the task of `slot` runs. Main thread only.
   *
   * @returns Whether the worker had flagged what went on until now as a block.
   */
  turnTo(slot: number): boolean {
    const words = this.#words;
    const was = words[STEP]!;
    Atomics.store(words, STEP, ((was & ~SLOT_MASK) + COUNT_STEP) | slot);
    if (Atomics.load(words, FLAGGED) !== was) return false;
    Atomics.store(words, FLAGGED, NOTHING); // or the word that has the same count one day would match
    return true;
  }

  /** Whether the worker has flagged what goes on now. Main thread only. */
  get flagged(): boolean {
    return Atomics.load(this.#words, FLAGGED) === this.#words[STEP];
  }

  /**
   * Flags what goes on as a block that has lasted `ms` so far. Worker only.
   *
   * @returns Whether it still goes on. Flag and step are each written before the other is read, so at least one
   *   of the two threads sees the other's: no block that was told of is missing in the records.
   */
  flag(step: number, ms: number): boolean {
    Atomics.store(this.#words, BLOCKED, Math.round(ms));
    Atomics.store(this.#words, FLAGGED, step);
    if (Atomics.load(this.#words, STEP) === step) return true;
    Atomics.store(this.#words, FLAGGED, NOTHING);
    return false;
  }

  /** How long the block flagged last had lasted when the worker looked last, in milliseconds. */
  get blockedMs(): number {
    return Atomics.load(this.#words, BLOCKED);
  }

  /** How many tasks are out in a foreign `await`. */
  get away(): number {
    return Atomics.load(this.#words, AWAY);
  }

  set away(count: number) {
    Atomics.store(this.#words, AWAY, count);
  }

  /** Ends the worker's watch. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    Atomics.notify(this.#words, STOP);
  }

  /** Sleeps for `ms`. Worker only. Returns `false` as soon as the watch is to end. */
  sleep(ms: number): boolean {
    return Atomics.wait(this.#words, STOP, 0, ms) === "timed-out";
  }

  /** Writes who has a slot. */
  write(slot: number, { name, site }: SlotOwner): void {
    const at = slot * SLOT_UNITS;
    const shownSite = site === undefined || site.length <= SITE_UNITS
      ? site ?? ""
      : CUT + site.slice(1 - SITE_UNITS);
    this.#write(at, at + 2, printable(name, NAME_UNITS));
    this.#write(at + 1, at + 2 + NAME_UNITS, printable(shownSite));
  }

  /** Writes the same into another slot. */
  copySlot(from: number, to: number): void {
    const at = from * SLOT_UNITS;
    this.#texts.copyWithin(to * SLOT_UNITS, at, at + SLOT_UNITS);
  }

  /** Reads who has a slot. */
  ownerOf(slot: number): SlotOwner {
    const at = slot * SLOT_UNITS;
    const site = this.#read(at + 1, at + 2 + NAME_UNITS);
    return { name: this.#read(at, at + 2), site: site === "" ? undefined : site };
  }

  #write(lengthAt: number, at: number, text: string): void {
    const texts = this.#texts;
    texts[lengthAt] = text.length;
    for (let i = 0; i < text.length; i++) texts[at + i] = text.charCodeAt(i);
  }

  #read(lengthAt: number, at: number): string {
    return String.fromCharCode(...this.#texts.subarray(at, at + this.#texts[lengthAt]!));
  }
}

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
