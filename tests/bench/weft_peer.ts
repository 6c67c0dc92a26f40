/**
 * weft's side of the benchmark: does one piece of work and prints one JSON line, as each peer does.
 *
 *     deno run -A tests/bench/weft_peer.ts WORK N
 *
 * A server work prints `listening PORT` instead and runs until its stdin closes.
 */
import { cede, joinAll, Queue, run, sleep, spawn, type TaskBody } from "@weft/weft";
import { operation, WaitQueue } from "@weft/weft/lowlevel";
import { servers } from "./weft_servers.ts";
import { syncWorks } from "./weft_sync.ts";

/** Runs n rounds and returns how many nanoseconds each took. */
async function timed(n: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) * 1e6 / n;
}

/** An operation that can be done at once: the round trip through the ready queue, and nothing else. */
const ready = () => operation<void>("ready", (wait) => wait.settle());

const noop = function* () {};
const noopAsync = async function* () {};

/** A permit that two tasks hand to and fro: each round is one park, one wake, one resume. */
class Permit {
  readonly #waiting = new WaitQueue<void>(this, "acquire");
  #free = false;

  acquire() {
    return operation<void>("Permit.acquire()", (wait) => {
      if (!this.#free) return this.#waiting.park(wait);
      this.#free = false;
      wait.settle();
    });
  }

  release(): void {
    if (!this.#waiting.wake()) this.#free = true;
  }

  toString(): string {
    return "Permit";
  }
}

const playFast = function* (mine: Permit, other: Permit, rounds: number) {
  for (let i = 0; i < rounds; i++) {
    yield* mine.acquire();
    other.release();
  }
};

const playAsync = async function* (mine: Permit, other: Permit, rounds: number) {
  for (let i = 0; i < rounds; i++) {
    yield* mine.acquire();
    other.release();
  }
};

function handoff(n: number, play: TaskBody<[Permit, Permit, number], void>): Promise<unknown> {
  return run(function* () {
    const here = new Permit();
    const there = new Permit();
    here.release();
    yield* joinAll([spawn(play, here, there, n / 2), spawn(play, there, here, n / 2)]);
  });
}

/** How many tasks share the rounds of the cede rows that have several. */
const CROWD = 100;

const speeds: Record<string, (n: number) => Promise<unknown>> = {
  "cede-fast": (n) =>
    run(function* () {
      for (let i = 0; i < n; i++) yield;
    }),
  "cede-fast-crowd": (n) =>
    run(function* () {
      for (let t = 0; t < CROWD; t++) {
        spawn(function* () {
          for (let i = 0; i < n / CROWD; i++) yield;
        });
      }
    }),
  "cede-async": (n) =>
    run(async function* () {
      for (let i = 0; i < n; i++) yield;
    }),
  "cede-async-crowd": (n) =>
    run(async function* () {
      for (let t = 0; t < CROWD; t++) {
        spawn(async function* () {
          for (let i = 0; i < n / CROWD; i++) yield;
        });
      }
    }),
  "cede-op": (n) =>
    run(function* () {
      for (let i = 0; i < n; i++) yield* cede();
    }),
  "op-fast": (n) =>
    run(function* () {
      for (let i = 0; i < n; i++) yield* ready();
    }),
  "op-async": (n) =>
    run(async function* () {
      for (let i = 0; i < n; i++) yield* ready();
    }),
  "op-await": (n) =>
    run(async function* () {
      for (let i = 0; i < n; i++) await ready();
    }),
  "handoff-fast": (n) => handoff(n, playFast),
  "handoff-async": (n) => handoff(n, playAsync),
  "spawn-fast": (n) =>
    run(function* () {
      for (let i = 0; i < n; i++) yield* spawn(noop).join();
    }),
  "spawn-async": (n) =>
    run(async function* () {
      for (let i = 0; i < n; i++) yield* spawn(noopAsync).join();
    }),
  ...syncWorks,
  "sleepers": (n) =>
    run(function* () {
      const nap = function* (ms: number) {
        yield* sleep(ms);
      };
      for (let i = 0; i < n; i++) spawn(nap, (i * 7919) % 1000 / 10);
    }),
};

/** Parks n tasks and tells how much resident memory each of them takes. */
async function parked(
  n: number,
  body: (queue: Queue<number>) => Generator<unknown, void> | AsyncGenerator<unknown, void>,
): Promise<void> {
  await run(function* () {
    const queue = new Queue<number>();
    const before = Deno.memoryUsage().rss;
    for (let i = 0; i < n; i++) spawn(body as TaskBody<[Queue<number>], void>, queue);
    while (queue.statistics().getting < n) yield* sleep(1);
    yield* sleep(300);
    const bytes = (Deno.memoryUsage().rss - before) / n;
    console.log(JSON.stringify({ work, n, bytes_per_task: bytes }));
    Deno.exit(0); // taking a million tasks apart is not what is measured
  });
}

const [work = "", count = "1000000"] = Deno.args;
const n = Number(count);
const speed = speeds[work];
if (speed !== undefined) {
  await speed(Math.ceil(n / 5)); // so that the compiled code is measured, as with every peer
  const ns = await timed(n, () => speed(n));
  console.log(JSON.stringify({ work, n, ns_per_op: ns }));
} else if (work === "memory-fast") {
  await parked(n, function* (queue) {
    yield* queue.get();
  });
} else if (work === "memory-async") {
  await parked(n, async function* (queue) {
    yield* queue.get();
  });
} else if (servers[work] !== undefined) {
  await servers[work]();
} else {
  const known = [...Object.keys(speeds), "memory-fast", "memory-async", ...Object.keys(servers)];
  console.error(`Unknown work "${work}"; known are ${known.join(" ")}`);
  Deno.exit(2);
}
