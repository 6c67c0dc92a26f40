/**
 * Failures of every kind, injected into a pool in an order that a seed decides, among good jobs. What must
 * hold whatever happens: every future settles, each with what is due to it; the pool has its full
 * strength afterwards; no thread is left.
 *
 * That a future never settles is told by a pool in which nothing moves (see standstill.ts), not by a
 * limit of time. It ends the campaign: what comes after would only hang behind it.
 */
import { type Future, WorkerPool } from "@weft/weft";
import { seededChoose } from "@weft/weft/lowlevel";
import { meet } from "../parallel/fixtures/rendezvous.ts";
import {
  type Choose,
  good,
  goodTask,
  type Injection,
  injections,
  plainGood,
  slowInjections,
  type Verdict,
  wentDown,
  words,
} from "./pool_injections.ts";
import { standsStill } from "./standstill.ts";

/** What came of a campaign. */
export interface Outcome {
  /** Broken promises, the first ones first; empty when all is well. */
  readonly wrong: readonly string[];
  /** How many failures were injected. */
  readonly injected: number;
  /** How many workers were lost, and replaced. */
  readonly lost: number;
  /** How many threads of workers the process has had before, and has after. */
  readonly threads: readonly [before: number, after: number];
  /** The statistics of the pool, at the end or when it hung. */
  readonly statistics: string;
}

/** So many jobs are out at a time. */
const OUT = 24;
/** So many of the futures that hang are named. */
const NAMED = 5;

/**
 * Injects so many failures into one pool, which is resized now and then. With `tasks`, some of the jobs are task bodies: these run beside
 * others in one worker, so if it goes down, all go down with it.
 */
export async function injectFailures(
  seed: number,
  count: number,
  withTasks: boolean,
): Promise<Outcome> {
  const before = workerThreads();
  const pool = new WorkerPool(2, { grace: 60, warn: () => {} });
  const campaign = new Campaign(pool, seededChoose(seed), withTasks);
  const wrong = await campaign.untilItHangs(async () => {
    await campaign.inject(count);
    pool.resize(2);
    await campaign.checkStrength();
  });
  const statistics = pool.statistics();
  pool.terminate();
  await pool.join();
  const threads = [before, await threadsAfter(before)] as const;
  const shown = Deno.inspect(statistics, { breakLength: Infinity });
  return { wrong, injected: count, lost: statistics.lost, threads, statistics: shown };
}

/** One failure by itself, and a good job behind it: tells what was wrong. */
export async function injectAlone(
  pool: WorkerPool,
  name: string,
  injection: Injection,
  choose: Choose,
): Promise<readonly string[]> {
  const campaign = new Campaign(pool, choose, true);
  return await campaign.untilItHangs(async () => {
    campaign.follow(name, injection);
    campaign.follow(...plainGood);
    await campaign.settled();
  });
}

/** Jobs out at one pool, and what was wrong with them. */
class Campaign {
  readonly #pool: WorkerPool;
  readonly #choose: Choose;
  readonly #withTasks: boolean;
  readonly #out = new Map<Promise<void>, string>();
  readonly #wrong: string[] = [];
  #settled = 0;

  constructor(pool: WorkerPool, choose: Choose, withTasks: boolean) {
    this.#pool = pool;
    this.#choose = choose;
    this.#withTasks = withTasks;
  }

  /** Does something with the pool until nothing moves any more, and tells what was wrong. */
  async untilItHangs(work: () => Promise<void>): Promise<readonly string[]> {
    const done = work();
    const look = (): string => `${this.#settled} ${JSON.stringify(this.#pool.statistics())}`;
    if (await standsStill(look, done)) {
      const out = [...this.#out.values()];
      const more = out.length > NAMED ? [`and ${out.length - NAMED} more`] : [];
      done.catch(() => {}); // nobody waits for it any more
      const open = out.slice(0, NAMED).map((name) => `${name} did not settle`);
      return [...this.#wrong, ...open, ...more];
    }
    await done;
    return this.#wrong;
  }

  /** Injects so many failures. */
  async inject(count: number): Promise<void> {
    const choose = this.#choose;
    const isPlayed = (name: string): boolean => this.#withTasks || !name.startsWith("task");
    const names = Object.keys(injections).filter(isPlayed);
    const slow = Object.keys(slowInjections).filter(isPlayed);
    for (let i = 0; i < count; i++) {
      const isSlow = choose(100) === 0;
      const name = isSlow ? slow[choose(slow.length)]! : names[choose(names.length)]!;
      this.follow(name, isSlow ? slowInjections[name]! : injections[name]!);
      for (let n = choose(4); n > 0; n--) this.follow(...good[choose(good.length)]!);
      if (this.#withTasks && choose(4) === 0) this.follow("good task", goodTask);
      if (choose(20) === 0) this.#pool.resize(1 + choose(3));
      while (this.#out.size > OUT) await Promise.race(this.#out.keys());
    }
    await this.settled();
  }

  /** Waits for every job that is out. */
  async settled(): Promise<void> {
    await Promise.all(this.#out.keys());
  }

  /** Injects one failure, and looks after its futures. */
  follow(name: string, injection: Injection): void {
    for (const [future, verdict] of injection(this.#pool, this.#choose)) {
      const watched = this.#watch(name, future, verdict).then(() => void this.#out.delete(watched));
      this.#out.set(watched, `${name}: ${future}`);
    }
  }

  /** Two jobs at once need two workers that work. */
  async checkStrength(): Promise<void> {
    const both = words();
    const seen = await Promise.all([this.#pool.submit(meet, both), this.#pool.submit(meet, both)]);
    if (seen.join() !== "2,2") this.#wrong.push(`afterwards two jobs ran ${seen} at once`);
    const { queued, running, workers } = this.#pool.statistics();
    if (queued + running > 0) this.#wrong.push(`afterwards ${queued} jobs wait and ${running} run`);
    if (workers !== 2) this.#wrong.push(`afterwards the pool has ${workers} workers`);
  }

  async #watch(name: string, future: Future<unknown>, verdict: Verdict): Promise<void> {
    const [result] = await Promise.allSettled([future]);
    this.#settled++;
    if (verdict(result) || (this.#withTasks && wentDown(result))) return;
    this.#wrong.push(`${name}: ${future} came to ${describe(result)}`);
  }
}

function describe(result: PromiseSettledResult<unknown>): string {
  return result.status === "fulfilled" ? String(result.value) : String(result.reason);
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
