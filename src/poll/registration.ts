/**
 * One registration: a descriptor, what is asked of it, and whether there is anything to tell.
 *
 * An entry watches its handle and is *active* from the moment at which something may have to be told or
 * armed, until a look at it finds nothing. Active entries are linked in a list, and that list is all
 * that a poll walks: ten thousand idle handles cost it nothing.
 */
import type { Pollable, Watcher } from "../io/pollable.ts";
import { INTEREST, POLLET, POLLIN, POLLNVAL, POLLONESHOT, POLLOUT, UNASKED } from "./masks.ts";

/** Is told when an entry must be looked at. */
export interface RegistrationOwner {
  /** Something has changed that the entry was asked about. */
  activate(entry: Registration): void;
}

/** A registered descriptor. */
export class Registration implements Watcher {
  /** The descriptor. */
  readonly fd: number;
  /** What stands behind it; `null` for a number that no handle has. */
  readonly handle: Pollable | null;
  /** Link in the list of active entries. */
  before: Registration | null = null;
  /** Link in the list of active entries. */
  after: Registration | null = null;
  /** Whether it is in that list. */
  active = false;
  readonly #owner: RegistrationOwner;
  #mask = 0;
  /** What its handle last said, which tells of every change: so each change is looked at once. */
  #ready = 0;
  /** Edge-triggered: whether there is news. One-shot: whether it may still speak. */
  #fresh = true;

  /** An entry that nothing is asked of. */
  constructor(fd: number, handle: Pollable | null, owner: RegistrationOwner) {
    this.fd = fd;
    this.handle = handle;
    this.#owner = owner;
    handle?.watch(this);
  }

  /** What is asked. */
  get mask(): number {
    return this.#mask;
  }

  /** Asks for something else. What is so now is news, also for an edge-triggered or one-shot entry. */
  ask(mask: number): void {
    this.#mask = mask;
    this.#fresh = true;
    this.#ready = this.handle?.ready ?? 0;
    this.#owner.activate(this);
  }

  /** What is to be told now. */
  get news(): number {
    const { handle } = this;
    if (handle === null || handle.closed) return POLLNVAL;
    return this.#fresh ? this.#ready & (this.#mask & INTEREST | UNASKED) : 0;
  }

  /** Whether there is nothing more that it could have to tell. */
  get tellsAll(): boolean {
    const asked = this.#mask & (POLLIN | POLLOUT);
    const { news } = this;
    return news === POLLNVAL || (news & asked) === asked;
  }

  /** Takes note that {@linkcode news} has been told. */
  told(): void {
    if (this.#mask & (POLLET | POLLONESHOT)) this.#fresh = false;
  }

  /** Has the handle find out what is asked. A one-shot entry that has spoken asks nothing. */
  arm(): void {
    if (this.#fresh || (this.#mask & POLLONESHOT) === 0) this.handle?.arm(this.#mask & INTEREST);
  }

  /** The handle has news. */
  readinessChanged(source: Pollable, fresh: number, ready: number = source.ready): void {
    const concerned = (this.#mask & INTEREST) | UNASKED;
    const changed = (ready ^ this.#ready) | fresh;
    this.#ready = ready;
    if ((changed & concerned) === 0 && !source.closed) return;
    if ((fresh & concerned) !== 0 && (this.#mask & POLLONESHOT) === 0) this.#fresh = true;
    this.#owner.activate(this);
  }

  /** Watches no more. */
  leave(): void {
    this.handle?.unwatch(this);
  }
}

/** The active entries, in the order in which they are told. */
export class ActiveList {
  #first: Registration | null = null;
  #last: Registration | null = null;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The first of them. */
  get first(): Registration | null {
    return this.#first;
  }

  /** Puts one at the end, unless it is in the list. */
  add(entry: Registration): void {
    if (entry.active) return;
    entry.active = true;
    this.#size++;
    entry.before = this.#last;
    if (this.#last === null) this.#first = entry;
    else this.#last.after = entry;
    this.#last = entry;
  }

  /** Takes one out, from any place. */
  remove(entry: Registration): void {
    if (!entry.active) return;
    entry.active = false;
    this.#size--;
    const { before, after } = entry;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    entry.before = entry.after = null;
  }

  /** Sends the first to the end: a loop that serves only the first of each answer serves all of them in turn. */
  rotate(): void {
    const first = this.#first;
    if (first === null || first === this.#last) return;
    this.remove(first);
    this.add(first);
  }
}
