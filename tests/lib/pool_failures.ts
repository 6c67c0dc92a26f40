/**
 * Failures of every kind, injected into a pool in an order that a seed decides, among good jobs. What must
 * hold whatever happens: every future settles, each with what is due to it; the pool has its full
 * strength afterwards; no thread is left.
 */
import {
  Cancelled,
  type Future,
  TimeoutError,
  WorkerCrashedError,
  WorkerError,
  WorkerPool,
} from "@weft/weft";
import { seededChoose } from "@weft/weft/lowlevel";
import { meet } from "../parallel/fixtures/rendezvous.ts";
import {
  addSlowly,
  cleanUp,
  computeInTask,
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
  burnAfterAwait,
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

/** What came of a campaign. */
export interface Outcome {
  /** Broken promises; empty when all is well. */
  readonly wrong: readonly string[];
  /** How many failures were injected. */
  readonly injected: number;
  /** How many workers were lost, and replaced. */
  readonly lost: number;
  /** How many threads of workers the process has had before, and has after. */
  readonly threads: readonly [before: number, after: number];
}

/** A future takes no longer than this to settle, in milliseconds: generous, because a hang is what it catches. */
const HANG_MS = 10_000;
/** So many jobs are out at a time. */
const OUT = 24;

type Verdict = (result: PromiseSettledResult<unknown>) => boolean;

/** One injected failure, or several that belong together: futures, and what each must come to. */
type Injection = (pool: WorkerPool, choose: (n: number) => number) => [Future<unknown>, Verdict][];

interface Broken {
  f(): void;
}

const syntaxErrorUrl = "data:application/javascript,export function f( {";
const throwsOnLoadUrl = "data:application/javascript,throw new RangeError('while it loads')";

const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(8));

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

const wentDown: Verdict = fails(
  WorkerCrashedError,
  "its worker ended while it ran",
);

const isCancelled: Verdict = (result) =>
  result.status === "rejected" && result.reason instanceof Cancelled;

const timesOut = (job: string): Verdict => fails(TimeoutError, `job "${job}"`);

const injections: Record<string, Injection> = {
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
    const future = choose(2) === 0
      ? sender.submit(burn, choose(10))
      : sender.submit(waitUntilCancelled, words());
    const cancel = (): void => void future.cancel("of no use");
    if (choose(2) === 0) cancel();
    else setTimeout(cancel, choose(10));
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

/** These leave a thread behind that computes on for a while, or waits for its grace; so they are rare. */
const slowInjections: Record<string, Injection> = {
  loopAfterAwait: (pool) => [[
    pool.with({ timeout: 5 }).submit(burnAfterAwait, 500),
    timesOut("burnAfterAwait"),
  ]],
  taskLoop: (
    pool,
  ) => [[pool.with({ timeout: 5 }).submit(computeInTask, 500), timesOut("computeInTask")]],
};

/** Good jobs: a crash beside them is the only thing that may happen to those that had begun. */
const good: [name: string, Injection][] = [
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

/** Good tasks. */
const goodTask: Injection = (pool, choose) => {
  const n = choose(100);
  return [[pool.submit(addSlowly, n, 1, choose(5)), gives(n + 1)]];
};

/**
 * Injects so many failures into one pool, which is resized now and then. With `tasks`, some of the jobs are task bodies: these run beside
 * others in one worker, so if it goes down, all go down with it.
 */
export async function injectFailures(
  seed: number,
  count: number,
  withTasks: boolean,
): Promise<Outcome> {
  const choose = seededChoose(seed);
  const wrong: string[] = [];
  const before = workerThreads();
  const strays: unknown[] = [];
  const pool = new WorkerPool(2, { grace: 60, warn: (_text, error) => strays.push(error) });
  const out = new Set<Promise<void>>();
  const isPlayed = (name: string): boolean => withTasks || !name.startsWith("task");
  const names = Object.keys(injections).filter(isPlayed);
  const slow = Object.keys(slowInjections).filter(isPlayed);
  const follow = (name: string, injection: Injection): void => {
    for (const [future, verdict] of injection(pool, choose)) {
      const watched = watch(
        name,
        future,
        (result) => verdict(result) || (withTasks && wentDown(result)),
        wrong,
      ).then(() => void out.delete(watched));
      out.add(watched);
    }
  };
  for (let i = 0; i < count; i++) {
    const isSlow = choose(100) === 0;
    const name = isSlow ? slow[choose(slow.length)]! : names[choose(names.length)]!;
    follow(name, isSlow ? slowInjections[name]! : injections[name]!);
    for (let n = choose(4); n > 0; n--) follow(...good[choose(good.length)]!);
    if (withTasks && choose(4) === 0) follow("good task", goodTask);
    if (choose(20) === 0) pool.resize(1 + choose(3));
    while (out.size > OUT) await Promise.race(out);
  }
  await Promise.all(out);
  pool.resize(2);
  await checkStrength(pool, wrong);
  const { lost } = pool.statistics();
  pool.terminate();
  await pool.join();
  return { wrong, injected: count, lost, threads: [before, await threadsAfter(before)] };
}

async function watch(
  name: string,
  future: Future<unknown>,
  verdict: Verdict,
  wrong: string[],
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hung = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), HANG_MS);
  });
  const settled = Promise.allSettled([future]).then(([result]) => result);
  const result = await Promise.race([settled, hung]);
  clearTimeout(timer);
  if (result === null) wrong.push(`${name}: ${future} did not settle`);
  else if (!verdict(result)) {
    wrong.push(`${name}: ${future} came to ${describe(result)}`);
  }
}

function describe(result: PromiseSettledResult<unknown>): string {
  return result.status === "fulfilled" ? String(result.value) : String(result.reason);
}

/** Two jobs at once need two workers that work. */
async function checkStrength(pool: WorkerPool, wrong: string[]): Promise<void> {
  const both = words();
  const seen = await Promise.all([pool.submit(meet, both), pool.submit(meet, both)]);
  if (seen.join() !== "2,2") wrong.push(`afterwards two jobs ran ${seen} at once`);
  const { queued, running, workers } = pool.statistics();
  if (queued + running > 0) wrong.push(`afterwards ${queued} jobs wait and ${running} run`);
  if (workers !== 2) wrong.push(`afterwards the pool has ${workers} workers`);
}

/** How many threads of workers this process has; 0 where that cannot be told. */
function workerThreads(): number {
  let count = 0;
  try {
    for (const { name } of Deno.readDirSync("/proc/self/task")) {
      try {
        if (Deno.readTextFileSync(`/proc/self/task/${name}/comm`).startsWith("worker-")) count++;
      } catch { /* gone meanwhile */ }
    }
  } catch { /* no such place on this system */ }
  return count;
}

/** The same, once it is down to what it was; threads take a moment to go. */
async function threadsAfter(before: number): Promise<number> {
  for (let round = 0; round < 100 && workerThreads() > before; round++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return workerThreads();
}
