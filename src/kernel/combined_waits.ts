/**
 * Several waits that stand in the place of one: the cases of a `race`, the parts of an `all`.
 *
 * They belong to the task that waits, not to tasks of their own: a lock that is won must be its. Each is
 * a {@linkcode Case}, parked in its own line like any other wait. What ends one tells the
 * {@linkcode Cases} in the same call, not at the task's turn. So a choice is committed before the one that
 * feeds it does anything else, the other cases have left their lines by then, and what comes for them
 * a moment later stays where it is or goes to the next in line. That is Go's `select`, and `choose` of
 * Concurrent ML.
 *
 * Each case has a cancel scope of its own, for those that cannot simply leave a line: an operation made of
 * others is cancelled through its scope, and waited for.
 *
 * Rejected: a child task for each case. The loser of two that were fed in one pass would have taken its
 * item, and be cancelled with it in its hands.
 */
import { Cancelled, combine, NOTHING } from "./errors.ts";
import { CancelScope } from "./scope.ts";
import { beginning, type Startable, take, Wait, type WaitSource } from "./wait.ts";
import type { Task } from "./task.ts";

/** Something to begin as a case. */
export interface CaseStart<T = unknown> extends Startable<T> {
  /** Gives back a value that can reach nobody in `task`, which has it. */
  undo?(value: T, task: Task): void;
}

/** One of several waits. */
export class Case extends Wait {
  /** Which of them it is, as they were listed. */
  readonly index: number;
  /** What was begun. */
  readonly origin: CaseStart;
  readonly #cases: Cases;

  /** One that has not begun. */
  constructor(cases: Cases, index: number, start: CaseStart) {
    super(start);
    this.#cases = cases;
    this.index = index;
    this.origin = start;
  }

  /** The wait in whose place it stands. */
  get outer(): Wait {
    return this.#cases.outer;
  }

  /** Whether there is no other, here or beside the wait that they stand for. */
  override get alone(): boolean {
    return this.#cases.count === 1 && this.outer.alone;
  }

  /** The choice that it belongs to. */
  override get choice(): object | null {
    return this.#cases.root;
  }

  override open(scope: CancelScope): void {
    try {
      super.open(scope);
    } catch (error) {
      this.fail(error);
    }
  }

  override park(source: WaitSource): void {
    super.park(source);
    this.state = "offered";
  }

  override claim(): void {
    this.#cases.claimed(this);
  }

  override settle(value: unknown): void {
    this.#end("settled", value);
  }

  override fail(error: unknown): void {
    this.#end("failed", error);
  }

  override finish(failed: boolean, value: unknown): void {
    this.#end(failed ? "failed" : "settled", value);
  }

  #end(state: "settled" | "failed", value: unknown): void {
    if (this.done) return;
    take(this, state, value);
    this.#cases.ended(this);
  }
}

/** What a choice and a gathering have in common. As a source, it only stands for its cases. */
abstract class Cases implements WaitSource {
  /** The cases say what the host has to do with them. */
  readonly host = "none";
  /** They are reported in its place. */
  readonly nested = true;
  /** The wait in whose place they stand. */
  readonly outer: Wait;
  /** Those that have begun, in that order. */
  protected readonly begun: Case[] = [];
  count = 0;
  /** How many of those that have begun have not ended. */
  protected open = 0;
  /** What they failed with. */
  protected readonly errors: unknown[] = [];
  /** The cancel of the whole that has reached one of them. */
  protected cancel: unknown = undefined;
  readonly #label: string;
  #beginning = true;

  /** Several in the place of `outer`. */
  constructor(outer: Wait, label: string) {
    this.outer = outer;
    this.#label = label;
  }

  /** The outermost choice that they belong to: its cases cannot meet one another. */
  abstract get root(): object | null;
  /** Whether it is known already how this ends, so that no more need to begin. */
  protected abstract get decided(): boolean;
  /** A case is about to be ended. */
  abstract claimed(one: Case): void;
  protected abstract noted(one: Case): void;
  /** Ends the outer wait: every case that began has ended. */
  protected abstract conclude(): void;

  /** Begins the cases in the given order, for a wait that is beginning itself. */
  begin(starts: readonly CaseStart[], order: Iterable<number>): void {
    const outer = this.outer.scope!;
    const around = beginning.choice;
    this.count = starts.length;
    try {
      for (const index of order) {
        const one = new Case(this, index, starts[index]!);
        this.begun.push(one);
        this.open++;
        beginning.choice = one.origin.composite === true ? null : this.root;
        one.open(new CancelScope(outer));
        // One that runs code of its own may have decided it for an earlier one.
        if (this.decided) {
          if (!one.done && !this.keeps(one)) this.retract(one);
          break;
        }
      }
    } finally {
      beginning.choice = around;
    }
    this.#beginning = false;
    if (this.open === 0) this.#over();
    else this.outer.park(this);
  }

  ended(one: Case): void {
    this.open--;
    this.noted(one);
    if (this.open === 0 && !this.#beginning) this.#over();
  }

  /** A cancel reaches the cases one by one; the whole ends when they have. */
  abandon(): boolean {
    return false;
  }

  toString(): string {
    return this.#label;
  }

  /** Whether a decided whole still wants this case. */
  protected keeps(_one: Case): boolean {
    return false;
  }

  /** Takes back all that have not ended, but one. */
  protected retractAll(but: Case | null): void {
    for (const one of this.begun) {
      if (one !== but && one.source !== null) this.retract(one);
    }
  }

  /** Takes a case out of its line; one that cannot simply go is cancelled, or waited for. */
  protected retract(one: Case): void {
    const source = one.source!;
    if (source.nested === true) return one.scope!.abort("group", `${this} is decided`);
    if (!source.abandon(one)) return;
    take(one, "failed", undefined);
    this.open--;
  }

  /**
   * Whether a case has ended by a cancel from around it, or because it was taken back, and by nothing else:
   * an error beside the cancel stays as what it failed with.
   */
  protected wasCancelled(one: Case): boolean {
    if (one.state === "settled") return false;
    const { cancel, rest } = one.scope!.partAll(one.value);
    one.value = rest === NOTHING ? cancel : rest;
    return rest === NOTHING;
  }

  #over(): void {
    if (!this.outer.done) this.conclude();
  }
}

/** The cases of a `race`: one is taken. */
export class Choice extends Cases {
  readonly #root: object;
  readonly #onValue: (index: number, value: unknown) => unknown;
  #taken: Case | null = null;

  /** A choice in the place of `outer`, which ends with what `onValue` makes of the value. */
  constructor(
    outer: Wait,
    label: string,
    onValue: (index: number, value: unknown) => unknown,
  ) {
    super(outer, label);
    this.#root = outer.choice ?? this;
    this.#onValue = onValue;
  }

  /** Which case was taken, so far. */
  get taken(): number | null {
    return this.#taken === null ? null : this.#taken.index;
  }

  override get root(): object {
    return this.#root;
  }

  protected override get decided(): boolean {
    return this.#taken !== null;
  }

  override claimed(one: Case): void {
    if (this.#taken !== null) return;
    this.#taken = one;
    // Nested: what takes one case of this choice takes this choice from among those around it.
    if (this.outer.state === "offered" || this.outer.state === "idle") this.outer.claim();
    this.retractAll(one);
  }

  protected override noted(one: Case): void {
    if (this.#taken === null) {
      if (this.wasCancelled(one)) this.cancel = one.value;
      else this.claimed(one);
    } else if (one !== this.#taken) {
      this.lost(one);
    }
  }

  /**
   * The value that a loser got by itself, in the moment in which another was taken, has not happened: its value is
   * given back, its failure was seen by nobody. What it threw because it was stopped is an error.
   */
  private lost(one: Case): void {
    if (one.state === "settled") return one.origin.undo?.(one.value, one.task);
    const { cause } = one.scope!;
    const wasStopped = cause !== null && Cancelled.wasDelivered(cause);
    if (wasStopped && !this.wasCancelled(one)) this.errors.push(one.value);
  }

  protected override keeps(one: Case): boolean {
    return one === this.#taken;
  }

  protected override conclude(): void {
    const taken = this.#taken;
    if (taken === null) return this.outer.fail(this.cancel);
    const { state, value, index } = taken;
    if (this.errors.length > 0) {
      const first = state === "failed" ? [value] : [];
      if (state === "settled") taken.origin.undo?.(value, taken.task);
      this.outer.fail(combine([...first, ...this.errors], String(this)));
    } else if (state === "failed") {
      this.outer.fail(value);
    } else {
      this.outer.settle(this.#onValue(index, value));
    }
  }
}

/** The parts of an `all`: every one is taken, and the first failure stops the rest. */
export class Gathering extends Cases {
  readonly #values: unknown[] = [];
  readonly #onFailure: (error: unknown) => void;

  /** A gathering in the place of `outer`; `onFailure` hears of each failure. */
  constructor(outer: Wait, label: string, onFailure: (error: unknown) => void) {
    super(outer, label);
    this.#onFailure = onFailure;
  }

  /** Parts may meet one another, as tasks would; not the cases of a choice around them. */
  override get root(): object | null {
    return this.outer.choice;
  }

  protected override get decided(): boolean {
    return this.errors.length > 0 || this.cancel !== undefined;
  }

  override claimed(): void {}

  protected override noted(one: Case): void {
    if (one.state === "settled") {
      this.#values[one.index] = one.value;
    } else if (this.wasCancelled(one)) {
      this.cancel = one.value;
    } else {
      this.errors.push(one.value);
      if (this.errors.length === 1) this.retractAll(null);
      this.#onFailure(one.value);
    }
  }

  protected override conclude(): void {
    if (!this.decided) return this.outer.settle(this.#values);
    for (const one of this.begun) {
      if (one.state === "settled") one.origin.undo?.(one.value, one.task);
    }
    this.outer.fail(this.errors.length > 0 ? combine(this.errors, "all") : this.cancel);
  }
}
