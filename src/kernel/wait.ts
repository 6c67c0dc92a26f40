/**
 * A wait: one stay of one task at one operation.
 *
 * The wait, not the task, is what parks in queues, carries the result, and is cancelled. A task in
 * the async lane may hold several at once (`await Promise.all([a.get(), b.get()])`), and a late
 * wake-up can never hit the wrong stay, because each stay is an object of its own. It is also its
 * own iterator and its own iterator result, so that a round trip through `yield*` allocates nothing
 * else; it is intrusive in its wait queue, so that leaving costs O(1).
 *
 * Its life is one union, {@linkcode WaitState}. An operation that can be done at once ends its wait
 * without parking it. As long as its step has some of its budget left, a task then simply goes on: a wait in a
 * `function*` begins inside its own `next()`, and answers `done`, so that the generator is not even left.
 */
import { mayGoOn } from "./turn.ts";
import { fastLane, type Frame } from "./context.ts";
import { InternalError } from "./errors.ts";
import type { CancelScope } from "./scope.ts";
import type { Task } from "./task.ts";

/**
 * How much the host has to do with a wait's end; the deadlock check and the virtual clock go by it.
 *
 * - `"none"`: only another task or a timer of this run can end it;
 * - `"open"`: the host may end it, or never (an accept, a read);
 * - `"bound"`: the host will end it (a write, a connect, a job of a worker).
 */
export type HostPart = "none" | "open" | "bound";

/** What a wait is parked on: names it in reports, and forgets it on cancel. */
export interface WaitSource {
  /** Whether anything outside this run can end the wait. */
  readonly host: HostPart;
  /** The task that must act before the wait can end, where that is known: the edge of a wait-for graph. */
  readonly holder?: Task | undefined;
  /** What is waited for, where its holder has it among its holdings. */
  readonly owner?: object;
  /** Whether that task is only one of those who can: reports name it, but it proves no deadlock. */
  readonly isShared?: boolean;
  /** Whether other tasks may give it back in the holder's place: reports say so. */
  readonly anyReleases?: boolean;
  /** Whether the wait only stands for others inside it, which reports name instead. */
  readonly nested?: boolean;
  /**
   * Forgets a parked wait, which is being cancelled. Returns `false` when that is impossible: then
   * the wait goes on to its end, and the cancel is thrown at the next checkpoint instead.
   */
  abandon(wait: Wait): boolean;
  /** Names what is waited on, as in `Lock#1.acquire()`. */
  toString(): string;
}

/** Goes on with a program where its wait has ended. */
export interface Resumer {
  /** Called at the task's turn with a wait that has ended. Returns whether the task's body then ceded. */
  resume(wait: Wait): boolean;
  /** Of a `function*` that waits by `yield*`: goes into it, and straight out again; see {@linkcode probe}. */
  peek?(wait: Wait): void;
}

/** Begins an operation for a wait: settles it, parks it, or throws. */
export interface Startable<T> {
  /** Whether it is a schedule point in any case, be it done at once. */
  readonly cedes?: boolean;
  /** Whether it is made of other operations, and runs code of its own to begin. */
  readonly composite?: boolean;
  /** Called once, in the waiting task's step. */
  begin(wait: Wait<T>): void;
  /** Names it in reports. */
  toString(): string;
}

/**
 * The life of a wait: idle until it begins, then parked (or not), then ended with a value or an error.
 * `"offered"` is parked as one of several of which only one will be taken: see {@linkcode Wait.claim}.
 */
export type WaitState = "idle" | "parked" | "offered" | "settled" | "failed";

/**
 * One stay of one task at one operation; also the iterator that `yield*` drives. Its `offer` can be read and
 * set while it is parked: what it hands to the one that ends it.
 */
export class Wait<T = unknown> {
  /** Where this wait stands. */
  state: WaitState = "idle";
  /** `yield*`: whether it has ended. */
  done = false;
  /** `yield*`: passes out the wait itself, then evaluates to the result; holds the error when failed. */
  value: unknown = this;
  /** Which cancels reach it; set when it begins. */
  scope: CancelScope | null = null;
  /** Who goes on when it ends; nobody as long as it is beginning inside a step that may go on. */
  owner: Resumer | null = null;
  /** What it is parked on. */
  source: WaitSource | null = null;
  /** Link within the source's queue. */
  before: Wait | null = null;
  /** Link within the source's queue. */
  after: Wait | null = null;
  /** The next wait of the same task, parked or ended along with this one. */
  also: Wait | null = null;
  /** The one before it in that list, while parked: a task may sit in thousands, and each must leave at once. */
  prior: Wait | null = null;
  /**
   * What it waits for; let go of once begun, since a million parked waits need not keep it. While it is
   * parked, what it parked on may keep here what it offers.
   */
  private content: unknown;

  /** Makes a wait that will begin `operation`. */
  constructor(operation: Startable<T>) {
    this.content = operation;
  }

  /** What it waits for, until it has begun. */
  get operation(): Startable<T> | null {
    return this.scope === null ? this.content as Startable<T> : null;
  }

  /** What a parked wait offers to the one that ends it. */
  get offer(): unknown {
    return this.content;
  }

  set offer(offer: unknown) {
    this.content = offer;
  }

  /** Who waits; only once it has begun. */
  get task(): Task {
    return this.scope!.task;
  }

  /** Whether it is parked, and does not only stand for others inside it. */
  get isLeaf(): boolean {
    return this.source !== null && this.source.nested !== true;
  }

  /** Begins the operation under `scope`, for its task; `owner` goes on when it ends. */
  start(scope: CancelScope, owner: Resumer): void {
    this.owner = owner;
    this.open(scope);
  }

  /**
   * Begins the operation in the step of its task that runs just now, which goes on if it ends at once: then
   * no turn is due. If it has parked, `owner` goes on when it ends.
   */
  startWithin(scope: CancelScope, owner: Resumer): void {
    this.open(scope);
    if (!this.done) {
      this.owner = owner;
    } else if (this.task.state === "waiting") {
      this.task.state = "running"; // it parked, and what it parked on ended it at once
    }
  }

  /** Begins the operation. */
  protected open(scope: CancelScope): void {
    if (this.scope !== null) {
      throw new InternalError(`Cannot start a wait twice: it is ${this.state}`);
    }
    const operation = this.content as Startable<T>;
    this.content = null;
    this.scope = scope;
    operation.begin(this);
    if (this.state === "idle") {
      throw new InternalError(`Cannot wait for ${operation}: it neither settled nor parked`);
    }
  }

  /** Whether its task can do nothing until it ends; one of several in a `Promise.race` is not alone. */
  get alone(): boolean {
    return true;
  }

  /** Throws if the wait stands in a cancelled scope: each operation does so first, as it begins. */
  checkpoint(): void {
    const cancel = this.scope!.pending;
    if (cancel !== null) throw cancel;
  }

  /**
   * Called first by the code that ends a wait it has taken out of a line, when the wait is `"offered"`:
   * from now on it is the one that is taken, and those beside it have left their lines.
   */
  claim(): void {}

  /** Marks the wait as parked on `source`, which answers for it from now on. */
  park(source: WaitSource): void {
    this.state = "parked";
    this.source = source;
    park(this.task, this);
  }

  /** Ends the wait with a value; its task goes on at its turn. Without effect once it has ended. */
  settle(value: T): void {
    end(this, "settled", value);
  }

  /** Ends the wait with an error, thrown where the task waits. Without effect once it has ended. */
  fail(error: unknown): void {
    end(this, "failed", error);
  }

  /**
   * Ends the wait and goes on at once, in the turn that is running: for an operation made of
   * others, whose last one has just had its turn. One that needed no turn at all is settled like
   * any other.
   */
  finish(failed: boolean, value: unknown): void {
    if (this.state === "idle") return end(this, failed ? "failed" : "settled", value);
    take(this, failed ? "failed" : "settled", value);
    if (this.owner!.resume(this)) this.task.host.ready(this.task);
  }

  /** Takes over the value of another wait, which stood in for this one. */
  conclude(value: T): void {
    take(this, "settled", value);
  }

  /** The choice of which it is one case, if it is one; the outermost, when they are nested. */
  get choice(): object | null {
    return null;
  }

  /** Whether it is what a `yield*` gives out, so that its `next` can be called at any time. */
  get passesThrough(): boolean {
    return true;
  }

  /**
   * `yield*` asks first for what to wait for, and once resumed for the result. If the step may go on, the
   * operation begins right here, and may have its result already.
   */
  next(): Pick<Wait, "done" | "value"> | Promise<Pick<Wait, "done" | "value">> {
    const { running } = fastLane;
    if (this.owner === null && running !== null && this.scope === null && mayGoOn(running.scope)) {
      beginIn(running, this as Wait);
      return this;
    }
    if (probe.look !== null) probe.seen = probe.look();
    return this;
  }

  /** `yield*` passes an error on to the line that waits. */
  throw(error: unknown): never {
    throw error;
  }
}

/** Stands as the owner of a wait that does not begin inside its generator. */
const leaving: Resumer = { resume: () => false };

/**
 * A wait with which the generator is left before it begins: that is a turn in any case; or it is made of others,
 * and the frames of their generators must not come on top of those of this one. No class of its own: with a
 * fifth kind of wait, whatever is asked of one would be a look-up.
 */
export function leavingWait<T>(operation: Startable<T>): Wait<T> {
  const wait = new Wait<T>(operation);
  wait.owner = leaving;
  return wait;
}

/** A wait that stands for something else that a `function*` yielded. */
export class SubstituteWait<T = unknown> extends Wait<T> {
  /** Never: the generator would get its result at once. */
  override get passesThrough(): boolean {
    return false;
  }
}

/**
 * The choice that is beginning its waits just now, if one is. Those that it has parked already are in no
 * line yet, as far as the others are concerned: nobody can hand something over to himself.
 */
export const beginning: { choice: object | null } = { choice: null };

/** For those who ask a waiting `function*` where it stands: what its innermost wait is to look at, and saw. */
export const probe: { look: (() => unknown) | null; seen: unknown } = {
  look: null,
  seen: undefined,
};

// Functions, because a private method would cost every wait a hidden slot.

function end(wait: Wait, state: "settled" | "failed", value: unknown): void {
  if (wait.done) return;
  take(wait, state, value);
  if (wait.owner !== null) awaitTurn(wait.task, wait);
}

/** Begins a wait inside the generator that waits. */
function beginIn(frame: Frame, wait: Wait): void {
  wait.startWithin(frame.scope, frame.resumer);
  frame.begun++;
  if (!wait.done) fastLane.parked = wait;
  else if (wait.state === "failed") throw wait.value;
}

/** Ends a wait without a turn for its task: for those who stand in for it. */
export function take(wait: Wait, state: "settled" | "failed", value: unknown): void {
  if (wait.source !== null) unpark(wait.task, wait);
  wait.state = state;
  wait.value = value;
  wait.done = true;
  wait.source = null;
}

/** Puts a wait in front of those that its task is parked in. */
function park(task: Task, wait: Wait): void {
  const latest = task.parkedWait;
  wait.also = latest;
  if (latest !== null) latest.prior = wait;
  task.parkedWait = wait;
  task.host.parked(task, wait);
}

/** Takes a wait out of those that its task is parked in. */
function unpark(task: Task, wait: Wait): void {
  const { prior, also } = wait;
  if (prior === null) task.parkedWait = also;
  else prior.also = also;
  if (also !== null) also.prior = prior;
  wait.also = wait.prior = null;
  task.host.unparked(wait);
}

/** Puts a wait that has ended behind those that await a turn of its task. */
function awaitTurn(task: Task, wait: Wait): void {
  if (task.state === "terminated") return;
  const first = task.endedWait;
  if (first === null) {
    task.endedWait = wait;
  } else {
    // Of several, the last is kept; of one, it need not be.
    const last = first.also === null ? first : task.lastEndedWait!;
    last.also = task.lastEndedWait = wait;
  }
  if (task.state !== "ready") task.host.ready(task);
}

// -- The ends of operations that were done at once, as the iterators that `yield*` asks for them --

/** What `yield*` takes from an iterator. */
export interface IterationStep {
  /** Whether it is over. */
  readonly done: boolean;
  /** What it evaluates to then. */
  readonly value: unknown;
}

/** The end, for a `function*`: iterator and result in one. */
export class Done<T> implements IterationStep {
  readonly done = true;
  readonly value: T;

  constructor(value: T) {
    this.value = value;
  }

  next(): this {
    return this;
  }
}

/**
 * The end, for an `async function*`. There the language waits for what an iterator's `next` gives, and so looks
 * whether that has a `then`. In a plain object it knows that there is none; in an object of a class it searches for
 * one, and that takes as long as all the rest of the wait (45 ns, measured). So the result is a plain object.
 */
export class AsyncDone<T> {
  readonly #step: IterationStep;

  constructor(value: T) {
    this.#step = lastStep(value);
  }

  next(): IterationStep {
    return this.#step;
  }
}

/** A plain result, for `yield*` in an `async function*`. */
export function lastStep(value: unknown): IterationStep {
  return { value, done: true };
}
