/**
 * A hundred thousand waiters on one primitive: letting one go, or cancelling one, must cost the same
 * however many there are. Four times the crowd may take four times as long; were a step of it to look at
 * the others, it would take sixteen times.
 */
import { assertEquals, assertLess } from "@std/assert";
import {
  AsyncResult,
  Barrier,
  Condition,
  Event,
  Lock,
  type Operation,
  RLock,
  run,
  Semaphore,
  sleep,
  spawn,
  type Task,
} from "@weft/weft";
import { law } from "../../lib/law.ts";

const CROWD = 100_000;
const RATIO = 4;
const LIMIT = 10;
const TRIES = 4;
const LIMIT_MS = 120_000;

/** What a crowd waits for: what each does, and what lets all of them go. */
interface Place {
  /** One waiter's part. */
  visit(): Generator<unknown, void, unknown>;
  /** Lets everybody go, while nobody does anything else. */
  open(): Operation<void> | void;
  /** How many wait. */
  waiting(): number;
}

type MakePlace = (crowd: number) => Generator<unknown, Place, unknown>;

function* atLock(lock: Lock | RLock): Generator<unknown, Place, unknown> {
  yield* lock.acquire();
  return {
    *visit() {
      yield* lock.acquire();
      lock.release();
    },
    open: () => lock.release(),
    waiting: () => lock.statistics().waiting,
  };
}

const places: Record<string, MakePlace> = {
  Lock: () => atLock(new Lock()),
  RLock: () => atLock(new RLock()),
  *Semaphore(crowd) {
    const semaphore = new Semaphore(0);
    return {
      *visit() {
        yield* semaphore.acquire();
      },
      open: () => semaphore.release(crowd),
      waiting: () => semaphore.statistics().waiting,
    };
  },
  *Event() {
    const event = new Event();
    return {
      *visit() {
        yield* event.wait();
      },
      open: () => event.set(),
      waiting: () => event.statistics().waiting,
    };
  },
  *AsyncResult() {
    const result = new AsyncResult<number>();
    return {
      *visit() {
        yield* result.get();
      },
      open: () => result.set(1),
      waiting: () => result.statistics().waiting,
    };
  },
  *Condition() {
    const condition = new Condition();
    return {
      *visit() {
        yield* condition.acquire();
        try {
          yield* condition.wait();
        } finally {
          condition.release();
        }
      },
      open: () => {
        condition.tryAcquire();
        condition.notifyAll();
        condition.release();
      },
      waiting: () => condition.statistics().waiting,
    };
  },
  *Barrier(crowd) {
    const barrier = new Barrier(crowd + 1);
    return {
      *visit() {
        yield* barrier.wait();
      },
      open: () => barrier.wait() as Operation<unknown> as Operation<void>,
      waiting: () => barrier.nWaiting,
    };
  },
};

/** How long it takes to let a crowd go, or to cancel it from the middle outwards, in milliseconds. */
async function timed(make: MakePlace, crowd: number, how: "woken" | "cancelled"): Promise<number> {
  let ms = 0;
  let through = 0;
  await run(function* () {
    const place = yield* make(crowd);
    const tasks: Task[] = [];
    for (let i = 0; i < crowd; i++) {
      tasks.push(spawn(function* () {
        yield* place.visit();
        through++;
      }));
    }
    while (place.waiting() < crowd) yield* sleep(1);
    const began = performance.now();
    if (how === "woken") {
      const opening = place.open();
      if (opening !== undefined) yield* opening;
    } else {
      for (let i = 0; i < crowd; i++) {
        tasks[i % 2 === 0 ? (crowd + i) >> 1 : (crowd - i) >> 1]!.cancel();
      }
    }
    for (const task of tasks) yield* task.join();
    ms = performance.now() - began;
    assertEquals([place.waiting(), through], [0, how === "woken" ? crowd : 0]);
  });
  return ms;
}

for (const [name, make] of Object.entries(places)) {
  for (const how of ["woken", "cancelled"] as const) {
    law(`${CROWD} waiters of ${name} are ${how} in a time that grows as their number`, async () => {
      let ratio = Infinity;
      for (let tries = TRIES; tries > 0 && ratio >= LIMIT; tries--) {
        const few = await timed(make, CROWD / RATIO, how);
        ratio = await timed(make, CROWD, how) / few;
      }
      assertLess(ratio, LIMIT);
    }, LIMIT_MS);
  }
}
