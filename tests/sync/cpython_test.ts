/**
 * The same random scripts on CPython's threading primitives and on ours, step by step: which calls come
 * to an end by each step, with what result, and what can be seen of the primitive then.
 */
import { assertEquals } from "@std/assert";
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  DeadlockError,
  Event,
  Lock,
  moveOnAfter,
  type Operation,
  Queue,
  RLock,
  run,
  Semaphore,
  sleep,
  spawn,
  WouldBlock,
} from "@weft/weft";
import { seededChoose } from "@weft/weft/lowlevel";
import { VirtualClock } from "@weft/weft/testing";
import { lawWith } from "../lib/programs.ts";

const THREADS = 4;
const STEPS = 25;
const SCRIPTS = 20;
const TIMED_MS = 2;
const LIMIT_MS = 120_000;

type Step = readonly [thread: number, verb: string, argument: number];

interface Script {
  readonly kind: string;
  readonly number: number;
  readonly steps: readonly Step[];
}

/** A verb: does it at once, or gives what to wait for. */
type Verb = (argument: number) => Operation<unknown> | { readonly now: unknown };

/** A primitive as the scripts know it. */
interface Stage {
  readonly verbs: Readonly<Record<string, Verb>>;
  see(): unknown;
}

const now = (value: unknown): { now: unknown } => ({ now: value ?? null });

/** As `acquire(blocking=False)` says it. */
function tries(acquire: () => unknown): { now: unknown } {
  try {
    acquire();
    return now(true);
  } catch (error) {
    if (error instanceof WouldBlock || error instanceof DeadlockError) return now(false);
    throw error;
  }
}

const locks = (lock: Lock | RLock, see: () => unknown): Stage => ({
  verbs: {
    try_acquire: () => tries(() => lock.tryAcquire()),
    release: () => now(lock.release()),
  },
  see,
});

const semaphores = (semaphore: Semaphore): Stage => ({
  verbs: {
    acquire: () => semaphore.acquire(),
    acquire_timed: () => moveOnAfter(TIMED_MS, semaphore.acquire()),
    try_acquire: () => tries(() => semaphore.tryAcquire()),
    release: (n) => now(semaphore.release(n)),
  },
  see: () => semaphore.value,
});

/** A call with the lock of a condition around it. */
const locked = (condition: Condition, call: Verb): Verb => (argument) =>
  moveOnAfter(1e6, function* () {
    using _lock = yield* condition.acquire();
    const made = call(argument);
    return "now" in made ? made.now : yield* made;
  });

const stages: Readonly<Record<string, (number: number) => Stage>> = {
  Lock: () => {
    const lock = new Lock();
    return locks(lock, () => lock.locked);
  },
  RLock: () => locks(new RLock(), () => null),
  Semaphore: (value) => semaphores(new Semaphore(value)),
  BoundedSemaphore: (value) => semaphores(new BoundedSemaphore(value)),
  Event: () => {
    const event = new Event();
    return {
      verbs: {
        wait: () => event.wait(),
        wait_timed: () => event.wait(TIMED_MS),
        set: () => now(event.set()),
        clear: () => now(event.clear()),
      },
      see: () => event.isSet,
    };
  },
  Condition: () => {
    const condition = new Condition();
    return {
      verbs: {
        wait: locked(condition, () => condition.wait()),
        wait_timed: locked(condition, () => condition.wait(TIMED_MS)),
        notify: locked(condition, (n) => now(condition.notify(n))),
        notify_all: locked(condition, () => now(condition.notifyAll())),
        wait_unlocked: () => condition.wait(),
        notify_unlocked: (n) => now(condition.notify(n)),
      },
      see: () => condition.statistics().waiting,
    };
  },
  Predicate: () => {
    const condition = new Condition();
    let count = 0;
    const add = (n: number): void => {
      count += n;
      condition.notifyAll();
    };
    return {
      verbs: {
        wait_for: locked(condition, (n) => condition.waitFor(() => count >= n)),
        wait_for_timed: locked(condition, (n) => condition.waitFor(() => count >= n, TIMED_MS)),
        add: locked(condition, (n) => now(add(n))),
      },
      see: () => condition.statistics().waiting,
    };
  },
  Barrier: (parties) => {
    let acts = 0;
    const barrier = new Barrier(parties, () => {
      if (++acts === 3) throw new RangeError();
    });
    return {
      verbs: {
        wait: () => barrier.wait(),
        wait_timed: () => barrier.wait(TIMED_MS),
        reset: () => now(barrier.reset()),
        abort: () => now(barrier.abort()),
      },
      see: () => [barrier.nWaiting, barrier.broken, acts],
    };
  },
};

/** A result as Python's JSON has it: a guard is `True`, nothing is `None` or, of a timed call, `False`. */
function told(result: unknown, verb: string): unknown {
  if (typeof result === "object" && result !== null) return true;
  return result ?? (verb.endsWith("_timed") ? false : null);
}

/** Plays a script on our side: a task for each thread, which gets its calls through a queue. */
async function play({ kind, number, steps }: Script): Promise<unknown[]> {
  const said: unknown[] = [];
  await run(function* () {
    const stage = stages[kind]!(number);
    const inboxes = Array.from({ length: THREADS }, () => new Queue<Step>());
    const waiting = new Set<number>();
    let ended: [number, unknown][] = [];
    const players = inboxes.map((inbox, thread) => {
      const call = function* (
        verb: string,
        argument: number,
      ): Generator<unknown, unknown, unknown> {
        try {
          const made = stage.verbs[verb]!(argument);
          return "now" in made ? made.now : told(yield* made, verb);
        } catch (error) {
          return (error as Error).name;
        }
      };
      return spawn(function* () {
        for (;;) {
          const [, verb, argument] = yield* inbox.get();
          const result = yield* call(verb, argument);
          waiting.delete(thread);
          ended.push([thread, result]);
        }
      });
    });
    for (const step of steps) {
      const [thread] = step;
      if (waiting.has(thread)) continue;
      waiting.add(thread);
      inboxes[thread]!.tryPut(step);
      yield* sleep(2 * TIMED_MS);
      said.push([ended.sort(([a], [b]) => a - b), stage.see()]);
      ended = [];
    }
    for (const player of players) player.cancel();
  }, { clock: new VirtualClock() });
  return said;
}

/** What the scripts of a kind are made of: verbs with their greatest argument, and the number to begin with. */
const repertoire: Readonly<Record<string, readonly [number: readonly number[], verbs: string]>> = {
  Lock: [[0], "try_acquire try_acquire release"],
  RLock: [[0], "try_acquire try_acquire release"],
  Semaphore: [[0, 1, 2, 3], "acquire acquire acquire_timed try_acquire release:3 release:3"],
  BoundedSemaphore: [[1, 2, 3, 4], "acquire acquire acquire_timed try_acquire release:2 release:2"],
  Event: [[0], "wait wait wait wait_timed set clear clear"],
  Condition: [
    [0],
    "wait wait wait wait_timed notify:3 notify:3 notify_all wait_unlocked notify_unlocked:2",
  ],
  Predicate: [[0], "wait_for:9 wait_for:9 wait_for_timed:9 add:2"],
  Barrier: [[1, 2, 3, 4], "wait wait wait wait wait wait_timed reset reset abort"],
};

function scripts(kind: string): Script[] {
  const choose = seededChoose(4_711);
  const [numbers, verbs] = repertoire[kind]!;
  const pick = <T>(from: readonly T[]): T => from[choose(from.length)]!;
  const step = (): Step => {
    const [verb = "", most = "0"] = pick(verbs.split(" ")).split(":");
    return [choose(THREADS), verb, choose(Number(most) + 1)];
  };
  return Array.from({ length: SCRIPTS }, () => ({
    kind,
    number: pick(numbers),
    steps: Array.from({ length: STEPS }, step),
  }));
}

/** What CPython makes of some scripts. */
async function askPython(all: readonly Script[]): Promise<unknown[]> {
  const child = new Deno.Command("python3", {
    args: ["-B", new URL("./cpython_locks.py", import.meta.url).pathname],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(all)));
  await writer.close();
  const { stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return JSON.parse(new TextDecoder().decode(stdout)) as unknown[];
}

for (const kind of Object.keys(repertoire)) {
  const name = `${kind} does what CPython's does, step by step, in ${SCRIPTS} random scripts`;
  lawWith(["python3"], name, async () => {
    const all = scripts(kind);
    const theirs = await askPython(all);
    for (const [i, script] of all.entries()) {
      assertEquals(await play(script), theirs[i], JSON.stringify(script));
    }
  }, LIMIT_MS);
}
