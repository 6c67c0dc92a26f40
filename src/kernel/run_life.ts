/**
 * The life of one run: when it ends, and what becomes of every failure in it.
 *
 * A run waits for its main task and every ordinary task, then cancels the daemons, then gives back
 * what is still held of the host, and only then settles its promise. A main task that fails takes the
 * others with it. Each failure that nobody observed is raised: one as it is, several together.
 */
import { withScope } from "./context.ts";
import { deadlockError } from "./deadlock.ts";
import { combine, RunFinishedError } from "./errors.ts";
import type { TaskGenerator } from "./fiber.ts";
import { hold, letGo, type Resource } from "./resource.ts";
import { type Overseer, Scheduler, type SchedulerOptions } from "./scheduler.ts";
import type { Task } from "./task.ts";

/** After this many deadlocks in one run its remaining tasks are dropped: they wait again whatever happens. */
const GIVE_UP = 16;

/** Where a run stands. */
type Phase = "running" | "stopping" | "ended";

/** How a run is to go. */
export interface RunLifeOptions extends SchedulerOptions {
  /**
   * Whether the run only stands for one wait of plain code: then code outside may wake its task, so
   * that an idle run is no deadlock, and what the wait opened outlives it. @default {false}
   */
  patient?: boolean;
}

/** One run from its main task to its end. */
export class RunLife<T> implements Overseer, Resource {
  /** The run's scheduler. */
  readonly scheduler: Scheduler;
  readonly #patient: boolean;
  readonly #unobserved = new Set<Task>();
  readonly #errors: unknown[] = [];
  #main: Task<T> | null = null;
  #phase: Phase = "running";
  #ordinary = 0;
  #deadlocks = 0;

  /** A run that has not begun. */
  constructor(options: RunLifeOptions = {}) {
    this.#patient = options.patient === true;
    this.scheduler = new Scheduler(this, options);
  }

  /** Makes the main task. */
  begin(generator: TaskGenerator<T>): Task<T> {
    hold(this);
    const main = this.#main = this.scheduler.spawn("main", generator, null);
    main.isObserved = true;
    return main;
  }

  /** Gives turns until every task has ended; then gives back the host's things and settles. */
  async toEnd(): Promise<T> {
    await withScope(null, () => this.scheduler.loop());
    return await this.settle();
  }

  /** Gives back what is held and settles: for runs that are driven by hand, once no task is alive. */
  async settle(): Promise<T> {
    this.#phase = "ended";
    // What plain code opened by an `await` of its own is that code's to close: the run was only its wait.
    for (const resource of this.#patient ? [] : [...this.scheduler.resources]) {
      try {
        await resource.release();
      } catch (error) {
        this.#errors.push(error);
      }
    }
    letGo(this);
    const main = this.#main!;
    if (main.failed || (main.cancelled && this.#deadlocks === 0)) this.#errors.unshift(main.error);
    for (const task of this.#unobserved) this.#errors.push(task.error);
    const errors = [...new Set(this.#errors)];
    if (errors.length > 0) throw combine(errors, "the run");
    return main.value as T;
  }

  /** Cancels every task; the run ends when they have. */
  release(): void {
    this.#stop("the run was released");
  }

  /** Names the run by what is alive in it. */
  toString(): string {
    return `run(${this.scheduler.tasks().map((task) => task.name).join(", ")})`;
  }

  /** Counts a new task. */
  spawned(task: Task): void {
    if (this.#phase === "ended") {
      throw new RunFinishedError(`Cannot spawn "${task.name}": its run has ended`);
    }
    this.#ordinary++;
    if (this.#phase === "stopping") task.abort("shutdown", "the run is ending");
  }

  /** Counts a task off, and draws the consequences. */
  exited(task: Task): void {
    if (!task.daemon) this.#ordinary--;
    if (task.failed && !task.isObserved) this.#unobserved.add(task);
    if (task === this.#main as Task | null && !task.successful) this.#stop("the main task failed");
    else if (this.#ordinary === 0) this.#stop("every ordinary task has ended");
  }

  /** Somebody has seen a failure. */
  observed(task: Task): void {
    this.#unobserved.delete(task);
  }

  /** A task stands on the other side of the count now. */
  daemonChanged(task: Task): void {
    this.#ordinary += task.daemon ? -1 : 1;
    if (this.#ordinary === 0) this.#stop("every ordinary task has ended");
  }

  /**
   * Nothing can go on. The first time every task is cancelled; waits that a shield keeps from that are
   * broken the next time; a task that waits again and again is given up.
   */
  stuck(): boolean {
    if (this.#patient) return false;
    const tasks = this.scheduler.tasks();
    this.#deadlocks++;
    if (this.#deadlocks === 1) {
      const error = deadlockError(tasks);
      this.#errors.push(error);
      this.#phase = "stopping";
      for (const task of tasks) task.abort("shutdown", "the run is deadlocked", error);
    } else if (this.#deadlocks < GIVE_UP) {
      for (const task of tasks) task.breakWaits(this.#errors[0]);
    } else {
      for (const task of tasks) task.finish(true, this.#errors[0]);
    }
    return true;
  }

  #stop(why: string): void {
    if (this.#phase !== "running") return;
    this.#phase = "stopping";
    for (const task of this.scheduler.tasks()) task.abort("shutdown", why);
  }
}
