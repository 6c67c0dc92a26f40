/**
 * What runs under {@linkcode supervise}: one loop, in the supervisor's own task, that looks at each end of
 * a child in turn.
 *
 * The children are `ChildTasks`, so that no end of the supervisor, in whatever way, leaves one behind. What is
 * decided on an end is decided here and not in the callback that reports it: bodies are called and the
 * user's hook runs in the right task, and what they throw has somewhere to go.
 */
import { Deque } from "../internal/deque.ts";
import { printable } from "../kernel/printable.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import { NOTHING } from "../kernel/own_cancel.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { type FullBackoff, Streak } from "./backoff.ts";
import { ChildTasks } from "./child_tasks.ts";
import { type Incident, type Intensity, RestartLog } from "./intensity.ts";
import { currentTask } from "./run.ts";
import { type ChildSpec, SupervisedChild } from "./supervised_child.ts";
import { SupervisionError } from "./supervision_error.ts";

/** What is restarted when a child fails. */
export type Strategy = "one-for-one" | "one-for-all";

/** What a supervisor is to do, with every value in place. */
export interface SupervisionPlan {
  /** The children, in order. */
  readonly specs: readonly ChildSpec[];
  /** What is restarted. */
  readonly strategy: Strategy;
  /** How often at most. */
  readonly intensity: Intensity;
  /** After what delay. */
  readonly backoff: FullBackoff;
  /** Called before each restart. */
  readonly onRestart: (child: string, error: unknown, count: number) => void;
  /** Names the supervisor in reports. */
  readonly name: string;
}

/** Runs a supervisor in the current task. For `yield*` inside a sequence. */
export function* runSupervisor(plan: SupervisionPlan): Generator<unknown, void, unknown> {
  yield* new Supervisor(plan).run();
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
