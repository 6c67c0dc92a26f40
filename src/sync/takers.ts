/**
 * Who has taken permits of a semaphore and not given them back: for reports only.
 *
 * It is kept while there are few permits, and until somebody gives back what he did not take. From
 * then on the semaphore is used as a signal, and a task that took a permit and keeps it holds up nobody.
 * What is kept is no proof of a deadlock either way: anybody may release.
 */
import { currentScope } from "../kernel/context.ts";
import type { Party } from "../kernel/wait.ts";
import type { QueueOwner } from "../kernel/wait_queue.ts";

/** With more permits than this, who took them is not kept: looking for one would cost too much. */
const MOST = 8;

/** The takers of one semaphore, which they also stand for in reports. */
export class Takers implements QueueOwner {
  /** Another one may do as well. */
  readonly isShared: boolean = true;
  readonly #name: string;
  /** One entry for each permit; `null` once it cannot be told. */
  #list: (Party | null)[] | null;

  /** Those of a semaphore that begins with `permits`. */
  constructor(name: string, permits: number) {
    this.#name = name;
    this.#list = permits > 0 && permits <= MOST ? [] : null;
  }

  /** The one that took a permit last and still has it. */
  get holder(): Party | undefined {
    return this.#list?.at(-1) ?? undefined;
  }

  /** Their names, latest last. */
  get names(): string[] {
    return (this.#list ?? []).filter((taker) => taker !== null).map((taker) => taker.name);
  }

  /** A task has taken a permit. */
  add(taker: Party): void {
    if (this.#list !== null) this.#list.push(taker);
  }

  /** The running task has taken a permit, or code outside of tasks has. */
  addCurrent(): void {
    if (this.#list !== null) this.#list.push(running());
  }

  /** The running task, or code outside of tasks, has given one back. */
  strikeCurrent(): void {
    if (this.#list !== null) this.strike(running());
  }

  /** `taker` has given one back. */
  strike(taker: Party | null): void {
    const list = this.#list;
    if (list === null) return;
    const at = list.lastIndexOf(taker);
    if (at < 0) this.#list = null;
    else if (at === list.length - 1) list.pop();
    else list.splice(at, 1);
  }

  /** The name of the semaphore. */
  toString(): string {
    return this.#name;
  }
}

function running(): Party | null {
  const scope = currentScope();
  return scope === null ? null : scope.task as unknown as Party;
}
