/**
 * Where threads wait for shared memory to change: blocked, or parked as operations.
 *
 * A gate is two words, a count of changes and a count of waiting threads. A thread that wants something tries
 * for it (an {@linkcode GateEntry}); in vain, it waits until the count of changes moves, and tries again.
 * A thread that changes something looks whether anybody waits, and only then moves the count and notifies. A
 * waiter counts itself in before it tries, a changer changes before it looks, and atomics have one
 * order: so one of the two sees the other, and no wake-up is lost.
 *
 * A worker's plain code blocks in `Atomics.wait`, a slice at a time, because a blocked thread hears
 * nothing: between two slices it looks whether it was told to end, and whether the thread it waits for
 * is still alive. A slice also mends a wake-up that went to a thread that died over it.
 *
 * A scheduler's thread never blocks: its waits park here, behind one `Atomics.waitAsync` for each gate,
 * which may be rung when nothing is parked any more; then the ring is passed on. `waitAsync` does not keep the
 * process alive (denoland/deno#15358), and tells nothing of a holder that has died: so while anything is parked,
 * one alarm of the thread takes the place of the slices.
 */
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";
import { checkMs } from "../../kernel/checks.ts";
import { reportCycle } from "../../kernel/deadlock.ts";
import { ClosedError, TimeoutError } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import { type Scheduler, schedulerOf } from "../../kernel/scheduler.ts";
import type { Task } from "../../kernel/task.ts";
import type { HostPart, Wait, WaitSource } from "../../kernel/wait.ts";
import { type LocalHold, WaitingRun } from "./local_hold.ts";
import type { ThreadId } from "../thread/table.ts";
import { mainThreadError, onMainThread, refuseTask } from "./waiting.ts";

/** What an attempt gives that must wait. */
export const NOT_YET: unique symbol = Symbol("weft.notYet");

/** Something to wait for at a gate. */
export interface GateEntry<T> {
  /** What is waited for, as in `SharedLock#1.acquire()`. */
  readonly label: string;
  /** Tries, without waiting. Throws if it can never come true; that is the entry's end. */
  attempt(): T | typeof NOT_YET;
  /** Called after attempts in vain: throws if it can never come true because a thread has died, likewise. @default never throws */
  check?(): void;
  /**
   * It is given up: by a cancel, because time is up, because its thread is to end. Returns `false` if it
   * is too late for that: what it waited for has come true meanwhile and cannot be undone.
   *
   * @default it is never too late
   */
  leave?(): boolean;
}

/** Whom a change concerns: the next waiter that can use it, or every one. */
export type GateStyle = "one" | "all";

/** How many words a gate takes. */
export const GATE_WORDS = 2;

/** So often one looks again at once, when something has changed meanwhile. */
const MOST_TRIES = 4;

const CHANGES = 0;
const WAITING = 1;

/** Nobody goes without a look around for longer than this, in milliseconds. */
const SLICE_MS = 50;

const clock = new SystemClock();

/** The gates of this thread where operations are parked. */
const occupied = new Set<Gate>();

/** Has a gate looked at once a slice from now on. */
function attend(gate: Gate): void {
  occupied.add(gate);
  if (occupied.size === 1) setAlarm();
}

/** Has it looked at no more. */
function unattend(gate: Gate): void {
  if (occupied.delete(gate) && occupied.size === 0) clock.clearAlarm();
}

function setAlarm(): void {
  // In nobody's scope: it is not part of the task that happened to come first.
  withScope(null, () =>
    clock.setAlarm(clock.now() + SLICE_MS, () => {
      for (const gate of [...occupied]) gate.look();
      if (occupied.size > 0) setAlarm();
    }));
}

/** One operation that is parked at a gate. */
class Parked<T> implements WaitSource {
  readonly host: HostPart;
  readonly entry: GateEntry<T>;
  readonly wait: Pick<Wait<T>, "settle" | "fail">;
  /** Who says what part the host has, where that changes. */
  readonly run: WaitingRun | null;
  readonly #gate: Gate;

  constructor(
    gate: Gate,
    entry: GateEntry<T>,
    wait: Pick<Wait<T>, "settle" | "fail">,
    run: WaitingRun | null,
  ) {
    this.#gate = gate;
    this.entry = entry;
    this.wait = wait;
    this.run = run;
    this.host = run === null ? "open" : "none";
  }

  get holder(): Task | undefined {
    return this.#gate.hold?.task ?? undefined;
  }

  get owner(): object {
    return this.#gate.hold ?? this;
  }

  get anyReleases(): boolean {
    return this.#gate.keeper?.anyReleases === true;
  }

  /** Its lock is held by a task that waits for its own run. */
  closeCircle(): void {
    this.run?.refused(this.#gate.hold, true);
  }

  abandon(): boolean {
    return this.#gate.leave(this as Parked<unknown>);
  }

  toString(): string {
    return this.entry.label;
  }
}

/** Knows which task of this thread keeps others waiting at a gate. */
export interface GateKeeper {
  /** This thread's hold, if it has what is waited for. */
  hold(): LocalHold | null;
  /** Whether any task of this thread may end that hold. */
  readonly anyReleases: boolean;
}

/** A place to wait at, as one thread sees it. */
export class Gate {
  /** Who knows that, where that is known. */
  readonly keeper: GateKeeper | null;
  readonly #words: Int32Array;
  readonly #changes: number;
  readonly #waiting: number;
  readonly #thread: ThreadId;
  readonly #style: GateStyle;
  readonly #parked = new Set<Parked<unknown>>();
  /** The runs that wait for the keeper. */
  readonly #runs = new Map<Scheduler, WaitingRun>();
  #armed = false;

  /** The gate whose words begin at `at`. */
  constructor(
    words: Int32Array,
    at: number,
    thread: ThreadId,
    style: GateStyle,
    keeper: GateKeeper | null = null,
  ) {
    this.keeper = keeper;
    this.#words = words;
    this.#changes = at + CHANGES;
    this.#waiting = at + WAITING;
    this.#thread = thread;
    this.#style = style;
  }

  /** How many threads wait here, as far as known: one that died waiting is still counted. */
  get waiting(): number {
    return Atomics.load(this.#words, this.#waiting);
  }

  /** This thread's hold on what is waited for here, where that is known. */
  get hold(): LocalHold | null {
    return this.keeper === null ? null : this.keeper.hold();
  }

  /** Something has changed that `count` waiters may use. */
  wake(count = 1): void {
    if (Atomics.load(this.#words, this.#waiting) > 0) this.#ring(count);
  }

  /** Something has changed for everybody. */
  wakeAll(): void {
    this.wake(Infinity);
  }

  /** An operation that waits until an entry comes true; each wait makes its own. */
  enter<T>(label: string, makeEntry: () => GateEntry<T>): Operation<T> {
    return operation(label, (wait: Wait<T>) => {
      const entry = makeEntry();
      const got = entry.attempt();
      if (got === NOT_YET) this.park(entry, wait);
      else wait.settle(got);
    });
  }

  /** Parks a wait until its entry, which has been tried in vain, comes true. */
  park<T>(entry: GateEntry<T>, wait: Wait<T>): void {
    const parked = new Parked(this, entry, wait, this.#runOf(wait.task));
    const holder = parked.holder;
    const circle = holder === undefined ? [] : reportCycle(wait, holder, parked);
    wait.park(parked);
    this.#add(parked);
    for (const source of circle) {
      if (source instanceof Parked) source.closeCircle();
    }
  }

  /**
   * Blocks the thread until an entry comes true, at most `ms` milliseconds.
   *
   * @throws {TimeoutError} If it takes longer.
   * @throws {ClosedError} If the thread is told to end.
   */
  block<T>(entry: GateEntry<T>, ms: number | undefined): T {
    if (onMainThread) throw mainThreadError(entry.label);
    const limit = ms === undefined ? Infinity : checkMs(ms, "a timeout");
    const got = entry.attempt();
    if (got !== NOT_YET) return got;
    refuseTask(entry.label);
    Atomics.add(this.#words, this.#waiting, 1);
    try {
      return this.#blockCounted(entry, limit);
    } finally {
      Atomics.sub(this.#words, this.#waiting, 1);
    }
  }

  /** Tries for everyone who is parked here, in order. */
  look(): void {
    const words = this.#words;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const seen = Atomics.load(words, this.#changes);
      for (const parked of this.#parked) {
        if (!this.#try(parked) && this.#style === "one") break;
      }
      for (const run of this.#runs.values()) run.refused(this.hold, false);
      if (this.#parked.size === 0 || this.#armed || this.#arm(seen)) return;
    }
    // Others change things faster than one can look: let the rest of this thread have its turn first.
    this.#expectRing(clock.hop(false));
  }

  /** A parked operation is cancelled. Returns whether that is still possible. */
  leave(parked: Parked<unknown>): boolean {
    if (parked.entry.leave?.() === false) return false;
    this.#remove(parked);
    return true;
  }

  #blockCounted<T>(entry: GateEntry<T>, limit: number): T {
    const words = this.#words;
    const until = performance.now() + limit;
    for (let left = limit;;) {
      const seen = Atomics.load(words, this.#changes);
      const got = entry.attempt();
      if (got !== NOT_YET) return got;
      entry.check?.();
      if (this.#thread.stopped) {
        const why = `Cannot wait for ${entry.label}: this thread was told to end`;
        return this.#giveUp(entry, new ClosedError(why));
      }
      if (left <= 0) return this.#giveUp(entry, new TimeoutError(limit, entry.label));
      Atomics.wait(words, this.#changes, seen, Math.min(SLICE_MS, left));
      if (limit !== Infinity) left = until - performance.now();
    }
  }

  /** Throws, unless it is too late for that. */
  #giveUp<T>(entry: GateEntry<T>, error: Error): T {
    const got = entry.leave?.() === false ? entry.attempt() : NOT_YET;
    if (got !== NOT_YET) return got;
    this.wake(); // a change may have been announced to this waiter alone
    throw error;
  }

  /** Calls `told` once, when an entry has come true, or cannot any more; returns what ends that. */
  watch<T>(entry: GateEntry<T>, told: () => void): () => void {
    const parked = new Parked(this, entry, { settle: told, fail: told }, null);
    this.#add(parked);
    return () => void this.leave(parked as Parked<unknown>);
  }

  /** Counts a wait of a task's run in; `null` where nobody can say who keeps it waiting. */
  #runOf(task: Task): WaitingRun | null {
    if (this.keeper === null || task.isBystander) return null;
    const scheduler = schedulerOf(task);
    let run = this.#runs.get(scheduler);
    if (run === undefined) this.#runs.set(scheduler, run = new WaitingRun(scheduler));
    run.enter();
    return run;
  }

  #add<T>(parked: Parked<T>): void {
    this.#parked.add(parked as Parked<unknown>);
    if (this.#parked.size > 1) return;
    Atomics.add(this.#words, this.#waiting, 1);
    attend(this);
    this.look();
  }

  #remove(parked: Parked<unknown>): void {
    if (!this.#parked.delete(parked)) return;
    const { run } = parked;
    if (run !== null && run.leave()) this.#runs.delete(run.scheduler);
    if (this.#parked.size > 0) return;
    Atomics.sub(this.#words, this.#waiting, 1);
    unattend(this);
  }

  /** Returns whether the wait is over. */
  #try(parked: Parked<unknown>): boolean {
    const { entry, wait } = parked;
    try {
      const got = entry.attempt();
      if (got === NOT_YET) {
        entry.check?.();
        return false;
      }
      this.#remove(parked);
      wait.settle(got);
    } catch (error) {
      this.#remove(parked);
      wait.fail(error);
    }
    return true;
  }

  /** Returns whether the next change will be told of; if not, there has been one since `seen`. */
  #arm(seen: number): boolean {
    const told = withScope(null, () => Atomics.waitAsync(this.#words, this.#changes, seen));
    if (told.async) this.#expectRing(told.value);
    return told.async;
  }

  #expectRing(ring: Promise<unknown>): void {
    this.#armed = true;
    withScope(null, () =>
      ring.then(() => {
        this.#armed = false;
        if (this.#parked.size > 0) this.look();
        else this.wake(); // everyone here has left since
      }));
  }

  #ring(count: number): void {
    Atomics.add(this.#words, this.#changes, 1);
    Atomics.notify(this.#words, this.#changes, count);
  }
}
