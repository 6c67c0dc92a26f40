import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ClosedError, now, sleep, spawn, TaskPool, TimeoutError } from "@weft/weft";
import { law } from "../lib/law.ts";
import { virtually } from "../lib/virtual.ts";

const work = async function* (ms: number) {
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
      for await (const ms of pool.imap(work, [1, 2, 100], { timeout: 10 })) seen.push(ms);
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
          ? pool.imap(work, items, { onError })
          : pool.imapUnordered(work, items, { onError });
        for await (const one of results) seen.push(text(one));
        return ordered ? seen.join() : seen.sort().join();
      };
      assertEquals(await all("skip"), ordered ? "1,5,2" : "1,2,5");
      assertEquals(
        await all("yield"),
        ordered ? "1,bad 3,5,bad 13,2,bad 23" : "1,2,5,bad 13,bad 23,bad 3",
      );
      const error = await assertRejects(async () => {
        for await (const _ of pool.imap(work, items, { onError: "raise" }));
      }, Error);
      assert(error.message.includes("bad 3"), error.message);
      assertEquals(pool.freeCount, 2);
    }
    const many = pool.imap(work, Array.from({ length: 500 }, () => 3), { onError: "skip" });
    assertEquals((yield* many.next()).done, true);
  });
});

law(
  "Cancelling an imap that skips failures ends it; the cancelled tasks are no results",
  async () => {
    await virtually(async function* () {
      const pool = new TaskPool(2);
      const results = pool.imap(work, [1, 100, 200], { onError: "yield" });
      assertEquals((yield* results.next()).value, 1);
      yield* results.cancel();
      assertEquals((yield* results.next()).done, true);
      const one = pool.imap(work, [50, 60], { onError: "skip" });
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
      const [first, queued] = [pool.submit(work, 5), pool.submit(work, 6)];
      const start = now();
      const done = pool.shutdown({ cancelQueued });
      assertThrows(() => pool.submit(work, 1), ClosedError, "it was shut down");
      assertThrows(() => pool.trySpawn(work, 1), ClosedError);
      assertThrows(() => pool.imap(work, [1]), ClosedError);
      await assertRejects(async () => void (await pool.map(work, [1])), ClosedError);
      await assertRejects(async () => void (await pool.spawn(work, 1).then(() => {})), ClosedError);
      yield* done;
      assertEquals([first.value, queued.cancelled], [5, cancelQueued]);
      assertEquals(now() - start, cancelQueued ? 5 : 11);
    }
  });
});
