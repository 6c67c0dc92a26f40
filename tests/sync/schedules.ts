/**
 * Random schedules against a model: a few tasks of both lanes that use one primitive, as a seed decides,
 * with cancels and deadlines in between, while a model of it in plain arrays says what must come of each call.
 *
 * A call begins in the very step in which it is made, and an interruption is told to the model in the
 * step in which it happens. So the model sees the same events in the same order as the primitive, and must agree
 * with it about the outcome of every call: which item, which error, or that it did not happen.
 */
import { Cancelled, type Operation, run, sleep, spawn, type Task } from "@weft/weft";
import { CancelScope, currentScope, Entered, seededChoose, sequence } from "@weft/weft/lowlevel";
import { VirtualClock } from "@weft/weft/testing";

/** What came of a call. */
export type Outcome = { got: unknown } | { threw: string } | "interrupted";

/** What must come of the calls of one run: a model tells it, the tasks ask it. */
export class Verdicts {
  readonly #outcomes = new Map<number, Outcome>();
  #last = 0;

  /** A number for a call that begins. */
  next(): number {
    return ++this.#last;
  }

  /** The call must evaluate to this. */
  give(call: number, got?: unknown): void {
    this.#outcomes.set(call, { got });
  }

  /** The call must throw an error of this name. */
  refuse(call: number, threw: string): void {
    this.#outcomes.set(call, { threw });
  }

  /** The call was cut short. Returns whether it had no outcome yet, so that the model must forget it. */
  interrupt(call: number): boolean {
    if (this.#outcomes.has(call)) return false;
    this.#outcomes.set(call, "interrupted");
    return true;
  }

  /** What must have come of the call; taken once. */
  take(call: number): Outcome | undefined {
    const outcome = this.#outcomes.get(call);
    this.#outcomes.delete(call);
    return outcome;
  }
}

/** One call of a verb: what to do, and what the model makes of it. */
export interface Call {
  /** For messages. */
  readonly verb: string;
  /** The call that waits, or a plain function for one that does not. */
  readonly does: (() => Operation<unknown>) | { now: () => unknown };
  /** Tells the model that call number `call` begins. */
  readonly begins: (call: number) => void;
}

/** A primitive and its model, for one run. */
export interface Play {
  /** Makes a call at random; `choose(n)` is a number below n. */
  call(choose: (n: number) => number): Call;
  /** The model forgets a call that waited. */
  forget(call: number): void;
  /** Compares what is left; throws when it differs. */
  compare(): void;
}

/** How long a program is. */
const TASKS = 5;
const CALLS = 5;

/** Plays one seed. */
export async function playSchedule(
  seed: number,
  make: (verdicts: Verdicts, choose: (n: number) => number) => Play,
): Promise<void> {
  const choose = seededChoose(seed);
  const verdicts = new Verdicts();
  const play = make(verdicts, choose);
  const pending = new Map<Task, number>();
  const log: string[] = [];
  const wrong: string[] = [];

  const interrupt = (task: Task): void => {
    const call = pending.get(task);
    if (call !== undefined && verdicts.interrupt(call)) play.forget(call);
  };
  const strike = (task: Task): void => {
    if (task.done || task.cause !== null) return;
    interrupt(task);
    task.cancel("at random");
  };
  const settle = (call: number, verb: string, found: Outcome): void => {
    const expected = JSON.stringify(verdicts.take(call));
    log.push(`${call} ${verb} → ${JSON.stringify(found)}`);
    if (JSON.stringify(found) !== expected) wrong.push(`${log.at(-1)}, not ${expected}`);
  };
  const failure = (error: unknown): Outcome =>
    error instanceof Cancelled ? "interrupted" : { threw: (error as Error).name };

  /** Begins a call: the model first, in the same step; none where a cancel is waiting. */
  const begin = (task: Task, does: Call): number => {
    const call = verdicts.next();
    if (typeof does.does === "function") {
      pending.set(task, call);
      if (currentScope()!.reaching !== null) verdicts.interrupt(call);
      else does.begins(call);
    } else does.begins(call);
    log.push(`${call} ${task.name} ${does.verb}`);
    return call;
  };

  function* act(task: Task): Generator<unknown, void, unknown> {
    const made = play.call(choose);
    const { verb, does } = made;
    if (typeof does !== "function") return callNow(task, made, does.now);
    const call = begin(task, made);
    try {
      settle(call, verb, { got: yield* does() });
    } catch (error) {
      settle(call, verb, failure(error));
      if (error instanceof Cancelled) throw error;
    } finally {
      pending.delete(task);
    }
  }

  const callNow = (task: Task, made: Call, now: () => unknown): void => {
    const call = begin(task, made);
    let found: Outcome;
    try {
      found = { got: now() };
    } catch (error) {
      found = failure(error);
    }
    settle(call, made.verb, found);
  };

  /** The same by `await`, as async code does it. */
  async function actAsync(task: Task): Promise<void> {
    const made = play.call(choose);
    const { verb, does } = made;
    if (typeof does !== "function") return callNow(task, made, does.now);
    const call = begin(task, made);
    try {
      settle(call, verb, { got: await does() });
    } catch (error) {
      settle(call, verb, failure(error));
      if (error instanceof Cancelled) throw error;
    } finally {
      pending.delete(task);
    }
  }

  /** A call with a deadline around it, whose ring the model hears of. */
  const bounded = (task: Task, ms: number): Operation<void> =>
    sequence("bounded", function* () {
      using entered = new Entered({ ms });
      const { scope } = entered;
      scope.abort = (...why: Parameters<CancelScope["abort"]>) => {
        interrupt(task);
        CancelScope.prototype.abort.apply(scope, why);
      };
      try {
        yield* act(task);
      } catch (error) {
        entered.absorb(error);
      }
    });

  const tasks: Task[] = [];
  const other = (): Task => tasks[choose(tasks.length)]!;

  function* fastBody(self: { task?: Task }): Generator<unknown, void, unknown> {
    for (let left = CALLS; left > 0; left--) {
      const dice = choose(10);
      if (dice === 0) strike(other());
      else if (dice === 1) yield* sleep(choose(4));
      else if (dice === 2) yield;
      else if (dice === 3) yield* bounded(self.task!, choose(4));
      else yield* act(self.task!);
    }
  }

  async function* asyncBody(self: { task?: Task }): AsyncGenerator<unknown, void, unknown> {
    for (let left = CALLS; left > 0; left--) {
      const dice = choose(10);
      if (dice === 0) strike(other());
      else if (dice === 1) await sleep(choose(4));
      else if (dice === 2) yield;
      else if (dice === 3) yield* bounded(self.task!, choose(4));
      else if (dice === 4) yield* act(self.task!);
      else await actAsync(self.task!);
    }
  }

  await run(function* () {
    for (let i = 0; i < TASKS; i++) {
      const self: { task?: Task } = {};
      const task = i % 2 === 0 ? spawn(fastBody, self) : spawn(asyncBody, self);
      task.observe();
      tasks.push(self.task = task);
    }
    yield* sleep(1e4); // whoever waits now would wait for ever
    for (const task of tasks) strike(task);
    for (const task of tasks) yield* task.join();
    play.compare();
  }, {
    clock: new VirtualClock(),
    warn: () => {},
    // With a seed each operation is a schedule point; without, those that need not wait go on.
    ...(seed % 2 === 0 ? { seed } : {}),
  });
  if (wrong.length > 0) {
    throw new Error(`Seed ${seed}: ${wrong.join("\n")}\nThe calls:\n${log.join("\n")}`);
  }
  const failed = tasks.find((task) => task.failed);
  if (failed !== undefined) throw new Error(`Seed ${seed}: a task failed`, { cause: failed.error });
}

/** Plays many seeds. */
export async function playSchedules(
  from: number,
  count: number,
  make: (verdicts: Verdicts, choose: (n: number) => number) => Play,
): Promise<void> {
  for (let seed = from; seed < from + count; seed++) await playSchedule(seed, make);
}
