/**
 * The failures that are injected into a pool, and the good jobs among them: what each does, and what it
 * must come to.
 *
 * Each ends by itself or by what is done to it here, however slow the machine is. A job that waits for a
 * cancel which its policy keeps from it would hold its worker for ever, and that is no fault of the pool.
 */
import {
  Cancelled,
  type Future,
  TimeoutError,
  WorkerCrashedError,
  WorkerError,
  WorkerPool,
} from "@weft/weft";
import { deafAfterAwait, deafInTask } from "../parallel/fixtures/deaf.ts";
import {
  addSlowly,
  cleanUp,
  dawdle,
  exitInTask,
  loseChild,
  throwInTask,
  throwInTimer,
  uncloneable,
} from "../parallel/fixtures/tasks.ts";
import { spinAbout } from "../parallel/fixtures/limits.ts";
import { inAsync, now } from "../parallel/fixtures/thrown.ts";
import { missingUrl, noJobUrl } from "../parallel/fixtures/urls.ts";
import {
  add,
  burn,
  closeWorker,
  exitProcess,
  exitWorker,
  fib,
  hang,
  lateThrow,
  lateThrowWhileWaiting,
  nap,
  orphan,
  rejectLater,
  spin,
  throwFull,
  throwText,
  unsendable,
  waitUntilCancelled,
} from "../parallel/fixtures/work.ts";

/** Whether a future came to what is due to it. */
export type Verdict = (result: PromiseSettledResult<unknown>) => boolean;

/** One injected failure, or several that belong together: futures, and what each must come to. */
export type Injection = (pool: WorkerPool, choose: Choose) => [Future<unknown>, Verdict][];

/** Gives a number below `n`. */
export type Choose = (n: number) => number;

interface Broken {
  f(): void;
}

const syntaxErrorUrl = "data:application/javascript,export function f( {";
const throwsOnLoadUrl = "data:application/javascript,throw new RangeError('while it loads')";

/** Two words to share with a job. */
export const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(8));

const gives = (value: unknown): Verdict => (result) =>
  result.status === "fulfilled" && result.value === value;

/** Thrown values that cannot be looked at. */
const unreadable = ["nullPrototype", "revoked", "trapped", "message", "own"] as const;

type ErrorType = abstract new (...args: never) => Error;

const fails = (type: ErrorType, ...texts: string[]): Verdict => (result) =>
  result.status === "rejected" && result.reason instanceof type &&
  texts.every((text) =>
    `${result.reason.name} ${result.reason.message} ${result.reason.stack}`.includes(text)
  );

const crashes = (job: string): Verdict =>
  fails(WorkerCrashedError, `job "${job}"`, "its worker ended while it ran");

/** A job that ran beside one that took the worker down. */
export const wentDown: Verdict = fails(WorkerCrashedError, "its worker ended");

const isCancelled: Verdict = (result) =>
  result.status === "rejected" && result.reason instanceof Cancelled;

const timesOut = (job: string): Verdict => fails(TimeoutError, `job "${job}"`);

/** Each by its name; tasks have names that begin with "task". */
export const injections: Record<string, Injection> = {
  throw: (
    pool,
  ) => [[pool.submit(throwFull, "full"), fails(RangeError, "FullError", "full", "throwFull")]],
  throwText: (pool) => [[
    pool.submit(throwText),
    (result) => result.status === "rejected" && result.reason === "only text",
  ]],
  reject: (pool) => [[pool.submit(rejectLater, "later"), fails(TypeError, "later", "rejectLater")]],
  badResult: (pool) => [[
    pool.submit(unsendable),
    fails(WorkerError, 'the result of job "unsendable"'),
  ]],
  badArgument: (pool) => [[
    pool.submit(add, (() => {}) as never, 1),
    fails(WorkerError, 'the arguments of job "add"'),
  ]],
  close: (pool) => [[pool.submit(closeWorker), crashes("closeWorker")]],
  exit: (pool) => [[pool.submit(exitWorker), crashes("exitWorker")]],
  nodeExit: (pool) => [[pool.submit(exitProcess), crashes("exitProcess")]],
  loop: (pool) => [[pool.with({ timeout: 5 }).submit(spin), timesOut("spin")]],
  loopLater: (pool) => [[pool.with({ timeout: 5 }).submit(nap, 5000), timesOut("nap")]],
  nearLimit: (pool, choose) => [[
    pool.with({ timeout: 5 }).submit(spinAbout, 4 + choose(9) / 4),
    (result) => result.status === "fulfilled" || timesOut("spinAbout")(result),
  ]],
  unreadable: (pool, choose) => [[
    pool.submit(choose(2) === 0 ? now : inAsync, unreadable[choose(unreadable.length)]!),
    (result) => result.status === "rejected",
  ]],
  missing: (pool) => [[
    pool.use<Broken>(missingUrl).f(),
    fails(WorkerError, 'Cannot load job "f"', "Module not found"),
  ]],
  notThere: (pool) => [[pool.use<Broken>(noJobUrl).f(), fails(WorkerError, 'Cannot find job "f"')]],
  syntax: (pool) => [[
    pool.use<Broken>(syntaxErrorUrl).f(),
    fails(WorkerError, 'Cannot load job "f"'),
  ]],
  onLoad: (pool) => [[
    pool.use<Broken>(throwsOnLoadUrl).f(),
    fails(WorkerError, 'Cannot load job "f"', "while it loads"),
  ]],
  late: (pool) => [[pool.submit(lateThrow), gives("returned")]],
  lateWhileWaiting: (pool) => [[
    pool.submit(lateThrowWhileWaiting),
    fails(Error, "never settles otherwise"),
  ]],
  unhandled: (pool) => [[pool.submit(orphan), gives("returned")]],
  cancel: (pool, choose) => {
    const onCancel = (["wait", "flag", "kill"] as const)[choose(3)]!;
    const sender = pool.with({ onCancel });
    // One that is not told must end by itself.
    const future = choose(2) === 0 || onCancel === "wait"
      ? sender.submit(burn, choose(10))
      : sender.submit(waitUntilCancelled, words());
    const cancel = (): void => void future.cancel("of no use");
    const when = choose(3);
    if (when === 0) cancel();
    else if (when === 1) setTimeout(cancel, choose(10));
    else onceItRuns(future, cancel);
    return [[future, (result) => isCancelled(result) || result.status === "fulfilled"]];
  },
  cancelDeaf: (pool) => {
    const future = pool.submit(hang);
    setTimeout(() => future.cancel("of no use"), 5);
    return [[future, isCancelled]];
  },
  terminate: (_pool, choose) => {
    const doomed = new WorkerPool(1);
    const futures = [doomed.submit(nap, 5000), doomed.submit(fib, 10), doomed.submit(dawdle, 5000)];
    setTimeout(() => doomed.terminate(), choose(30));
    return futures.map((future) => [
      future,
      (result) => isCancelled(result) || gives(55)(result),
    ]);
  },
  taskThrow: (pool) => [[pool.submit(throwInTask, "in a task"), fails(RangeError, "in a task")]],
  taskChild: (pool) => [[pool.submit(loseChild), fails(RangeError, "a child's")]],
  taskTimer: (pool) => [[pool.submit(throwInTimer), fails(Error, "in a timer of a task")]],
  taskResult: (pool) => [[
    pool.submit(uncloneable),
    fails(WorkerError, 'the result of job "uncloneable"'),
  ]],
  taskExit: (pool) => [[pool.submit(exitInTask), crashes("exitInTask")]],
  taskTimeout: (pool) => [[pool.with({ timeout: 5 }).submit(dawdle, 5000), timesOut("dawdle")]],
  taskCancel: (pool, choose) => {
    const future = pool.submit(cleanUp, words(), choose(10));
    setTimeout(() => future.cancel("of no use"), choose(20));
    return [[future, isCancelled]];
  },
};

/** These cost a worker and the whole time of its grace; so they are rare. */
export const slowInjections: Record<string, Injection> = {
  loopAfterAwait: (pool) => deaf(pool, deafAfterAwait),
  taskLoop: (pool) => deaf(pool, deafInTask),
};

/** A job that nothing interrupts: its time is up while it computes, and goes on computing until that is told. */
function deaf(
  pool: WorkerPool,
  job: typeof deafAfterAwait | typeof deafInTask,
): [Future<unknown>, Verdict][] {
  const letGo = words();
  const future = pool.with({ timeout: 5 }).submit(job as typeof deafAfterAwait, letGo);
  future.link(() => void Atomics.store(letGo, 0, 1));
  return [[future, timesOut(job.name)]];
}

/** Calls `act` once a worker is at the job; not if it has settled before. */
function onceItRuns(future: Future<unknown>, act: () => void): void {
  if (future.running) act();
  else if (!future.done) setTimeout(() => onceItRuns(future, act), 0);
}

/** Good jobs: a crash beside them is the only thing that may happen to those that had begun. */
export const good: [name: string, Injection][] = [
  ["good fib", (pool, choose) => {
    const n = choose(15);
    return [[pool.submit(fib, n), gives(fib(n))]];
  }],
  ["good add", (pool, choose) => {
    const n = choose(1000);
    return [[pool.submit(add, n, 1), gives(n + 1)]];
  }],
  ["good nap", (pool, choose) => {
    const ms = choose(3);
    return [[pool.submit(nap, ms), gives(ms)]];
  }],
];

/** One that is always the same. */
export const plainGood: [name: string, Injection] = [
  "good add",
  (pool) => [[pool.submit(add, 1, 1), gives(2)]],
];

/** Good tasks. */
export const goodTask: Injection = (pool, choose) => {
  const n = choose(100);
  return [[pool.submit(addSlowly, n, 1, choose(5)), gives(n + 1)]];
};
