/** What a task pool does when time is up, an item fails, or it is shut down. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  asCompleted,
  ClosedError,
  now,
  run,
  sleep,
  spawn,
  TaskPool,
  TimeoutError,
  waitFirst,
} from "@weft/weft";
import { Event, joinAll, Queue } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

const virtually = <T>(body: () => AsyncGenerator<unknown, T, never>): Promise<T> =>
  run(body, { clock: new VirtualClock() });

const nap = async function* (ms: number) {
  yield* sleep(ms);
  if (ms % 10 === 3) throw new Error(`bad ${ms}`);
  return ms;
};

law("map({ timeout }) throws TimeoutError once what was started has cleaned up", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    const log: number[] = [];
    const body = async function* (ms: number) {
      try {
        yield* sleep(ms);
      } finally {
        log.push(ms);
      }
      return ms;
    };
    assertEquals(yield* pool.map(body, [1, 2], { timeout: 10 }), [1, 2]);
    const error = await assertRejects(
      async () => void (await pool.map(body, [4, 100, 200, 300], { timeout: 10 })),
      TimeoutError,
    );
    assertEquals(error.ms, 10);
    assertEquals([now(), log, pool.freeCount], [12, [1, 2, 4, 100, 200], 2]);
  });
});

law("imap({ timeout }) counts from the first next, and ends like a failure", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    const seen: number[] = [];
    await assertRejects(async () => {
      for await (const ms of pool.imap(nap, [1, 2, 100], { timeout: 10 })) seen.push(ms);
    }, TimeoutError);
    assertEquals([seen, now(), pool.freeCount], [[1, 2], 10, 2]);
  });
});

law("imap({ onError }) raises, skips, or yields the error in its place", async () => {
  await virtually(async function* () {
    const pool = new TaskPool(2);
    const items = [1, 3, 5, 13, 2, 23];
    const text = (one: unknown): string => one instanceof Error ? one.message : String(one);
    for (const ordered of [true, false]) {
      const all = async (onError: "skip" | "yield"): Promise<string> => {
        const seen: string[] = [];
        const results = ordered
          ? pool.imap(nap, items, { onError })
          : pool.imapUnordered(nap, items, { onError });
        for await (const one of results) seen.push(text(one));
        return ordered ? seen.join() : seen.sort().join();
      };
      assertEquals(await all("skip"), ordered ? "1,5,2" : "1,2,5");
      assertEquals(
        await all("yield"),
        ordered ? "1,bad 3,5,bad 13,2,bad 23" : "1,2,5,bad 13,bad 23,bad 3",
      );
      const error = await assertRejects(async () => {
        for await (const _ of pool.imap(nap, items, { onError: "raise" }));
      }, Error);
      assert(error.message.includes("bad 3"), error.message);
      assertEquals(pool.freeCount, 2);
    }
    const many = pool.imap(nap, Array.from({ length: 500 }, () => 3), { onError: "skip" });
    assertEquals((yield* many.next()).done, true);
  });
});

law(
  "Cancelling an imap that skips failures ends it; the cancelled tasks are no results",
  async () => {
    await virtually(async function* () {
      const pool = new TaskPool(2);
      const results = pool.imap(nap, [1, 100, 200], { onError: "yield" });
      assertEquals((yield* results.next()).value, 1);
      yield* results.cancel();
      assertEquals((yield* results.next()).done, true);
      const one = pool.imap(nap, [50, 60], { onError: "skip" });
      const next = spawn(function* () {
        return yield* one.next();
      });
      yield* sleep(1);
      pool.tasks[0]!.cancel();
      assertEquals((yield* next).value, 60);
    });
  },
);

law("shutdown() takes in nothing new and waits; cancelQueued drops what is in line", async () => {
  await virtually(async function* () {
    for (const cancelQueued of [false, true]) {
      const pool = new TaskPool(1);
      const [first, queued] = [pool.submit(nap, 5), pool.submit(nap, 6)];
      const start = now();
      const done = pool.shutdown({ cancelQueued });
      assertThrows(() => pool.submit(nap, 1), ClosedError, "it was shut down");
      assertThrows(() => pool.trySpawn(nap, 1), ClosedError);
      assertThrows(() => pool.imap(nap, [1]), ClosedError);
      await assertRejects(async () => void (await pool.map(nap, [1])), ClosedError);
      await assertRejects(async () => void (await pool.spawn(nap, 1).then(() => {})), ClosedError);
      yield* done;
      assertEquals([first.value, queued.cancelled], [5, cancelQueued]);
      assertEquals(now() - start, cancelQueued ? 5 : 11);
    }
  });
});

law("asCompleted({ timeout }) throws when the time is up, and cancels nobody", async () => {
  await virtually(async function* () {
    const tasks = [spawn(nap, 1), spawn(nap, 50), spawn(nap, 2)];
    const seen: unknown[] = [];
    await assertRejects(async () => {
      for await (const task of asCompleted(tasks, { timeout: 10 })) seen.push(task.value);
    }, TimeoutError);
    assertEquals([seen, now(), tasks[1]!.done], [[1, 2], 10, false]);
  });
});

law("waitFirst() over operations takes as many as asked for, and no more", async () => {
  await virtually(async function* () {
    const queues = [1, 2, 3].map(() => new Queue<number>());
    for (const [i, queue] of queues.entries()) queue.tryPut(i);
    const event = new Event();
    const first = yield* waitFirst([event.wait(), ...queues.map((q) => q.get())], { count: 2 });
    assertEquals(first, [
      { index: 1, status: "fulfilled", value: 0 },
      { index: 2, status: "fulfilled", value: 1 },
    ]);
    assertEquals(queues.map((queue) => queue.size), [0, 0, 1]);
    queues[0]!.shutdown();
    const [failed] = yield* waitFirst([queues[0]!.get(), event.wait()]);
    assert(failed?.status === "rejected" && failed.reason instanceof ClosedError);
    assertEquals(event.statistics().waiting, 0);
  });
});

law("What gives up waiting leaves nothing on a task that lives long", async () => {
  await virtually(async function* () {
    const long = spawn(nap, 10_000);
    const watched = new Set<unknown>();
    const { watch, unlink } = long;
    long.watch = (fn) => {
      watched.add(fn);
      watch.call(long, fn);
    };
    long.unlink = (fn) => {
      watched.delete(fn);
      unlink.call(long, fn);
    };
    for (let i = 0; i < 50; i++) {
      yield* waitFirst([long, spawn(nap, 0)]);
      yield* joinAll([long], { timeout: 1 });
      for await (const _ of asCompleted([long, spawn(nap, 0)])) break;
      for (const next of asCompleted([long, spawn(nap, 0)])) {
        yield* next;
        break;
      }
    }
    assertEquals(watched.size, 0);
    yield* long.cancel();
  });
});
