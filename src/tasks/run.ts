/**
 * Starting: a run, the tasks in it, and asking who is running.
 *
 * There is no scheduler that is simply there: `run` makes one, owns everything that happens in it,
 * and settles when nothing of it is left. So two runs in one process share nothing, and a test that
 * awaits `run` has awaited every task, timer and socket of the code under test. `spawn` takes no run: it
 * starts in that of the code that calls.
 *
 * Ctrl-C ends a run in order only when the run asks for it, with a time of grace. A library that took signals
 * away from every program that calls it would be a bad guest; and one that has its own `signals` keeps them:
 * the host tells all who listen.
 */
import { checkMs, checkOptions, checkSignal } from "../kernel/checks.ts";
import { currentScope } from "../kernel/context.ts";
import { listenForSignal } from "../kernel/callback.ts";
import { outside } from "../kernel/trap.ts";
import { formatTaskTree } from "../kernel/report.ts";
import { RunLife } from "../kernel/run_life.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { SchedulerOptions } from "../kernel/scheduler_options.ts";
import type { Task } from "../kernel/task.ts";
import type { TaskBody } from "../kernel/generators.ts";
import { type Startable, SubstituteWait } from "../kernel/wait.ts";
import { checkBody, type Hint } from "./perform.ts";
import { RunFinishedError } from "../kernel/errors.ts";

/** How a run is to go. */
export interface RunOptions extends SchedulerOptions {
  /** Cancels the main task, and with it the run, when it aborts. */
  signal?: AbortSignal;
  /**
   * Ends the run in order, when it is told to end: the main task is cancelled at once, the others get so
   * many milliseconds to finish, and what is left then is cancelled. With it, the first SIGINT or SIGTERM
   * tells the run to end, and it gives `undefined` if its main task did not return; a second one
   * ends the process, after the tree of living tasks on stderr. @default no grace, and no signals
   */
  grace?: number;
}

/**
 * Runs a task body, and everything it spawns, to the end.
 *
 * Waits for every ordinary task, cancels the daemons, closes what was left open, then settles. With
 * `grace`, a signal ends it in order. An
 * error of the main task cancels the others. It rejects with the error that nobody observed, with an
 * `AggregateError` if there are several, and with a {@linkcode DeadlockError} when every task waits
 * and nothing outside can wake one.
 *
 * @example Two tasks, one value
 * ```ts
 * import { run, sleep, spawn } from "@weft/weft";
 * const sum = await run(async function* () {
 *   const two = spawn(async function* () {
 *     yield* sleep(1);
 *     return 2;
 *   });
 *   return 1 + (yield* two.get());
 * });
 * if (sum !== 3) throw new Error("not 3");
 * ```
 *
 * @typeParam T What the body returns.
 * @param body A `function*` or an `async function*`.
 * @param options Clock, seed, policy, instruments, signal.
 * @returns What the body returned, once nothing of the run is left.
 * @throws {TypeError} If the body is not a generator function.
 */
export function run<T>(
  body: TaskBody<[], T>,
  options: RunOptions & { grace: number },
): Promise<T | undefined>;
/** Runs a task body, and everything it spawns, to the end. */
export function run<T>(body: TaskBody<[], T>, options?: RunOptions): Promise<T>;
/** Never fits: it is what the compiler shows when a body is none. */
export function run(
  body: Hint<
    "a task body is a function* or an async function*, uncalled: write (async function* () { ... })"
  >,
  options?: RunOptions,
): Promise<never>;
export function run<T>(
  body: TaskBody<[], T> | Hint<string>,
  options: RunOptions = {},
): Promise<T | undefined> {
  try {
    checkBody(body, "run");
    const { signal, grace } = checkOptions(options, "run()");
    checkSignal(signal)?.throwIfAborted();
    if (grace !== undefined) checkMs(grace, "a time of grace");
    const life = new RunLife<T>(options);
    const endings = new DisposableStack();
    if (grace !== undefined) endings.use(new EndSignals(life));
    if (signal !== undefined) {
      const abort = (): void => {
        const { reason } = signal;
        life.wind({ source: "explicit", reason, cause: reason });
      };
      signal.addEventListener("abort", abort);
      endings.defer(() => signal.removeEventListener("abort", abort));
    }
    life.begin((body as TaskBody<[], T>)());
    return signal === undefined && grace === undefined
      ? life.toEnd()
      : life.toEnd().finally(() => endings.dispose());
  } catch (error) {
    return Promise.reject(error);
  }
}

/** The task whose code is running, or `undefined` outside of every task. */
export function runningTask(): Task | undefined {
  return currentScope()?.task;
}

/**
 * The task whose code is running. Exact in both lanes, also after a foreign `await`.
 *
 * One case cannot be told: an async function called by a `function*` body loses it at its first
 * `await`; call it as `wait((signal) => f(signal))` instead.
 *
 * @returns The current task.
 * @throws {Error} If no task is running.
 */
export function currentTask(): Task {
  const task = runningTask();
  if (task === undefined) {
    throw new Error(
      "Cannot tell the current task: this code runs outside of run(), or in an async function that a function* " +
        "called (then call it with wait((signal) => ...))",
    );
  }
  return task;
}

outside.wait = <T>(work: Startable<T>): Promise<readonly [T]> => {
  const life = new RunLife<readonly [T]>({ patient: true });
  life.begin(function* () {
    return [(yield new SubstituteWait(work)) as T] as const;
  }());
  return life.toEnd();
};

/** The signals that end a program, with what they make of its exit code. */
const ENDING: readonly (readonly [Deno.Signal, number])[] = [["SIGINT", 130], ["SIGTERM", 143]];

/** Ends `life` by signals, until disposed. */
class EndSignals implements Disposable {
  readonly #life: RunLife<unknown>;
  readonly #silence: (() => void)[];
  #came = false;

  constructor(life: RunLife<unknown>) {
    this.#life = life;
    this.#silence = ENDING.map(([name, code]) =>
      listenForSignal(name, () => this.#hear(name, code))
    );
  }

  /** Stops listening: the signals do what they did before. */
  [Symbol.dispose](): void {
    for (const silence of this.#silence.splice(0)) silence();
  }

  #hear(name: Deno.Signal, code: number): void {
    if (!this.#came) {
      this.#came = true;
      return this.#life.wind({ source: "shutdown", reason: name, quiet: true });
    }
    const tree = formatTaskTree(this.#life.scheduler.tasks(), { sites: true, most: 1000 });
    console.error(
      [`Ended at once by a second ${name}, with these tasks alive:`, ...tree].join("\n  "),
    );
    Deno.exit(code);
  }
}

/**
 * Starts a task in the current run. It becomes ready now and takes its first step after the tasks
 * that are ready already. The run waits for it; an error that nobody observes makes the run reject.
 *
 * @example Its value
 * ```ts
 * import { run, spawn } from "@weft/weft";
 * const add = function* (a: number, b: number) {
 *   yield;
 *   return a + b;
 * };
 * const sum = await run(function* () {
 *   return yield* spawn(add, 1, 2).get();
 * });
 * if (sum !== 3) throw new Error("not 3");
 * ```
 *
 * @typeParam A The body's parameters.
 * @typeParam T What the body returns.
 * @param body A `function*` or an `async function*`, uncalled.
 * @param args Its arguments.
 * @returns The new task.
 * @throws {TypeError} If the body is not a generator function.
 * @throws {Error} If no task is running.
 */
export function spawn<A extends readonly unknown[], T>(body: TaskBody<A, T>, ...args: A): Task<T>;
/** Never fits: it is what the compiler shows when a body is none. */
export function spawn(
  body: Hint<
    "a task body is a function* or an async function*, uncalled: write (async function* () { ... })"
  >,
  ...args: readonly unknown[]
): Task<never>;
export function spawn<A extends readonly unknown[], T>(
  body: TaskBody<A, T> | Hint<string>,
  ...args: A
): Task<T> {
  return start(body as TaskBody<A, T>, args, undefined);
}

/**
 * Starts a task in the current run after `ms` milliseconds; until then it is new. The run waits for
 * it. Cancelled before its time, it never runs.
 *
 * @typeParam A The body's parameters.
 * @typeParam T What the body returns.
 * @param ms The delay in milliseconds, zero or more.
 * @param body A `function*` or an `async function*`, uncalled.
 * @param args Its arguments.
 * @returns The new task.
 * @throws {RangeError} If `ms` is negative or not a number.
 * @throws {TypeError} If the body is not a generator function.
 */
export function spawnLater<A extends readonly unknown[], T>(
  ms: number,
  body: TaskBody<A, T>,
  ...args: A
): Task<T> {
  return start(body, args, ms);
}

function start<A extends readonly unknown[], T>(
  body: TaskBody<A, T>,
  args: A,
  delay: number | undefined,
): Task<T> {
  checkBody(body, "spawn", args);
  if (delay !== undefined) checkMs(delay, "a delay");
  const spawner = currentTask();
  if (spawner.done) {
    throw new RunFinishedError(`Cannot spawn: task "${spawner}" has ended`);
  }
  return schedulerOf(spawner).spawn<T>(body, body(...args), spawner, delay);
}
