/** How shared primitives travel: to jobs, to bare workers, and where they cannot go. */
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { WorkerPool } from "@weft/weft";
import { AbandonedError, TimeoutError } from "../../src/kernel/errors.ts";
import { Connection, pipe } from "../../src/parallel/shared/pipe.ts";
import { SharedEvent } from "../../src/parallel/shared/event.ts";
import { SharedLock } from "../../src/parallel/shared/lock.ts";
import { packShared, unpackShared } from "../../src/parallel/shared/pack.ts";
import { SharedQueue } from "../../src/parallel/shared/queue.ts";
import { SharedSemaphore } from "../../src/parallel/shared/semaphore.ts";
import { SharedValue } from "../../src/parallel/shared/value.ts";
import { law } from "../lib/law.ts";
import { type Primitive, PRIMITIVES } from "../lib/shared_primitives.ts";
import {
  countIn,
  dieHolding,
  echoAll,
  holdGiven,
  keepLock,
  loopHolding,
  nested,
  takeAsTask,
} from "./fixtures/shared_jobs.ts";
import { Thread } from "./fixtures/thread.ts";

const everything = (): Primitive[] => Object.values(PRIMITIVES).map((make) => make());

law(
  "packShared() and unpackShared() keep the class, the name and the memory of every primitive",
  () => {
    for (const one of everything()) {
      const packed = structuredClone(packShared([one, { one }])) as unknown[];
      const [first, { one: second }] = unpackShared(packed) as [typeof one, { one: typeof one }];
      for (const copy of [first, second]) {
        assertStrictEquals(Object.getPrototypeOf(copy), Object.getPrototypeOf(one));
        assertEquals(String(copy), String(one));
      }
    }
    const lock = new SharedLock();
    const copy = unpackShared(structuredClone(packShared(lock))) as SharedLock;
    lock.tryAcquire();
    assertEquals(copy.locked, true);
    lock.release();
  },
);

law("packShared() leaves what holds no primitive as it is", () => {
  new SharedLock();
  let calls = 0;
  const withGetter = {
    get a() {
      return calls++;
    },
  };
  for (const value of [1, "a", null, undefined, {}, [1, { b: [] }], new Date(), withGetter]) {
    assertStrictEquals(packShared(value), value);
    assertStrictEquals(unpackShared(value), value);
  }
  assertEquals(calls, 0);
});

law("A primitive that is not found is refused by the clone, not lost in silence", () => {
  for (const one of everything()) {
    assertThrows(() => structuredClone(one), DOMException, "could not be cloned");
  }
  const deep = { a: { b: { c: { d: [new SharedLock()] } } } };
  assertThrows(() => structuredClone(packShared(deep)), DOMException);
});

law("A primitive cannot go to another process, and the error says why", () => {
  const lock = new SharedLock();
  assertThrows(
    () => packShared([{ lock }], "bytes"),
    TypeError,
    `Cannot send ${lock} to another process`,
  );
});

law("SharedX.from() refuses the handle of another class", () => {
  const handle = new SharedLock().share();
  assertThrows(
    () => SharedEvent.from(handle),
    TypeError,
    "Cannot make a SharedEvent from a handle",
  );
  assertThrows(() => SharedLock.from({} as never), TypeError, "pass what share()");
  assert(Connection.from(pipe()[0].share()).readable);
});

law(
  "A pool's jobs get the primitives they are passed, also within a list or an object",
  async () => {
    await using pool = new WorkerPool(4);
    const lock = new SharedLock();
    const counter = new SharedValue("int32");
    await Promise.all(
      Array.from({ length: 4 }, () => pool.submit(countIn, lock, counter, 20_000)),
    );
    assertEquals(counter.value, 80_000);
    lock.tryAcquire();
    assertEquals(
      await pool.submit(nested, { locks: [lock], words: ["!"] }),
      `${lock} true!`,
    );
    lock.release();
    const holder = await pool.submit(takeAsTask, lock);
    assert(/worker \d$/.test(holder), holder);
    assertEquals(lock.locked, false);
  },
);

law("A pool's map and its initializer pass primitives on", async () => {
  const lock = new SharedLock();
  await using pool = new WorkerPool(2, { initializer: keepLock, initArgs: [lock] });
  assertEquals(await pool.submit(holdGiven), String(lock));
  assertEquals(await pool.map(takeAsTask, [lock, lock, lock]).then((all) => all.length), 3);
});

law(
  "A pool's worker that dies with a lock is reported to the other workers and to the main thread",
  async () => {
    await using pool = new WorkerPool(2);
    for (const how of ["exit", "close", "hang"] as const) {
      const lock = new SharedLock();
      const counter = new SharedValue("int32");
      const job = pool.submit(dieHolding, lock, how);
      job.link(() => {});
      while (!lock.locked) await new Promise((resolve) => setTimeout(resolve, 1));
      const other = pool.submit(countIn, lock, counter, 1);
      other.link(() => {});
      if (how === "hang") job.cancel();
      await assertRejects(() => Promise.resolve(lock.acquire()), AbandonedError, "WorkerPool#");
      await assertRejects(() => Promise.resolve(other), AbandonedError, "WorkerPool#");
    }
  },
);

law("A job whose time runs out in a loop does not keep its lock: the others are told", async () => {
  await using pool = new WorkerPool(2);
  const lock = new SharedLock();
  const counter = new SharedValue("int32");
  const late = pool.with({ timeout: 50 }).submit(loopHolding, lock);
  late.link(() => {});
  while (!lock.locked) await new Promise((resolve) => setTimeout(resolve, 1));
  await assertRejects(() => Promise.resolve(lock.acquire()), AbandonedError, "WorkerPool#");
  await assertRejects(() => Promise.resolve(late), TimeoutError);
  assertEquals(lock.recover(), true);
  await Promise.all([1, 2].map(() => pool.submit(countIn, lock, counter, 10)));
  assertEquals(counter.value, 20);
});

law("Nor does it keep its permit of a bounded semaphore", async () => {
  await using pool = new WorkerPool(1);
  const seats = new SharedSemaphore(1, { bounded: true });
  const late = pool.with({ timeout: 50 }).submit(loopHolding, seats);
  late.link(() => {});
  while (seats.value === 1) await new Promise((resolve) => setTimeout(resolve, 1));
  await assertRejects(() => Promise.resolve(seats.acquire()), AbandonedError, "WorkerPool#");
  await assertRejects(() => Promise.resolve(late), TimeoutError);
});

law("A pool can be terminated although its workers are blocked", async () => {
  const pool = new WorkerPool(2);
  const lock = new SharedLock();
  lock.tryAcquire();
  const counter = new SharedValue("int32");
  const jobs = [1, 2].map(() => pool.submit(countIn, lock, counter, 1));
  const queue = new SharedQueue();
  jobs.push(pool.submit(echoAll, queue, queue) as never);
  while (lock.statistics().waiting < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  pool.terminate();
  await pool.join();
  assertEquals(jobs.map((job) => job.cancelled), [true, true, true]);
  lock.release();
  await lock.acquire();
  lock.release();
});

law("A thread that nobody enrolled takes part, by its handle", async () => {
  const lock = new SharedLock();
  const words = new Int32Array(new SharedArrayBuffer(4));
  await using bare = Thread.callUnwatched("countLocked", lock, words, 1000);
  await using own = Thread.call("countLocked", lock, words, 1000);
  await Promise.all([bare.result(), own.result()]);
  assertEquals(words[0], 2000);
});
