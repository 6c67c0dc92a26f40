/**
 * A callback that throws harms nobody: the others are called, waiters are told, the run keeps its
 * promises, and the error is told once through `warn`. Callbacks for the end of something are called in order,
 * forgotten in no time, and nothing is left of them.
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  AsyncResult,
  cede,
  currentTask,
  Event,
  joinAll,
  Queue,
  race,
  run,
  type RunOptions,
  shield,
  sleep,
  spawn,
  wait,
  waitFirst,
} from "@weft/weft";
import {
  type Instrument,
  operation,
  type Policy,
  schedulerOf,
  SystemClock,
} from "@weft/weft/lowlevel";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { costOf } from "../lib/cpu_time.ts";
import { growthOf } from "../lib/heap.ts";

const boom = (): never => {
  throw new Error("boom");
};
const asyncBoom = async (): Promise<never> => await boom();

/** Runs a body and gives what it warned of. */
async function warnings<T>(
  body: () => Generator<unknown, T, never> | AsyncGenerator<unknown, T, never>,
  options: RunOptions = {},
): Promise<string[]> {
  const told: string[] = [];
  await run(body, { warn: (message) => void told.push(message), ...options });
  return told;
}

for (const [kind, callback] of Object.entries({ plain: boom, async: asyncBoom })) {
  law(`A link that throws harms nobody (${kind})`, async () => {
    const log: string[] = [];
    const told = await warnings(async function* () {
      const task = spawn(function* named() {
        yield;
        return 7;
      });
      spawn(function* () {
        log.push(`fast ${yield* task}`);
      });
      const result = new AsyncResult<number>("answer");
      for (const [one, name] of [[task, "task"], [result, "result"]] as const) {
        one.link(callback);
        one.link(() => void log.push(name));
        one.link(callback);
      }
      task.onValue(callback);
      task.onValue((value) => void log.push(`value ${value}`));
      const got = spawn(async function* () {
        log.push(`result ${yield* result.get()}`);
      });
      yield* task.join();
      result.set(3);
      yield* got.join();
      task.link(callback);
      result.link(callback);
      yield* sleep(0);
    });
    assertEquals(log.sort(), ["fast 7", "result", "result 3", "task", "value 7"]);
    assertEquals(told.length, 7);
    assertEquals(told.filter((one) => one.includes('task "named#2" threw: Error: boom')).length, 4);
    assertEquals(
      told.filter((one) => one.includes('answer, made by task "main", threw: Error: boom')).length,
      3,
    );
  });

  law(
    `Each hook of an instrument that throws is told once, and drops it alone (${kind})`,
    async () => {
      const hooks: (keyof Instrument)[] = [
        "spawned",
        "ready",
        "stepBegin",
        "stepEnd",
        "waiting",
        "exited",
      ];
      for (const hook of hooks) {
        let seen = 0;
        const told = await warnings(async function* () {
          spawn(function* child() {
            yield* sleep(1);
          });
          yield* sleep(2);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }, { instruments: [{ [hook]: callback }, { [hook]: () => void seen++ }] });
        assert(seen > 1, hook);
        assertEquals(told.length, 1, hook);
        assertStringIncludes(told[0]!, hook);
        assertStringIncludes(told[0]!, "threw: Error: boom");
      }
    },
  );
}

law("A warn that throws gives way to console.warn, and the run goes on", async () => {
  const original = console.warn;
  for (const warn of [boom, asyncBoom]) {
    const printed: string[] = [];
    console.warn = (message: string) => void printed.push(message);
    try {
      const value = await run(async function* () {
        const task = spawn(function* () {});
        task.link(boom);
        yield* task.join();
        yield* sleep(1);
        return "went on";
      }, { warn });
      assertEquals(value, "went on");
      assertEquals(printed.length, 1);
      assertStringIncludes(printed[0]!, 'A link of task "task#2" threw: Error: boom');
    } finally {
      console.warn = original;
    }
  }
});

law(
  "Listeners of a task's and a wait's signal that throw are told, and the others are called",
  async () => {
    const log: string[] = [];
    const told = await warnings(async function* () {
      const task = spawn(async function* victim() {
        yield* wait((signal) => {
          signal.addEventListener("abort", boom);
          signal.addEventListener("abort", () => log.push("wait"));
          return new Promise<void>(() => {});
        });
      });
      task.signal.addEventListener("abort", boom);
      task.signal.onabort = boom;
      task.signal.addEventListener("abort", () => log.push("task"));
      yield;
      yield* task.cancel();
      assert(task.cancelled);
    });
    assertEquals(log, ["task", "wait"]);
    assertEquals(told.map((one) => one.includes("victim") && one.includes("boom")), [
      true,
      true,
      true,
    ]);
  },
);

law(
  "A signal given to run() whose abort meets a throwing listener still ends the run",
  async () => {
    const controller = new AbortController();
    const told: string[] = [];
    let cleaned = false;
    const ended = run(async function* () {
      const child = spawn(function* () {
        try {
          yield* sleep(10_000);
        } finally {
          cleaned = true;
        }
      });
      child.signal.addEventListener("abort", boom);
      yield* sleep(10_000);
    }, { signal: controller.signal, warn: (message) => void told.push(message) });
    await new Promise((resolve) => setTimeout(resolve, 1));
    controller.abort(new Error("stop"));
    await assertRejects(() => ended);
    assert(cleaned);
    assertEquals(told.length, 1);
  },
);

law("A policy that throws, in whatever method, gives way to FIFO", async () => {
  for (const method of ["add", "next", "ran", "blocked"] as const) {
    let calls = 0;
    const ready: Parameters<Policy["add"]>[0][] = [];
    const policy: Policy = {
      get size() {
        return ready.length;
      },
      add: (task) => void ready.push(task),
      next: () => ready.shift(),
      ran: () => {},
      blocked: () => {},
    };
    const own = policy[method] as (task: never) => unknown;
    policy[method] = ((task: never) => ++calls > 3 ? boom() : own(task)) as never;
    const log: number[] = [];
    const told = await warnings(function* () {
      for (let i = 0; i < 4; i++) {
        spawn(function* () {
          for (let n = 0; n < 3; n++) yield;
          yield* sleep(1);
          yield* sleep(1);
          log.push(i);
        });
      }
    }, { policy });
    assertEquals(log.sort(), [0, 1, 2, 3], method);
    assertEquals(told.length, 1, method);
    assertStringIncludes(told[0]!, "policy");
  }
});

law("A clock that throws, in whatever method, gives way to the machine's", async () => {
  for (const method of ["now", "wall", "setAlarm", "awake", "clearAlarm", "hop"] as const) {
    for (const fault of [boom, asyncBoom]) {
      if (fault === asyncBoom && method !== "hop") continue;
      // A virtual clock calls its own hop, in a promise of its own.
      const virtual = method === "hop" ? [] : [new VirtualClock({ start: 1e6 })];
      for (const clock of [new SystemClock(), ...virtual]) {
        clock[method] = fault as never;
        const log: string[] = [];
        const told = await warnings(async function* () {
          spawn(function* () {
            yield* sleep(3);
            for (let n = 0; n < 200; n++) yield; // the clock is read now and then only
            log.push("b");
          });
          yield* sleep(1);
          await new Promise((resolve) => setTimeout(resolve, 1));
          log.push("a");
        }, { clock });
        assertEquals(log.sort(), ["a", "b"], method);
        assertEquals(told.length, 1, method);
      }
    }
  }
});

law("A timer, a holding and a source of waits that throw harm nobody", async () => {
  const told = await warnings(function* () {
    const task = spawn(function* victim() {
      yield* operation<void>(
        "bad",
        (wait) => wait.park({ host: "open", abandon: boom, toString: boom }),
      );
    });
    const holder = spawn(function* () {
      currentTask().take({ heldBefore: null, heldAfter: null, abandoned: boom, toString: boom });
    });
    const { timers } = schedulerOf(task);
    timers.after(1, boom);
    timers.after(1, () => task.cancel());
    yield* sleep(2);
    yield* task.join();
    yield* holder.join();
    assert(task.cancelled);
  });
  assertEquals(told.length, 3);
});

law("A label, a reason and an error without a text do not end the run", async () => {
  const bare = Object.create(null);
  const textless = { toString: boom };
  const told = await warnings(async function* () {
    const task = spawn(function* () {
      yield* operation<void>(textless, (wait) => wait.settle());
      yield* sleep(1000);
    });
    yield* cede();
    task.cancel(bare);
    yield* task.join();
    const other = spawn(function* () {
      throw textless;
    });
    other.link(() => {
      throw textless;
    });
    yield* sleep(1);
  }, { instruments: [{ waiting() {} }] });
  assertEquals(told.length, 1);
  const failing = () =>
    run(function* () {
      for (let i = 0; i < 2; i++) {
        spawn(function* () {
          throw { ...textless };
        });
      }
    });
  await assertRejects(failing, AggregateError);
});

law(
  "A value that will not be looked at, yielded by an async body, is that body's error",
  async () => {
    const proxy = new Proxy({}, {
      has: boom,
      getPrototypeOf: boom,
      get: (_, key) => key === "then" ? undefined : boom(),
    });
    await run(async function* () {
      const task = spawn(async function* () {
        try {
          yield proxy;
        } catch (error) {
          return (error as Error).message;
        }
      });
      assertEquals(yield* task, "boom");
    });
  },
);

law("onValue and onError are called for their end only, and unlink forgets", async () => {
  const log: string[] = [];
  await run(async function* () {
    const good = spawn(function* () {
      yield;
      return 1;
    });
    const bad = spawn(function* () {
      yield;
      throw new Error("bad");
    });
    const forgotten = () => void log.push("forgotten");
    for (const task of [good, bad]) {
      task.onValue((value) => void log.push(`value ${value}`));
      task.onError((error) => void log.push(String(error)));
      task.link(forgotten);
      task.onValue(forgotten);
      task.onError(forgotten);
      task.unlink(forgotten);
      task.unlink(() => {});
    }
    const result = new AsyncResult<number>();
    result.link(forgotten);
    result.link(() => void log.push("result"));
    result.unlink(forgotten);
    yield* sleep(1);
    result.set(1);
    good.onValue((value) => void log.push(`late ${value}`));
    bad.unlink(forgotten);
  });
  assertEquals(log, ["value 1", "Error: bad", "result", "late 1"]);
});

/** Something that links can be made to, and its end. */
interface Linked {
  link(fn: () => void): void;
  unlink(fn: () => void): void;
  end(): void;
}

function* both(): Generator<unknown, Linked[], unknown> {
  const result = new AsyncResult<number>();
  const gate = new Event();
  const task = spawn(function* () {
    yield* gate.wait();
  });
  yield;
  return [
    {
      link: (fn) => result.link(fn),
      unlink: (fn) => result.unlink(fn),
      end: () => result.set(1),
    },
    { link: (fn) => task.link(fn), unlink: (fn) => task.unlink(fn), end: () => gate.set() },
  ];
}

law(
  "Links are called in the order of their making, whichever of them were taken back",
  async () => {
    await run(function* () {
      for (const one of yield* both()) {
        const called: number[] = [];
        const fns = Array.from({ length: 200 }, (_, i) => () => void called.push(i));
        for (const fn of [...fns, ...fns]) one.link(fn);
        for (const [i, fn] of fns.entries()) if (i % 3 !== 0) one.unlink(fn);
        one.link(fns[1]!);
        one.unlink(() => {});
        one.end();
        yield* sleep(1);
        const left = fns.flatMap((_, i) => i % 3 === 0 ? [i] : []);
        assertEquals(called, [...left, ...left, 1]);
      }
    }, { clock: new VirtualClock() });
  },
);

law("A link taken back by another link is not called; one made by a link is", async () => {
  await run(function* () {
    for (const one of yield* both()) {
      const called: string[] = [];
      const late = () => void called.push("late");
      one.link(() => {
        called.push("first");
        one.unlink(late);
        one.link(() => void called.push("made"));
      });
      one.link(late);
      one.link(() => void called.push("last"));
      one.end();
      yield* sleep(1);
      assertEquals(called, ["first", "made", "last"]);
    }
  }, { clock: new VirtualClock() });
});

law("To link and unlink costs the same among many links as among few", async () => {
  await run(function* () {
    for (const one of yield* both()) {
      const fns = Array.from({ length: 40_000 }, () => () => {});
      // A look through all at each would take minutes, which the law's time limit ends.
      for (const fn of fns) one.link(fn);
      for (const fn of fns) one.unlink(fn);
      for (const fn of fns) one.link(fn);
      for (const fn of fns.reverse()) one.unlink(fn);
      one.end();
    }
  });
});

law("Many who wait for the first of the same tasks do not look through one another", async () => {
  const waiting = (count: number) =>
    run(function* () {
      const long = spawn(function* () {
        yield* sleep(100_000);
      });
      const waiters = Array.from({ length: count }, () =>
        spawn(function* () {
          yield* waitFirst([
            spawn(function* () {
              yield;
            }),
            long,
          ]);
        }));
      yield* joinAll(waiters);
      long.cancel();
    }, { clock: new VirtualClock() });
  const few = await costOf(() => waiting(2000));
  const many = await costOf(() => waiting(8000));
  assert(many < 10 * few + 100, `${few} ms for 2000, ${many} ms for 8000`); // a square would be 16 times
}, 60_000);

law(
  "Who waits for the end of a task it cancelled, and gives up, leaves nothing on it",
  async () => {
    await run(async function* () {
      const gate = new Event();
      const ready = new Queue<number>();
      const stubborn = spawn(function* () {
        yield* shield(gate.wait());
      });
      yield;
      const tries = function* (): Generator<unknown, void, unknown> {
        for (let i = 0; i < 2500; i++) {
          for (const ends of [stubborn.cancel(), waitFirst([stubborn]), stubborn.join()]) {
            ready.tryPut(i);
            yield* race([ends, ready.get()]);
          }
        }
      };
      yield* tries();
      const grown = await growthOf(() => spawn(tries).get());
      assert(grown < 200_000, `${grown} bytes`);
      gate.set();
    });
  },
);
