import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { cede, Lock, Queue, run, shield, sleep, spawn, withTimeout } from "@weft/weft";
import { hold, letGo, seededChoose } from "@weft/weft/lowlevel";
import {
  assertCheckpoint,
  assertNoCheckpoint,
  HandRun,
  Ledger,
  sweepCancel,
  VirtualClock,
} from "@weft/weft/testing";
import { law } from "../lib/law.ts";

law("HandRun.tick() runs one step of one task, in either lane", async () => {
  const log: string[] = [];
  const hand = new HandRun(function* () {
    spawn(async function* () {
      log.push("a1");
      await Promise.resolve();
      log.push("a2");
      yield* sleep(10);
      log.push("a3");
    });
    log.push("m1");
    yield;
    log.push("m2");
  });
  const seen: string[][] = [];
  for (let i = 0; i < 3; i++) {
    await hand.tick();
    seen.push(log.splice(0));
  }
  assertEquals(seen, [["m1"], ["a1", "a2"], ["m2"]]);
  assertEquals(await hand.tick(), false);
  assertEquals(hand.tasks.map((task) => task.state), ["waiting"]);
  hand.clock.advance(9);
  assertEquals(await hand.tick(), false);
  hand.clock.advance(1);
  assertEquals(await hand.tick(), true);
  assertEquals(log, ["a3"]);
  await hand.end();
});

law("sweepCancel() strikes at every checkpoint, and a clean body survives", async () => {
  const result = await sweepCancel(async function* () {
    const lock = new Lock();
    const queue = new Queue<number>(1);
    using _guard = yield* lock.acquire();
    yield* queue.put(1);
    try {
      yield* withTimeout(50, sleep(5));
    } finally {
      yield* shield(cede());
    }
    yield* queue.get();
  });
  assertEquals(result, { checkpoints: 5, rounds: 11 });
});

law("sweepCancel() names the checkpoint at which a lock is kept", async () => {
  const error = await assertRejects(() =>
    sweepCancel(function* () {
      const lock = new Lock();
      yield;
      yield* lock.acquire();
      yield* sleep(1);
      lock.release();
    }), Error);
  assertStringIncludes(error.message, "cancel at checkpoint 2");
  assertStringIncludes(error.message, "Lock#");
});

law(
  "sweepCancel() finds a task that is left, a handle that is left, and a broken invariant",
  async () => {
    await assertRejects(
      () =>
        sweepCancel(function* () {
          const child = spawn(function* () {
            yield* sleep(1e6);
          });
          yield* sleep(1); // cancelled here, the child stays
          child.cancel();
          yield* child.join();
        }),
      Error,
      "task",
    );
    const handle = { release() {}, toString: () => "Thing#1" };
    await assertRejects(
      () =>
        sweepCancel(function* () {
          hold(handle);
          yield;
          letGo(handle);
        }),
      Error,
      "Thing#1",
    );
    letGo(handle);
    let balance = 0;
    await assertRejects(
      () =>
        sweepCancel(function* () {
          balance++;
          yield* sleep(1);
          balance--;
        }, {
          invariant: () => {
            const now = balance;
            balance = 0;
            assertEquals(now, 0);
          },
        }),
      Error,
      "the invariant broke",
    );
  },
);

law("assertCheckpoint() and assertNoCheckpoint() catch what is not as claimed", async () => {
  await run(function* () {
    yield* assertNoCheckpoint(() => 1);
    yield* assertCheckpoint(cede());
  });
  await assertRejects(
    () =>
      run(function* () {
        yield* assertNoCheckpoint(function* () {
          yield;
          return 1;
        });
      }),
    Error,
    "another task ran",
  );
});

law("A ledger names what is left", () => {
  const handle = { release() {}, toString: () => "Socket#9" };
  const ledger = new Ledger();
  hold(handle);
  assertEquals(ledger.left(), ["Socket#9"]);
  letGo(handle);
  ledger.check();
});

law("A virtual clock by hand stands still until it is advanced", async () => {
  const clock = new VirtualClock({ start: 100, autojump: false });
  let woke = 0;
  const running = run(function* () {
    yield* sleep(50);
    woke = clock.now();
  }, { clock });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(woke, 0);
  clock.advance(49);
  await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(woke, 0);
  clock.advance(1);
  await running;
  assertEquals(woke, 150);
});

law("A seed gives the same choices again, and uses them all", () => {
  const draw = (seed: number) => {
    const choose = seededChoose(seed);
    return Array.from({ length: 400 }, () => choose(6));
  };
  assertEquals(draw(7), draw(7));
  assert(new Set(draw(7)).size === 6);
});
