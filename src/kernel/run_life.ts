/**
 * The life of one run: when it ends, and what becomes of every failure in it.
 *
 * A run waits for its main task and every ordinary task, then cancels the daemons, then gives back
 * what is still held of the host, and only then settles its promise. A main task that fails takes the
 * others with it; one that is wound down leaves them their time of grace. Each failure that nobody observed is
 * raised: one as it is, several together.
 */
import { checkOptions } from "./checks.ts";
import { withScope } from "./context.ts";
import { deadlockError } from "./deadlock.ts";
import { type Cancelled, type CancelSource, combine, RunFinishedError } from "./errors.ts";
import { hold, letGo, type Resource } from "./resource.ts";
import { breakWaits } from "./scope.ts";
import type { Overseer, SchedulerOptions } from "./scheduler_options.ts";
import { Scheduler } from "./scheduler.ts";
import { siting } from "./sites.ts";
import type { Task } from "./task.ts";
import type { TaskGenerator } from "./generators.ts";
import type { Timer } from "./clock.ts";

/** After this many deadlocks in one run its remaining tasks are dropped: they wait again whatever happens. */
const GIVE_UP = 16;

/**
 * Where a run stands. Winding down, its main task is cancelled and the others get a time of grace;
 * stopping, every task is.
 */
type RunPhase = "running" | "winding" | "stopping" | "ended";

/** How a run is to go. */
export interface RunLifeOptions extends SchedulerOptions {
  /**
   * Whether the run only stands for one wait of plain code: then code outside may wake its task, so
   * that an idle run is no deadlock, and what the wait opened outlives it. @default {false}
   */
  patient?: boolean;
  /** How many milliseconds its tasks get to finish once it is wound down. @default {0} */
  grace?: number;
}

/** How a run is told to end. */
export interface WindCancel {
  /** Who asks. */
  readonly source: CancelSource;
  /** Why. */
  readonly reason: unknown;
  /** The error behind it. @default none */
  readonly cause?: unknown;
  /** Whether the run has not failed when its main task ends by this. @default {false} */
  readonly quiet?: boolean;
}

/** One run from its main task to its end. */
export class RunLife<T> implements Overseer, Resource {
  /** The run's scheduler. */
  readonly scheduler: Scheduler;
  readonly #patient: boolean;
  readonly #sites: boolean;
  readonly #grace: number;
  readonly #unobserved = new Set<Task>();
  readonly #errors: unknown[] = [];
  #main: Task<T> | null = null;
  #phase: RunPhase = "running";
  #ordinary = 0;
  #deadlocks = 0;
  #deadline: Timer | null = null;
  /** The cancel of an orderly end, which is no failure. */
  #quiet: Cancelled | null = null;

  /** A run that has not begun. */
  constructor(options: RunLifeOptions = {}) {
    checkOptions(options, "a run");
    this.#patient = options.patient === true;
    this.#sites = options.sites === true;
    this.#grace = options.grace ?? 0;
    this.scheduler = new Scheduler(this, options);
  }

  /** Makes the main task. */
  begin(generator: TaskGenerator<T>): Task<T> {
    hold(this);
    if (this.#sites) siting.runs++;
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
    if (this.#sites) siting.runs--;
    const main = this.#main!;
    const isQuiet = main.cancelled && (this.#deadlocks > 0 || main.error === this.#quiet);
    if (!main.successful && !isQuiet) this.#errors.unshift(main.error);
    for (const task of this.#unobserved) this.#errors.push(task.error);
    const errors = [...new Set(this.#errors)];
    if (errors.length > 0) throw combine(errors, "the run");
    return main.value as T;
  }

  /**
   * Winds the run down: cancels the main task now, so that nothing new begins, and whatever is still
   * alive when the time of grace is over. Without effect when the run is already ending.
   *
   * @param cancel What the main task is cancelled with; `quiet` for an orderly end, after which the run
   *   has not failed.
   */
  wind(cancel: WindCancel): void {
    const { source, reason, cause, quiet = false } = cancel;
    if (this.#phase !== "running") return;
    const main = this.#main!;
    if (this.#grace > 0) {
      this.#phase = "winding";
      const stop = (): void => this.#stop(`the grace of ${this.#grace} ms is over`);
      this.#deadline = this.scheduler.timers.after(this.#grace, stop);
    }
    main.abort(source, reason, cause);
    if (quiet) this.#quiet = main.cause;
    if (main.done && this.#grace === 0) this.#stop("the run was told to end");
  }

  /** Cancels every task; the run ends when they have. */
  release(): void {
    this.#stop("the run was released");
  }

  /** Names the run by what is alive in it. */
  toString(): string {
    return `run(${this.scheduler.tasks().join(", ")})`;
  }

  /** Counts a new task. */
  spawned(task: Task): void {
    if (this.#phase === "ended") {
      throw new RunFinishedError(`Cannot spawn "${task}": its run has ended`);
    }
    this.#ordinary++;
    // Spawned by a clean-up after #stop() has gone through the tasks: that has not seen this one.
    if (this.#phase === "stopping") task.abort("shutdown", "the run is ending");
  }

  /** Counts down, and ends the run where this task was the last or the main one. */
  exited(task: Task): void {
    if (!task.daemon) this.#ordinary--;
    if (task.failed && !task.isObserved) this.#unobserved.add(task);
    const isMainDown = task === this.#main as Task | null && !task.successful;
    if (isMainDown && this.#phase === "running") this.#stop("the main task failed");
    else if (this.#ordinary === 0) this.#stop("every ordinary task has ended");
  }

  /** Somebody has seen a failure. */
  observed(task: Task): void {
    this.#unobserved.delete(task);
  }

  /** Counts a task that is no daemon any more, or no longer one that has become one. */
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
      for (const task of tasks) breakWaits(task, this.#errors[0]);
    } else {
      for (const task of tasks) task.finish(true, this.#errors[0]);
    }
    return true;
  }

  #stop(why: string): void {
    if (this.#phase === "stopping" || this.#phase === "ended") return;
    this.#phase = "stopping";
    if (this.#deadline !== null) this.scheduler.timers.cancel(this.#deadline);
    for (const task of this.scheduler.tasks()) task.abort("shutdown", why);
  }
}
