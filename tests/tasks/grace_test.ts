/** Time of grace: what runs may finish, nothing new begins. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Cancelled, group, moveOnAfter, run, RunFinishedError, sleep, spawn } from "@weft/weft";
import { sweepCancel, VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

const clock = (): { clock: VirtualClock } => ({ clock: new VirtualClock() });

law("A cancelled group with grace lets its children finish within it", async () => {
  const log: string[] = [];
  await run(async function* () {
    const task = spawn(async function* () {
      yield* group(async function* (g) {
        g.spawn(async function* () {
          yield* sleep(50);
          log.push("short");
        });
        g.spawn(async function* () {
          try {
            yield* sleep(500);
          } finally {
            log.push("long cut");
          }
        });
        try {
          yield* sleep(1000);
        } finally {
          log.push("body cut");
        }
      }, { grace: 100 });
    });
    yield* sleep(10);
    yield* task.cancel("enough");
    assert(task.cancelled);
  }, clock());
  assertEquals(log, ["body cut", "short", "long cut"]);
});

law("A group that is ending takes no new work", async () => {
  await run(function* () {
    yield* moveOnAfter(
      5,
      group(function* (g) {
        g.spawn(function* () {
          yield* sleep(20);
        });
        try {
          yield* sleep(1000);
        } catch (error) {
          let refused: unknown;
          try {
            g.spawn(function* () {});
          } catch (inner) {
            refused = inner;
          }
          assert(refused instanceof RunFinishedError);
          throw error;
        }
      }, { grace: 50 }),
    );
  }, clock());
});

law("A failing child leaves its siblings no grace", async () => {
  let cut = false;
  const time = new VirtualClock();
  await run(function* () {
    try {
      yield* group(function* (g) {
        g.spawn(function* () {
          try {
            yield* sleep(1000);
          } finally {
            cut = true;
          }
        });
        yield* sleep(1);
        throw new Error("boom");
      }, { grace: 5000 });
    } catch {
      // what matters is when
    }
    assertEquals(time.now(), 1);
  }, { clock: time });
  assert(cut);
});

law("A group with grace leaves nothing behind, struck at any checkpoint", async () => {
  await sweepCancel(async function* () {
    yield* group(async function* (g) {
      g.spawn(async function* () {
        yield* sleep(10);
        yield* sleep(1000);
      });
      yield* sleep(5);
    }, { grace: 20 });
  });
});

law("An aborted run with grace cancels its main task and lets the others finish", async () => {
  const log: string[] = [];
  const controller = new AbortController();
  const time = new VirtualClock();
  const error = await assertRejects(() =>
    run(async function* () {
      spawn(async function* () {
        yield* sleep(30);
        log.push(`short at ${time.now()}`);
      });
      spawn(async function* () {
        try {
          yield* sleep(1000);
        } finally {
          log.push(`long cut at ${time.now()}`);
        }
      });
      spawn(async function* () {
        yield* sleep(10);
        controller.abort("stop");
      });
      try {
        yield* sleep(1000);
      } finally {
        log.push(`main cut at ${time.now()}`);
      }
    }, { clock: time, signal: controller.signal, grace: 100 })
  );
  assert(error instanceof Cancelled);
  assertEquals(log, ["main cut at 10", "short at 30", "long cut at 110"]);
});

law("A run whose time of grace is not used up ends early", async () => {
  const controller = new AbortController();
  const time = new VirtualClock();
  await assertRejects(() =>
    run(function* () {
      spawn(function* () {
        yield* sleep(1);
        controller.abort();
        yield* sleep(1);
      });
      yield* sleep(1000);
    }, { clock: time, signal: controller.signal, grace: 60_000 }), Cancelled);
  assertEquals(time.now(), 2);
});

law("A grace that is no number of milliseconds is refused", async () => {
  await assertRejects(() => run(function* () {}, { grace: -1 }), RangeError, "-1");
  await run(function* () {
    let text = "";
    try {
      group(function* () {}, { grace: NaN });
    } catch (error) {
      text = String(error);
    }
    assert(text.includes("NaN"));
  });
});
