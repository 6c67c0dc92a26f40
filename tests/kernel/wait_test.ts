/** A wait is a cancel point and a schedule point, and so is what has nothing to wait for; what looks like one is told. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  all,
  cancelAll,
  cancelScope,
  cede,
  createLocal,
  currentTask,
  group,
  joinAll,
  Lock,
  moveOnAfter,
  moveOnAt,
  type Operation,
  Queue,
  run,
  RunFinishedError,
  shield,
  sleep,
  spawn,
  type Task,
  wait,
  waitFirst,
  withTimeout,
  WouldBlock,
} from "@weft/weft";
import { assertCheckpoint, assertNoCheckpoint, VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { lawForActors } from "../lib/lanes.ts";

function* assertWaitsForItself() {
  try {
    yield* currentTask().get();
  } catch (error) {
    assert(error instanceof Error && error.message.includes("itself"));
    return;
  }
  throw new Error("waited for itself");
}

law("Every operation that completes was a cancel point and a schedule point", async () => {
  await run(function* () {
    const queue = new Queue<number>(10);
    queue.tryPut(1);
    const ended = spawn(function* () {
      return 3;
    });
    yield* assertCheckpoint(cede());
    yield* assertCheckpoint(sleep(0));
    yield* assertCheckpoint(queue.get());
    yield* assertCheckpoint(queue.put(2));
    yield* assertCheckpoint(new Lock().acquire());
    yield* assertCheckpoint(ended.get());
    yield* assertCheckpoint(ended.join());
    yield* assertCheckpoint(wait(Promise.resolve(1)));
    queue.tryGet();
    queue.taskDone();
    queue.taskDone();
    yield* assertCheckpoint(queue.join());
  });
});

law("A plain function is never a checkpoint", async () => {
  await run(function* () {
    const queue = new Queue<number>(1);
    const lock = new Lock();
    yield* assertNoCheckpoint(() => queue.tryPut(1));
    yield* assertNoCheckpoint(() => queue.tryGet());
    yield* assertNoCheckpoint(() => lock.tryAcquire());
    yield* assertNoCheckpoint(() => lock.release());
    yield* assertNoCheckpoint(() => currentTask());
    yield* assertNoCheckpoint(() => assertThrows(() => queue.tryGet(), WouldBlock));
  });
});

law(
  "cancel() takes effect at once in each spelling of a wait, and no later line runs",
  async () => {
    const log: string[] = [];
    await run(function* () {
      const never = new Queue<number>();
      const tasks: Task[] = [
        spawn(function* () {
          yield* never.get();
          log.push("fast yield*");
        }),
        spawn(function* () {
          yield never.get();
          log.push("fast yield");
        }),
        spawn(async function* () {
          yield* never.get();
          log.push("async yield*");
        }),
        spawn(async function* () {
          yield never.get();
          log.push("async yield");
        }),
        spawn(async function* () {
          await never.get();
          log.push("async await");
        }),
        spawn(async function* () {
          yield* wait(new Promise(() => {}));
          log.push("wait(promise)");
        }),
        spawn(function* () {
          yield new Promise(() => {});
          log.push("fast yield promise");
        }),
      ];
      for (let i = 0; i < 5; i++) yield;
      for (const task of tasks) task.cancel();
      for (const task of tasks) yield* task.join();
      assertEquals(tasks.map((task) => task.cancelled), tasks.map(() => true));
      assertEquals(never.statistics().getting, 0);
    });
    assertEquals(log, []);
  },
);

law("A cancel during a foreign await takes effect at the next checkpoint", async () => {
  const log: string[] = [];
  await run(async function* () {
    let release = () => {};
    const task = spawn(async function* () {
      await new Promise<void>((resolve) => release = resolve);
      log.push("after the foreign await");
      yield* cede();
      log.push("ran on");
    });
    yield* sleep(1);
    task.cancel();
    yield* sleep(1);
    assertEquals(task.done, false);
    release();
    yield* task.join();
    assert(task.cancelled);
  });
  assertEquals(log, ["after the foreign await"]);
});

law(
  "An item handed to a getter is not lost when the getter is cancelled before its turn",
  async () => {
    for (const lane of ["fast", "async"]) {
      await run(function* () {
        const queue = new Queue<number>(1);
        const got: number[] = [];
        const body = lane === "fast"
          ? function* () {
            got.push(yield* queue.get());
            yield* queue.get();
          }
          : async function* () {
            got.push((yield queue.get()) as number);
            yield* queue.get();
          };
        const getter = spawn(body);
        for (let i = 0; i < 6; i++) yield;
        queue.tryPut(7); // handed over: the wait has ended
        getter.cancel(); // so this hits the next checkpoint
        yield* getter.join();
        assertEquals([...got, queue.size], [7, 0]);
        assert(getter.cancelled);
      });
    }
  },
);

law("A bare yield after a wait whose result is undefined loses nothing to a cancel", async () => {
  await run(function* () {
    const lock = new Lock();
    yield* lock.acquire();
    let held = false;
    const task = spawn(async function* () {
      yield lock.acquire(); // the language awaits it, then yields undefined
      held = true;
      lock.release();
      yield;
    });
    for (let i = 0; i < 6; i++) yield;
    lock.release();
    task.cancel();
    yield* task.join();
    assertEquals([held, lock.locked], [true, false]);
  });
});

law("A swallowed cancel is reported with the task's name, and only then", async () => {
  const warnings: string[] = [];
  await run(function* () {
    const swallower = spawn(async function* swallower() {
      try {
        yield* sleep(1e6);
      } catch {
        // swallowed
      }
    });
    const decent = spawn(async function* decent() {
      yield* sleep(1e6);
    });
    const quick = spawn(function* quick() {});
    yield;
    yield;
    for (const task of [swallower, decent, quick]) task.cancel();
  }, { warn: (message) => warnings.push(message) });
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.includes(`"swallower#2"`), warnings[0]);
});

law("A forgotten yield* fails the task that forgot it, and names the operation", async () => {
  const error = await assertRejects(() =>
    run(async function* () {
      const queue = new Queue<number>(1, "Orders");
      queue.put(1);
      yield;
    }), TypeError);
  assert(error.message.includes("Orders.put()"), error.message);
});

law("A yield without its star before a generator is refused in both lanes", async () => {
  const helper = function* () {
    yield* sleep(1);
  };
  const slow = async function* () {
    yield* sleep(1);
  };
  for (const generator of [helper, slow]) {
    await assertRejects(
      () =>
        run(function* () {
          yield generator();
        }),
      TypeError,
      "yield*",
    );
    await assertRejects(
      () =>
        run(async function* () {
          yield generator();
        }),
      TypeError,
      "yield*",
    );
  }
});

law("An async body may delegate to a function* that waits, times out and groups", async () => {
  const log: string[] = [];
  const helper = function* () {
    yield;
    log.push(String(yield* moveOnAfter(2, sleep(100))));
    const value = yield* group(function* (g) {
      const child = g.spawn(function* () {
        yield* sleep(1);
        return "child";
      });
      return yield* child.get();
    });
    log.push(value);
    try {
      yield* withTimeout(1, sleep(100));
    } catch (error) {
      log.push((error as Error).name);
    }
    return "helper";
  };
  await run(async function* () {
    log.push(yield* helper());
  }, { clock: new VirtualClock() });
  assertEquals(log, ["undefined", "child", "TimeoutError", "helper"]);
});

law("Bad input is refused at the line that passes it", async () => {
  await run(function* () {
    assertThrows(() => sleep(-1), RangeError, "-1");
    assertThrows(() => sleep(NaN), RangeError, "NaN");
    assertThrows(() => new Queue(0), RangeError, "0");
    assertThrows(() => new Queue(1.5), RangeError, "1.5");
    const notABody = (() => 5) as unknown as () => Generator<unknown, void, never>;
    assertThrows(() => spawn(notABody), TypeError, "notABody");
    const caught: unknown[] = [];
    try {
      yield 42;
    } catch (error) {
      caught.push(error);
    }
    assertInstanceOf(caught[0], TypeError);
    assert(caught[0].message.includes("42"));
    yield* assertWaitsForItself();
  });
  assertThrows(() => currentTask(), Error, "outside of run()");
});

law("A task that has ended cannot spawn", async () => {
  let late: () => unknown = () => {};
  await run(function* () {
    yield* spawn(async function* () {
      late = await Promise.resolve(() => spawn(function* () {}));
    }).join();
    assertThrows(() => late, Error);
  }).catch(() => {});
  const error = await run(async function* () {
    const child = spawn(async function* () {
      queueMicrotask(() => {});
      setTimeout(() => {
        try {
          spawn(function* () {});
        } catch (error) {
          late = () => error;
        }
      }, 1);
    });
    yield* child.join();
    await new Promise((resolve) => setTimeout(resolve, 5));
    return late();
  });
  assertInstanceOf(error, RunFinishedError);
});

law("An operation may be waited for again, and outside of every task", async () => {
  const queue = new Queue<number>(4);
  const put = queue.put(5);
  await put;
  await put;
  assertEquals([await queue.get(), await queue.get()], [5, 5]);
  await sleep(0);
  const first = queue.get();
  queue.put(9).then(() => {});
  assertEquals(await first, 9);
});

law("Waits left behind by a Promise.race take nothing once their task has ended", async () => {
  await run(function* () {
    const queue = new Queue<number>(3);
    const racer = spawn(async function* () {
      await Promise.race([queue.get(), sleep(1)]);
    });
    yield* racer.join();
    queue.tryPut(1);
    assertEquals(queue.size, 1);
  }, { clock: new VirtualClock() });
});

const local = createLocal(0);
const fast = function* () {};
const slow = async function* () {};
const foreign = async function* () {
  await null;
};
const EMPTY: Readonly<Record<string, () => Operation<unknown>>> = {
  "all([])": () => all([]),
  "joinAll([])": () => joinAll([]),
  "waitFirst([])": () => waitFirst([]),
  "cancelAll([])": () => cancelAll([]),
  "group whose function* cancels it": () =>
    group(function* (g) {
      g.cancel();
    }),
  "group whose async function* cancels it": () =>
    group(async function* (g) {
      g.cancel();
    }),
  "moveOnAt() of the past": () => moveOnAt(-1, sleep(1)),
};
for (
  const [lane, body] of Object.entries({ "function*": fast, "async function*": slow, foreign })
) {
  Object.assign(EMPTY, {
    [`group of a ${lane}`]: () => group(body),
    [`withTimeout of a ${lane}`]: () => withTimeout(100, body),
    [`moveOnAfter of a ${lane}`]: () => moveOnAfter(100, body),
    [`moveOnAt of a ${lane}`]: () => moveOnAt(1e9, body),
    [`shield of a ${lane}`]: () => shield(body),
    [`local.with of a ${lane}`]: () => local.with(1, body),
    [`cancelScope of a ${lane}`]: () => cancelScope({}, body),
    [`all of a ${lane}`]: () => all([body]),
    [`cancelScope whose ${lane} is refused its wait`]: () =>
      cancelScope({}, function* (scope) {
        scope.cancel();
        yield* all([body, sleep(1)]);
      }),
  });
}

for (const [name, empty] of Object.entries(EMPTY)) {
  lawForActors(`A loop over ${name} starves nobody and can be cancelled`, async (stage) => {
    const log: string[] = [];
    let rounds = 0;
    await stage.play(function* () {
      const looping = spawn(stage.actor, function* () {
        for (;;) {
          yield empty();
          if (++rounds > 1000) throw new Error("nobody could stop it");
        }
      });
      spawn(stage.actor, function* () {
        for (let i = 0; i < 3; i++) {
          yield sleep(0);
          log.push(`turn ${i}`);
        }
        yield looping.cancel();
        log.push(String(looping.cancelled));
      });
      yield sleep(5);
    });
    assertEquals(log, ["turn 0", "turn 1", "turn 2", "true"]);
  });
}
