/**
 * Supervision: children that are started again when they fail, up to a point.
 *
 * The idea is Erlang's: what cannot be repaired on the spot is often cured by a fresh start, and what a
 * few fresh starts do not cure belongs one level up. So a supervisor restarts, at once or after growing
 * delays, counts, and gives up with the errors when there are too many in too short a time. It is an
 * operation, and so it nests: the body of a child may supervise others.
 *
 * Kept from Erlang: one-for-one and one-for-all, the intensity, the kinds of restart. Left out:
 * rest-for-one, children that come and go (a {@linkcode TaskPool} has those), and brutal kills, which
 * no task can suffer here: a child that is stopped is cancelled, and waited for. Added: the back-off.
 *
 * It is one loop, in the supervisor's own task, that looks at each end of a child in turn. The children are
 * `ChildTasks`, so that no end of the supervisor, in whatever way, leaves one behind. What is decided on an
 * end is decided in the loop and not in the callback that reports it: bodies are called and the user's hook
 * runs in the right task, and what they throw has somewhere to go.
 */
import { Deque } from "../internal/deque.ts";
import { checkFunction, checkOneOf, checkOptions } from "../kernel/checks.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import { NOTHING } from "../kernel/errors.ts";
import { errorText, printable, reportName } from "../kernel/printable.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { ChildTasks } from "./child_tasks.ts";
import {
  type Backoff,
  checkBackoff,
  checkChildren,
  checkIntensity,
  type Children,
  type ChildSpec,
  type FullBackoff,
  type Incident,
  type Intensity,
  RestartLog,
  Streak,
  SupervisedChild,
} from "./restart.ts";
import { currentTask } from "./run.ts";

/** What is restarted when a child fails. */
export type Strategy = "one-for-one" | "one-for-all";

const STRATEGIES: readonly Strategy[] = ["one-for-one", "one-for-all"];

/** How to supervise. */
export interface SuperviseOptions {
  /**
   * What is restarted when a child fails: it alone, or all, in order, after the others were cancelled
   * and have ended. @default {"one-for-one"}
   */
  strategy?: Strategy;
  /** How many restarts are too many. @default {{ restarts: 3, within: 5000 }} */
  intensity?: Intensity;
  /** How long to wait before a restart. @default no delay */
  backoff?: Backoff;
  /**
   * Called before each restart with the child's name, its error (`undefined` if a permanent child
   * returned), and how often this child has been the cause of a restart. What it throws ends the
   * supervision.
   */
  onRestart?: (child: string, error: unknown, count: number) => void;
  /** Names it in reports. @default {"supervise"} */
  name?: string;
}

/**
 * Runs children until all of them have returned, and starts those again that fail.
 *
 * - Children start in the order given. One that has returned, or was cancelled on its own, is done;
 *   see {@linkcode Restart} for the kinds that differ.
 * - With one-for-all, a failure cancels the other children; when all have ended, all are started again,
 *   in order, those too that had returned (as in Erlang), but no temporary ones. What the others throw
 *   while they are stopped belongs to the same restart.
 * - The intensity counts restarts, at the time of the failure. A restart is forgotten `within` ms after
 *   it. When one more than `restarts` would be remembered, the supervisor gives up: it cancels the
 *   other children, waits for them, and throws a {@linkcode SupervisionError} with the errors that led
 *   there.
 * - The failure of a temporary child stops nobody; it is thrown when the others are done.
 * - A cancel goes to the children, and is thrown when they have ended, unless one of them failed
 *   meanwhile.
 *
 * @example A child that fails twice
 * ```ts
 * import { run, supervise } from "@weft/weft";
 * let starts = 0;
 * await run(async function* () {
 *   yield* supervise([{
 *     name: "shaky",
 *     body: async function* () {
 *       if (++starts < 3) throw new Error("not yet");
 *     },
 *   }], { backoff: { first: 1 } });
 * });
 * if (starts !== 3) throw new Error(String(starts));
 * ```
 *
 * @param children A list of children, or bodies by name.
 * @param options Strategy, intensity, back-off, hook.
 * @returns An operation that ends when all children have returned.
 * @throws {TypeError} If a body is not a generator function, or two children share a name.
 * @throws {RangeError} If a number is out of range.
 */
export function supervise(children: Children, options: SuperviseOptions = {}): Operation<void> {
  const specs = checkChildren(children);
  const { strategy = "one-for-one", onRestart = () => {} } = checkOptions(options, "supervise()");
  const name = reportName("supervisor", options.name ?? "supervise");
  checkOneOf(strategy, STRATEGIES, "a strategy");
  checkFunction(onRestart, "onRestart");
  const intensity = checkIntensity(options.intensity ?? { restarts: 3, within: 5000 });
  const backoff = checkBackoff(options.backoff);
  const plan = { specs, strategy, intensity, backoff, onRestart, name };
  return sequence(name, function* () {
    yield* new Supervisor(plan).run();
  });
}

/**
 * Thrown by {@linkcode supervise} when it has given up, when a temporary child failed, or when a child
 * failed while it was being stopped. `errors` are in the order in which they came.
 */
export class SupervisionError extends AggregateError {
  /** The class name. */
  override readonly name: string = "SupervisionError";
  /** The child whose failure was one too many. */
  readonly child: string;

  /** Made by {@linkcode supervise}; `cause` is the failure for which it gave up. */
  constructor(what: string, child: string, errors: readonly unknown[], cause: unknown) {
    const why = errorText(cause);
    super(errors, cause === undefined ? what : `${what} (${why})`, { cause });
    this.child = child;
  }
}

/** What a supervisor is to do, with every value in place. */
interface SupervisionPlan {
  readonly specs: readonly ChildSpec[];
  readonly strategy: Strategy;
  readonly intensity: Intensity;
  readonly backoff: FullBackoff;
  /** Called before each restart. */
  readonly onRestart: (child: string, error: unknown, count: number) => void;
  readonly name: string;
}

class Supervisor {
  readonly #plan: SupervisionPlan;
  readonly #childTasks: ChildTasks;
  readonly #now: () => number;
  readonly #children: readonly SupervisedChild[];
  readonly #log: RestartLog;
  /** Failures in a row of all children together, for one-for-all. */
  readonly #common: Streak;
  /** Tasks of children that have ended, until they are looked at. */
  readonly #ended = new Deque<Task>();
  readonly #ends: WaitQueue<void>;
  /** What temporary children failed with. */
  readonly #losses: { readonly child: string; readonly error: unknown }[] = [];

  constructor(plan: SupervisionPlan) {
    const parent = currentTask();
    const { clock } = schedulerOf(parent);
    this.#plan = plan;
    this.#now = () => clock.now();
    this.#children = plan.specs.map((spec) => new SupervisedChild(spec, plan.backoff));
    this.#log = new RestartLog(plan.intensity);
    this.#common = new Streak(plan.backoff);
    this.#childTasks = new ChildTasks(plan.name, parent, (task) => this.#exited(task));
    this.#ends = new WaitQueue<void>(this.#childTasks, "children");
  }

  *run(): Generator<unknown, void, unknown> {
    let failure: unknown = undefined;
    try {
      yield* this.#watch();
    } catch (error) {
      failure = error;
      this.#childTasks.cancel(`${this.#plan.name} is ending`, error);
    }
    try {
      yield* this.#childTasks.done();
    } catch (error) {
      failure ??= error;
    }
    this.#raise(failure);
  }

  /** Looks after the children until none is alive. */
  *#watch(): Generator<unknown, void, unknown> {
    const now = this.#now();
    for (const child of this.#children) child.start(this.#childTasks, now, now);
    this.#common.started(now);
    do {
      yield* this.#nextEnd();
      for (let task = this.#ended.shift(); task !== undefined; task = this.#ended.shift()) {
        yield* this.#judge(task);
      }
    } while (this.#childTasks.holder !== undefined);
  }

  #exited(task: Task): void {
    this.#childTasks.errors.length = 0; // the task has its error; a list of all of them would grow for ever
    this.#ended.push(task);
    this.#ends.wakeAll();
  }

  /** Waits for a child to end; a checkpoint also when one has, or when there is none. */
  #nextEnd(): Operation<void> {
    return operation(this.#ends, (wait: Wait<void>) => {
      if (this.#ended.size > 0 || this.#childTasks.holder === undefined) wait.settle();
      else this.#ends.park(wait);
    });
  }

  /** Draws the consequences of a child's end. */
  *#judge(task: Task): Generator<unknown, void, unknown> {
    const child = this.#children.find((one) => one.task === task)!;
    const error = task.failed ? task.error : undefined;
    if (!child.wantsRestart) {
      if (task.failed) this.#losses.push({ child: child.name, error });
      return;
    }
    const incident: Incident = { at: this.#now(), errors: task.failed ? [error] : [] };
    if (this.#log.note(incident)) throw this.#givingUp(child, error);
    this.#plan.onRestart(child.name, error, ++child.restarts);
    if (this.#plan.strategy === "one-for-one") {
      const delay = child.streak.failed(incident.at);
      child.start(this.#childTasks, incident.at, incident.at + delay);
    } else {
      yield* this.#restartAll(child, incident);
    }
  }

  /** Stops all children, then starts them again in order. */
  *#restartAll(child: SupervisedChild, incident: Incident): Generator<unknown, void, unknown> {
    this.#childTasks.cancelAlive(`"${child}" is restarted with its siblings`, incident.errors[0]);
    while (this.#childTasks.holder !== undefined || this.#ended.size > 0) {
      yield* this.#nextEnd();
      for (const { error } of this.#takeFailures()) incident.errors.push(error);
    }
    const now = this.#now();
    const at = Math.max(now, incident.at + this.#common.failed(incident.at));
    this.#common.started(at);
    for (const one of this.#children) {
      if (one.restart !== "temporary") one.start(this.#childTasks, now, at);
    }
  }

  #givingUp(child: SupervisedChild, error: unknown): SupervisionError {
    const { name, intensity: { restarts, within } } = this.#plan;
    return new SupervisionError(
      `Cannot keep "${child}" running in ${name}: ` +
        `it would take more than ${restarts} restarts within ${within} ms`,
      child.name,
      this.#log.errors,
      error,
    );
  }

  /** Throws what there is to throw, now that no child is alive. */
  #raise(failure: unknown): void {
    const others = [...this.#losses, ...this.#takeFailures()];
    const errors = others.map(({ error }) => error);
    if (failure instanceof SupervisionError) failure.errors.push(...errors);
    if (errors.length === 0 || failure instanceof SupervisionError) {
      if (failure !== undefined) throw failure;
      return;
    }
    // A cancel gives way to the errors, as in a group.
    if (failure !== undefined) {
      const { rest } = this.#childTasks.scope.partAll(failure);
      if (rest !== NOTHING) errors.push(rest);
    }
    const { child } = others[0]!;
    const what = `Cannot end ${this.#plan.name} well: "${printable(child)}" failed`;
    throw new SupervisionError(what, child, errors, errors.at(-1));
  }

  /** The errors of tasks that have ended and were not looked at one by one. */
  #takeFailures(): { readonly child: string; readonly error: unknown }[] {
    const failed = [...this.#ended].filter((task) => task.failed);
    this.#ended.clear();
    return failed.map((task) => ({ child: task.name, error: task.error }));
  }
}
