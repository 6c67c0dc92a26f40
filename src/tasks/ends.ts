/**
 * The ends of several things that are under way, in the order in which they come.
 *
 * Tasks and the futures of jobs have nothing in common but that they end and say so, and that is all
 * that waiting for several of them needs.
 */
import { show } from "../kernel/printable.ts";
import { checkList, hasMethod } from "../kernel/checks.ts";
import { Deque } from "../internal/deque.ts";
import { operation } from "../kernel/operation.ts";
import { Task } from "../kernel/task.ts";
import { keepHandled } from "../kernel/trap.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";

/** Something that ends and says so: a task, or the future of a job. */
export interface Ending {
  /** Whether it has ended. */
  readonly done: boolean;
  /** Calls `fn` once it has ended, at once if it has. */
  link(fn: () => void): void;
  /** Takes a link back. */
  unlink?(fn: () => void): void;
}

/**
 * Checks tasks and futures, and gives them as a list.
 *
 * @throws {TypeError} If it is no list, or something in it never says that it has ended.
 */
export function checkEndings<E extends Ending>(endings: Iterable<E>, verb: string): E[] {
  keepHandled(endings);
  const all = checkList(endings, "tasks or futures");
  all.forEach(keepHandled);
  for (const one of all) {
    if (typeof one === "object" && hasMethod(one, "link")) continue;
    throw new TypeError(`Cannot ${verb} ${show(one)}: it must be a task or a future`);
  }
  return all;
}

/** Ends as they come; each thing counts once. */
export class Ends<E extends Ending> implements Disposable {
  readonly #waiters: WaitQueue<void>;
  readonly #ended = new Deque<E>();
  /** What has not ended, with what was linked to it. */
  readonly #waited = new Map<E, () => void>();

  /** Watches all of them from now on. */
  constructor(endings: Iterable<E>) {
    const all = [...new Set(endings)];
    // Only tasks can wait for one another in a circle; what runs elsewhere will surely end.
    const host = all.every((one) => one instanceof Task) ? "none" : "bound";
    this.#waiters = new WaitQueue<void>(this, "next", host);
    for (const one of all) {
      const ended = (): void => {
        this.#waited.delete(one);
        this.#ended.push(one);
        this.#waiters.wakeAll();
      };
      this.#waited.set(one, ended);
      // A failed task waits for the end of its run to be looked at. A future that has no run would be
      // an unhandled rejection before anybody gets hold of it, so being given out counts as a look.
      if (one instanceof Task) one.watch(ended);
      else one.link(ended);
    }
  }

  /** One of the tasks that keep the waiter. */
  get holder(): Task | undefined {
    for (const one of this.#waited.keys()) if (one instanceof Task) return one;
    return undefined;
  }

  /** Waits for the next end; a checkpoint also when there is one already. */
  *next(): Generator<unknown, E, unknown> {
    do {
      yield* operation<void>(this.#waiters, (wait) => {
        if (this.#ended.size > 0) wait.settle();
        else this.#waiters.park(wait);
      });
    } while (this.#ended.size === 0);
    return this.#ended.shift()!;
  }

  /** Takes an end that is there, without waiting. */
  take(): E | undefined {
    return this.#ended.shift();
  }

  /** Watches them no more. */
  [Symbol.dispose](): void {
    for (const [one, ended] of this.#waited) {
      one.unlink?.(ended);
    }
    this.#waited.clear();
  }

  /** What reports call them. */
  toString(): string {
    return "tasks";
  }
}
