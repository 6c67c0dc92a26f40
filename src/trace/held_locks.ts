/**
 * The locks of a run, found through its tasks: nobody keeps a list of all locks.
 *
 * A task knows what it holds, and a wait knows what it stands in line for; the two meet in the thing
 * itself, not in its name, which two of them may share. What several tasks may hold at a time (a
 * semaphore) shows up once somebody waits for it, unless it is lent in pieces that its holders know of.
 */
import { leafWaits } from "../kernel/report.ts";
import type { Task } from "../kernel/task.ts";
import type { WaitSource } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";

/** So many waiters of one lock are listed. */
const MOST_WAITERS = 100;

/** Something that is held, and who stands in line for it. */
interface HeldLock {
  /** As in `Lock#1`, or `Semaphore#1.acquire()` where only its queue is known. */
  readonly name: string;
  /** Who has it; some of them, if there may be several that are not known. */
  readonly holders: readonly Task[];
  /** Who waits, the longest first, each with what it called. */
  readonly waiters: readonly { readonly task: Task; readonly call: string }[];
  /** How many more wait. */
  readonly more: number;
}

/** What is known of one thing while the tasks are gone through. */
class Found {
  readonly name: string;
  readonly holders = new Set<Task>();
  readonly #waiters: { task: Task; call: string }[] = [];
  readonly #sources = new Set<WaitSource>();
  #waiting = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** A task waits for it. Everybody in a queue comes with the first of them, in order. */
  add(task: Task, source: WaitSource): void {
    if (this.#sources.has(source)) return;
    this.#sources.add(source);
    if (!(source instanceof WaitQueue)) return this.#note(task, source);
    for (const wait of source) this.#note(wait.task, source);
  }

  get lock(): HeldLock {
    const { name, holders } = this;
    const more = this.#waiting - this.#waiters.length;
    return { name, holders: [...holders], waiters: this.#waiters, more };
  }

  #note(task: Task, source: WaitSource): void {
    this.#waiting++;
    if (this.#waiters.length >= MOST_WAITERS) return;
    this.#waiters.push({ task, call: String(source) });
  }
}

/** Everything that tasks hold, in the order of their ids; then what is held in common and waited for. */
export function heldLocks(tasks: readonly Task[]): HeldLock[] {
  const found = new Map<object, Found>();
  for (const task of tasks) {
    for (const holding of [...task.holdings].reverse()) {
      const thing = holding.pieceOf ?? holding;
      let known = found.get(thing);
      if (known === undefined) found.set(thing, known = new Found(String(thing)));
      known.holders.add(task);
    }
  }
  for (const task of tasks) {
    for (const { source } of leafWaits(task)) {
      const { holder } = source;
      const thing = source.owner ?? source;
      let known = found.get(thing);
      if (known === undefined) {
        if (holder === undefined || source.isShared !== true) continue;
        found.set(thing, known = new Found(String(source)));
        known.holders.add(holder);
      }
      known.add(task, source);
    }
  }
  return [...found.values()].map(({ lock }) => lock);
}
