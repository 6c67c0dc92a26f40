/**
 * weft's side of the curves: bodies are written in place, as a program has them, and not one for all.
 *
 *     deno run -A tests/bench/weft_curve_peer.ts WORK N
 */
import {
  connect,
  fileno,
  joinAll,
  listen,
  poll,
  POLLIN,
  Queue,
  run,
  sleep,
  socketPair,
  spawn,
  WorkerPool,
} from "@weft/weft";
import { nap } from "./peers/common.ts";
import {
  BACKLOG,
  GREETING,
  main,
  Meter,
  OPENING,
  processorTime,
  STEPS,
  turns,
  WAITS,
  whole,
} from "./peers/curve_common.ts";
import { WORKERS } from "./peers/pool_tasks.mjs";
import { tasks } from "./pool_jobs.ts";

/** So many handles become ready at a time. */
const READY = 100;

async function stepsFast(n: number): Promise<number> {
  const rounds = turns(n, STEPS);
  const meter = new Meter(n);
  await run(function* () {
    for (let i = 0; i < n; i++) {
      spawn(function* () {
        meter.come();
        for (let round = 0; round < rounds; round++) yield;
        meter.go();
      });
    }
  });
  return meter.ns / (n * rounds);
}

async function stepsAsync(n: number): Promise<number> {
  const rounds = turns(n, STEPS);
  const meter = new Meter(n);
  await run(async function* () {
    for (let i = 0; i < n; i++) {
      spawn(async function* () {
        meter.come();
        for (let round = 0; round < rounds; round++) yield;
        meter.go();
      });
    }
  });
  return meter.ns / (n * rounds);
}

const spawnsFast = (n: number) =>
  whole(n, () =>
    run(function* () {
      for (let i = 0; i < n; i++) {
        spawn(function* () {
          yield;
        });
      }
    }));

const spawnsAsync = (n: number) =>
  whole(n, () =>
    run(async function* () {
      for (let i = 0; i < n; i++) {
        spawn(async function* () {
          yield;
        });
      }
    }));

const sleepersFast = (n: number) =>
  whole(n, () =>
    run(function* () {
      for (let i = 0; i < n; i++) {
        spawn(function* () {
          yield* sleep(nap(i));
        });
      }
    }));

const sleepersAsync = (n: number) =>
  whole(n, () =>
    run(async function* () {
      for (let i = 0; i < n; i++) {
        spawn(async function* () {
          yield* sleep(nap(i));
        });
      }
    }));

/** All wait in one queue, then in another, to and fro: so nobody can take an item that is another's. */
async function waits(n: number, start: (queues: Queue<number>[], rounds: number) => void) {
  const rounds = turns(n, WAITS);
  let from = 0;
  await run(function* () {
    const queues = [new Queue<number>(), new Queue<number>()];
    for (let i = 0; i < n; i++) start(queues, rounds);
    for (let round = 0; round < rounds; round++) {
      const queue = queues[round % 2]!;
      while (queue.statistics().getting < n) yield;
      if (round === 0) from = processorTime();
      for (let i = 0; i < n; i++) queue.tryPut(i);
    }
  });
  return (processorTime() - from) / (n * rounds);
}

const waitsFast = (n: number) =>
  waits(n, (queues, rounds) => {
    spawn(function* () {
      for (let round = 0; round < rounds; round++) yield* queues[round % 2]!.get();
    });
  });

const waitsAsync = (n: number) =>
  waits(n, (queues, rounds) => {
    spawn(async function* () {
      for (let round = 0; round < rounds; round++) yield* queues[round % 2]!.get();
    });
  });

const hostname = "127.0.0.1";

/** n connections, opened some at a time, greeted, all held at once, and closed. */
const connectionsFast = (n: number) =>
  whole(n, () =>
    run(function* () {
      using listener = listen({ hostname, port: 0, backlog: BACKLOG });
      const { port } = listener.localAddr;
      spawn(function* () {
        for (let i = 0; i < n; i++) {
          const socket = yield* listener.accept();
          spawn(function* () {
            using _ = socket;
            for (let bytes; (bytes = yield* socket.recv()).length > 0;) {
              yield* socket.sendAll(bytes);
            }
          });
        }
      });
      const held: Disposable[] = [];
      let left = n;
      const openers = Array.from({ length: OPENING }, () =>
        spawn(function* () {
          while (left-- > 0) {
            const socket = yield* connect({ hostname, port });
            held.push(socket);
            yield* socket.sendAll(GREETING);
            yield* socket.recvExactly(GREETING.length);
          }
        }));
      yield* joinAll(openers);
      for (const socket of held) socket[Symbol.dispose]();
    }));

const connectionsAsync = (n: number) =>
  whole(n, () =>
    run(async function* () {
      using listener = listen({ hostname, port: 0, backlog: BACKLOG });
      const { port } = listener.localAddr;
      spawn(async function* () {
        for (let i = 0; i < n; i++) {
          const socket = yield* listener.accept();
          spawn(async function* () {
            using _ = socket;
            for (let bytes; (bytes = yield* socket.recv()).length > 0;) {
              yield* socket.sendAll(bytes);
            }
          });
        }
      });
      const held: Disposable[] = [];
      let left = n;
      const openers = Array.from({ length: OPENING }, () =>
        spawn(async function* () {
          while (left-- > 0) {
            const socket = yield* connect({ hostname, port });
            held.push(socket);
            yield* socket.sendAll(GREETING);
            yield* socket.recvExactly(GREETING.length);
          }
        }));
      yield* joinAll(openers);
      for (const socket of held) socket[Symbol.dispose]();
    }));

/** n handles registered, of which some are ready at a time, and each once; then unregistered. */
async function handles(n: number): Promise<number> {
  const pairs = Array.from({ length: n }, () => socketPair());
  const byte = new Uint8Array(1);
  const cost = await whole(n, () =>
    run(function* () {
      using registry = poll();
      const handles = pairs.map(([here]) => registry.register(here, POLLIN));
      for (let at = 0; at < n; at += READY) {
        const some = pairs.slice(at, at + READY);
        for (const [, there] of some) there.trySend(byte);
        for (let found = 0; found < some.length;) {
          for (const [fd] of yield* registry.poll()) {
            registry.modify(fd, 0);
            found++;
          }
        }
      }
      for (const handle of handles) registry.unregister(fileno(handle));
    }));
  for (const pair of pairs) for (const socket of pair) socket.close();
  return cost;
}

const pool = new WorkerPool(WORKERS);

const jobs = (n: number) =>
  whole(n, async () => {
    const futures: PromiseLike<number>[] = [];
    for (let i = 0; i < n; i++) futures.push(pool.submit(tasks.same, i));
    await Promise.all(futures);
  });

await main({
  "steps-fast": stepsFast,
  "steps-async": stepsAsync,
  "spawns-fast": spawnsFast,
  "spawns-async": spawnsAsync,
  "sleepers-fast": sleepersFast,
  "sleepers-async": sleepersAsync,
  "waits-fast": waitsFast,
  "waits-async": waitsAsync,
  "connections-fast": connectionsFast,
  "connections-async": connectionsAsync,
  "handles": handles,
  "jobs": jobs,
});
