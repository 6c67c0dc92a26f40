/**
 * Many waiters on one primitive: waking and cancelling each must cost the same however many there are.
 * What would grow is told by the time for 2n beside the time for n: twice as much if each costs the same,
 * four times as much if each costs a walk through the others. The bound lies between, with room for a
 * busy machine, and the best of a few rounds counts, of as many as it takes.
 */
import { assertLess } from "@std/assert";
import { Queue, run, spawn, type Task } from "@weft/weft";
import { Broadcast } from "../../../src/sync/broadcast.ts";
import { Channel } from "../../../src/sync/channel.ts";
import { EndOfChannel } from "../../../src/sync/channel_core.ts";
import { PriorityQueue } from "../../../src/sync/priority_queue.ts";
import { law } from "../../lib/law.ts";

const MANY = 100_000;
const MOST_ROUNDS = 8;
const BOUND = 3.3;
const LIMIT_MS = 180_000;

/** What each of n tasks waits in, and how all of them are woken. */
type Crowd = (n: number) => { park: () => Generator<unknown, void, unknown>; wakeAll: () => void };

const crowds: Record<string, Crowd> = {
  "Queue.get()": (n) => {
    const queue = new Queue<number>();
    return {
      *park() {
        yield* queue.get();
      },
      wakeAll: () => {
        for (let i = 0; i < n; i++) queue.tryPut(i);
      },
    };
  },
  "Queue.put()": (n) => {
    const queue = new Queue<number>(1);
    queue.tryPut(-1);
    return {
      *park() {
        yield* queue.put(1);
      },
      wakeAll: () => {
        for (let i = 0; i < n; i++) queue.tryGet();
      },
    };
  },
  "Queue.join()": () => {
    const queue = new Queue<number>(1);
    queue.tryPut(-1);
    return {
      *park() {
        yield* queue.join();
      },
      wakeAll: () => queue.taskDone(),
    };
  },
  "PriorityQueue.put()": (n) => {
    const queue = new PriorityQueue<number>(1);
    queue.tryPut(-1);
    return {
      *park() {
        yield* queue.put(1);
      },
      wakeAll: () => {
        for (let i = 0; i < n; i++) queue.tryGet();
      },
    };
  },
  "ChannelSender.send() of clones, each closed at its end": (n) => {
    const { sender, receiver } = new Channel<number>(0);
    return {
      *park() {
        using mine = sender.clone();
        yield* mine.send(1);
      },
      wakeAll: () => {
        for (let i = 0; i < n; i++) receiver.tryReceive();
      },
    };
  },
  "ChannelReceiver.receive()": () => {
    const { sender, receiver } = new Channel<number>(0);
    return {
      *park() {
        try {
          yield* receiver.receive();
        } catch (error) {
          if (!(error instanceof EndOfChannel)) throw error;
        }
      },
      wakeAll: () => sender.close(),
    };
  },
  "Subscription.receive(), one for each": () => {
    const news = new Broadcast<number>({ capacity: 1 });
    return {
      *park() {
        using mine = news.subscribe();
        yield* mine.receive();
      },
      wakeAll: () => news.trySend(1),
    };
  },
};

/** How many milliseconds it takes until n parked tasks have ended. */
async function timed(n: number, make: Crowd, end: "wake" | "cancel"): Promise<number> {
  let took = 0;
  await run(function* () {
    const { park, wakeAll } = make(n);
    const tasks: Task[] = [];
    for (let i = 0; i < n; i++) tasks.push(spawn(park));
    yield;
    const began = performance.now();
    if (end === "wake") wakeAll();
    // From the middle to either side: no end of the line is nearer than the other.
    else for (let i = 0; i < n; i++) tasks[(i * 7919 + (n >> 1)) % n]!.cancel();
    for (const task of tasks) yield* task.join();
    took = performance.now() - began;
  });
  return took;
}

for (const [name, make] of Object.entries(crowds)) {
  for (const end of ["wake", "cancel"] as const) {
    law(
      `${name}: to ${end} each of ${MANY} waiters costs as much as each of half as many`,
      async () => {
        let half = Infinity;
        let whole = Infinity;
        for (let i = 0; i < MOST_ROUNDS && !(whole < BOUND * half); i++) {
          half = Math.min(half, await timed(MANY / 2, make, end));
          whole = Math.min(whole, await timed(MANY, make, end));
        }
        assertLess(whole, BOUND * half, `${whole} ms beside ${half} ms for half as many`);
      },
      LIMIT_MS,
    );
  }
}
