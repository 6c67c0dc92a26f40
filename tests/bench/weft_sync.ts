/** What weft's side does for the rows on locks, semaphores, queues and channels, in both lanes. */
import { Channel, type ChannelSender, Lock, Queue, run, Semaphore, spawn } from "@weft/weft";
import { CROWD, PERMITS, PLACES, PRODUCERS, ROOMY } from "./peers/common.ts";

type Works = Record<string, (n: number) => Promise<unknown>>;

/** Works in which a single task does everything. */
const alone: Works = {
  "lock-fast": (n) =>
    run(function* () {
      const lock = new Lock();
      for (let i = 0; i < n; i++) {
        yield* lock.acquire();
        lock.release();
      }
    }),
  "lock-async": (n) =>
    run(async function* () {
      const lock = new Lock();
      for (let i = 0; i < n; i++) {
        yield* lock.acquire();
        lock.release();
      }
    }),
  "semaphore-fast": (n) =>
    run(function* () {
      const gate = new Semaphore(PERMITS);
      for (let i = 0; i < n; i++) {
        yield* gate.acquire();
        gate.release();
      }
    }),
  "semaphore-async": (n) =>
    run(async function* () {
      const gate = new Semaphore(PERMITS);
      for (let i = 0; i < n; i++) {
        yield* gate.acquire();
        gate.release();
      }
    }),
};

/** A crowd goes through a gate again and again; whoever is inside lets others run once. */
function crowdFast(gate: () => Lock | Semaphore, n: number): Promise<unknown> {
  return run(function* () {
    const through = gate();
    for (let t = 0; t < CROWD; t++) {
      spawn(function* () {
        for (let i = 0; i < n / CROWD; i++) {
          yield* through.acquire();
          yield;
          through.release();
        }
      });
    }
  });
}

/** The same in the async lane. */
function crowdAsync(gate: () => Lock | Semaphore, n: number): Promise<unknown> {
  return run(function* () {
    const through = gate();
    for (let t = 0; t < CROWD; t++) {
      spawn(async function* () {
        for (let i = 0; i < n / CROWD; i++) {
          yield* through.acquire();
          yield;
          through.release();
        }
      });
    }
  });
}

const crowds: Works = {
  "lock-crowd-fast": (n) => crowdFast(() => new Lock(), n),
  "lock-crowd-async": (n) => crowdAsync(() => new Lock(), n),
  "semaphore-crowd-fast": (n) => crowdFast(() => new Semaphore(PERMITS), n),
  "semaphore-crowd-async": (n) => crowdAsync(() => new Semaphore(PERMITS), n),
};

const playFast = function* (mine: Queue<number>, other: Queue<number>, rounds: number) {
  for (let i = 0; i < rounds; i++) {
    yield* mine.get();
    yield* other.put(i);
  }
};

const playAsync = async function* (mine: Queue<number>, other: Queue<number>, rounds: number) {
  for (let i = 0; i < rounds; i++) {
    yield* mine.get();
    yield* other.put(i);
  }
};

/** Two tasks send one item to and fro through two queues of one place. */
function pingPong(play: typeof playFast | typeof playAsync, n: number): Promise<unknown> {
  return run(function* () {
    const here = new Queue<number>(1);
    const there = new Queue<number>(1);
    here.tryPut(0);
    spawn(play as typeof playFast, here, there, n / 2);
    spawn(play as typeof playFast, there, here, n / 2);
  });
}

const sendFast = function* (into: ChannelSender<number>, count: number) {
  for (let i = 0; i < count; i++) yield* into.send(i);
};

const sendAsync = async function* (into: ChannelSender<number>, count: number) {
  for (let i = 0; i < count; i++) yield* into.send(i);
};

/** Many producers, one consumer, a channel of few places. */
function fanInFast(n: number, places: number): Promise<unknown> {
  return run(function* () {
    const { sender, receiver } = new Channel<number>(places);
    const each = Math.floor(n / PRODUCERS);
    for (let p = 0; p < PRODUCERS; p++) spawn(sendFast, sender, each);
    for (let i = 0; i < each * PRODUCERS; i++) yield* receiver.receive();
  });
}

/** The same in the async lane. */
function fanInAsync(n: number, places: number): Promise<unknown> {
  return run(async function* () {
    const { sender, receiver } = new Channel<number>(places);
    const each = Math.floor(n / PRODUCERS);
    for (let p = 0; p < PRODUCERS; p++) spawn(sendAsync, sender, each);
    for (let i = 0; i < each * PRODUCERS; i++) yield* receiver.receive();
  });
}

const exchanges: Works = {
  "queue-fast": (n) => pingPong(playFast, n),
  "queue-async": (n) => pingPong(playAsync, n),
  "fan-in-fast": (n) => fanInFast(n, PLACES),
  "fan-in-async": (n) => fanInAsync(n, PLACES),
  "fan-in-roomy-fast": (n) => fanInFast(n, ROOMY),
  "fan-in-roomy-async": (n) => fanInAsync(n, ROOMY),
};

/** All of them, by name. */
export const syncWorks: Works = { ...alone, ...crowds, ...exchanges };
