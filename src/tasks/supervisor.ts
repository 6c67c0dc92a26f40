/**
 * What runs under `supervise`, its children among it: one loop, in the supervisor's own task, that looks at each end of
 * a child in turn.
 *
 * The children are `ChildTasks`, so that no end of the supervisor, in whatever way, leaves one behind. What is
 * decided on an end is decided here and not in the callback that reports it: bodies are called and the
 * user's hook runs in the right task, and what they throw has somewhere to go.
 */
import { Deque } from "../internal/deque.ts";
import { checkList, checkObject, checkOneOf, checkString } from "../kernel/checks.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import { NOTHING } from "../kernel/own_cancel.ts";
import { errorText, printable, show } from "../kernel/printable.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import { keepHandled } from "../kernel/promise_waits.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { type FullBackoff, type Incident, type Intensity, RestartLog, Streak } from "./restart.ts";
import { checkBody } from "./body.ts";
import { ChildTasks } from "./child_tasks.ts";
import type { EitherGenerator } from "./perform.ts";
import { currentTask } from "./run.ts";

/**
 * When a child is started again, in Erlang's words: `"transient"` when it has failed, `"permanent"` also
 * when it has returned or was cancelled on its own, `"temporary"` never.
 */
export type Restart = "transient" | "permanent" | "temporary";

const RESTARTS: readonly Restart[] = ["transient", "permanent", "temporary"];

/** The body of a child: a `function*` or an `async function*`. */
export type ChildBody = (...args: never[]) => EitherGenerator<unknown>;

/** One child of a supervisor. */
export interface ChildSpec {
  /** Its task's name, and how errors and `onRestart` call it. */
  readonly name: string;
  /** A `function*` or an `async function*`, called anew for each start. */
  readonly body: ChildBody;
  /** The arguments of the body. @default none */
  readonly args?: readonly unknown[];
  /** When it is started again. @default {"transient"} */
  readonly restart?: Restart;
}

/** Children in the order in which they are started: a list, or bodies by name. */
export type Children = readonly ChildSpec[] | Readonly<Record<string, ChildBody>>;

/** Brings children into one form, and checks them. */
export function checkChildren(children: Children): ChildSpec[] {
  checkObject(children, "children (a list of specs, or bodies by name)");
  const specs: ChildSpec[] = Array.isArray(children)
    ? [...children]
    : Object.entries(children).map(([name, body]) => ({ name, body }));
  const names = new Set<string>();
  for (const spec of specs) {
    const { name, body, args, restart = "transient" } = checkSpec(spec);
    checkString(name, "the name of a child");
    checkBody(body, "supervise");
    if (names.has(name)) {
      throw new TypeError(`Cannot supervise two children named ${show(name)}: names must differ`);
    }
    names.add(name);
    checkOneOf(restart, RESTARTS, `the restart of ${show(name)}`);
    if (args === undefined) continue;
    checkList(args, `the arguments of ${show(name)}`);
    for (const arg of args) keepHandled(arg);
  }
  return specs;
}

function checkSpec(spec: ChildSpec): ChildSpec {
  return checkObject(spec, "a child ({ name, body })");
}

/** A child of a supervisor over all of its starts. */
export class SupervisedChild {
  /** Its name. */
  readonly name: string;
  /** When it is started again. */
  readonly restart: Restart;
  /** Its latest task, if it was ever started. */
  task: Task | null = null;
  /** How often it has been started again because of itself. */
  restarts = 0;
  /** Its failures in a row. */
  readonly streak: Streak;
  readonly #spec: ChildSpec;

  /** A child that has not started. */
  constructor(spec: ChildSpec, backoff: FullBackoff) {
    this.name = spec.name;
    this.restart = spec.restart ?? "transient";
    this.streak = new Streak(backoff);
    this.#spec = spec;
  }

  /** Starts it at a time that is now or later; until then its task is new. */
  start(childTasks: ChildTasks, now: number, at: number): void {
    const { body, args = [] } = this.#spec;
    const delay = at > now ? at - now : undefined;
    this.task = childTasks.spawn(this.name, body(...args as never[]), delay);
    this.streak.started(at);
  }

  /** Its name, as reports show it. */
  toString(): string {
    return printable(this.name);
  }

  /** Whether its task, which has ended, is to be followed by another. */
  get wantsRestart(): boolean {
    if (this.restart === "temporary") return false;
    return this.restart === "permanent" || this.task!.failed;
  }
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

  /** Made by {@linkcode supervise}; `cause` is the last straw. */
  constructor(what: string, child: string, errors: readonly unknown[], cause: unknown) {
    const why = errorText(cause);
    super(errors, cause === undefined ? what : `${what} (${why})`, { cause });
    this.child = child;
  }
}

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
