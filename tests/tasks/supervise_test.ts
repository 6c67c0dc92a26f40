import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Cancelled, currentTask, shield, sleep, spawn } from "@weft/weft";
import { assertCheckpoint, sweepCancel } from "@weft/weft/testing";
import { supervise } from "../../src/tasks/supervise.ts";
import { SupervisionError } from "../../src/tasks/supervise.ts";
import { law } from "../lib/law.ts";
import { clock, thrown, virtually } from "../lib/virtual.ts";
import { playSupervision } from "../lib/random_supervision.ts";

/** A body that fails after `ms` as often as said, then returns; each start is noted with its time. */
const shaky = (log: string[], name: string, ms: number, failures: number) =>
  async function* () {
    log.push(`${name}@${clock.now()}`);
    yield* sleep(ms);
    if (failures-- > 0) throw new Error(`${name} failed`);
  };

/** A body that runs for `ms`, and notes its start and how it ended. */
const steady = (log: string[], name: string, ms = Infinity) =>
  function* () {
    log.push(`${name}@${clock.now()}`);
    try {
      yield* sleep(ms);
    } catch (error) {
      log.push(`${name} stopped`);
      throw error;
    }
  };

const plenty = { restarts: 100, within: 1000 };

law("supervise() runs until every child has returned; what returned is not restarted", async () => {
  const log: string[] = [];
  await virtually(async function* () {
    yield* supervise({ a: shaky(log, "a", 5, 0), b: steady(log, "b", 10) });
    assertEquals(clock.now(), 10);
    yield* assertCheckpoint(supervise([]));
  });
  assertEquals(log, ["a@0", "b@0"]);
});

law("one-for-one restarts the child that failed, and it alone, at once", async () => {
  const log: string[] = [];
  const hooks: unknown[] = [];
  await virtually(async function* () {
    yield* supervise([
      { name: "a", body: shaky(log, "a", 5, 2) },
      { name: "b", body: steady(log, "b", 50) },
    ], { onRestart: (child, error, count) => hooks.push(child, (error as Error).message, count) });
  });
  assertEquals(log, ["a@0", "b@0", "a@5", "a@10"]);
  assertEquals(hooks, ["a", "a failed", 1, "a", "a failed", 2]);
});

law("one-for-all cancels the others, waits for them, and starts all again in order", async () => {
  const log: string[] = [];
  await virtually(async function* () {
    const slowToStop = async function* () {
      log.push(`c@${clock.now()}`);
      try {
        yield* sleep(100);
      } finally {
        if (clock.now() < 100) yield* shield(sleep(7));
        log.push(`c ended@${clock.now()}`);
      }
    };
    yield* supervise([
      { name: "done", body: steady(log, "done", 1) },
      { name: "a", body: shaky(log, "a", 5, 1) },
      { name: "b", body: steady(log, "b", 20) },
      { name: "c", body: slowToStop },
    ], { strategy: "one-for-all" });
  });
  assertEquals(log, [
    ...["done@0", "a@0", "b@0", "c@0"],
    ...["b stopped", "c ended@12"],
    ...["done@12", "a@12", "b@12", "c@12", "c ended@112"],
  ]);
});

law("With one-for-all the delay runs while the others stop", async () => {
  const log: string[] = [];
  await virtually(async function* () {
    let left = 2;
    yield* supervise({
      a: shaky(log, "a", 5, 2),
      b: async function* () {
        log.push(`b@${clock.now()}`);
        try {
          yield* sleep(50);
        } finally {
          if (left-- > 0) yield* shield(sleep(20));
        }
      },
    }, { strategy: "one-for-all", backoff: { first: 30, factor: 1, max: 30 } });
  });
  assertEquals(log, ["a@0", "b@0", "a@35", "b@35", "a@70", "b@70"]);
});

law("Delays grow by the factor up to the longest, and begin anew after a good run", async () => {
  const log: string[] = [];
  let starts = 0;
  await virtually(async function* () {
    yield* supervise([{
      name: "a",
      body: async function* () {
        log.push(`${clock.now()}`);
        yield* sleep(++starts === 6 ? 3_600_000 : 0);
        if (starts < 9) throw new Error("again");
      },
    }], { intensity: plenty, backoff: { first: 100, factor: 3, max: 2000 } });
  });
  const late = 5300 + 3_600_000;
  assertEquals(log.map(Number), [
    ...[0, 100, 400, 1300, 3300, 5300],
    ...[late + 100, late + 400, late + 1300],
  ]);
});

law("Jitter shortens each delay by a part left to chance", async () => {
  const log: string[] = [];
  const chances = [0, 0.5, 1];
  await virtually(async function* () {
    yield* supervise({ a: shaky(log, "a", 0, 3) }, {
      backoff: { first: 100, factor: 1, jitter: 0.4, random: () => chances.shift()! },
    });
  });
  assertEquals(log, ["a@0", "a@100", "a@180", "a@240"]);
});

law(
  "One restart more than allowed within the time, and the supervisor gives up with the errors",
  async () => {
    const log: string[] = [];
    let cleaned = false;
    await virtually(async function* () {
      const error = yield* thrown(supervise([
        { name: "a", body: shaky(log, "a", 10, 99) },
        {
          name: "b",
          body: async function* () {
            try {
              yield* sleep(Infinity);
            } finally {
              yield* shield(sleep(5));
              cleaned = true;
            }
          },
        },
      ], { intensity: { restarts: 2, within: 100 }, name: "top" }));
      assertInstanceOf(error, SupervisionError);
      assertEquals(error.errors.map(({ message }) => message), Array(3).fill("a failed"));
      assertStrictEquals(error.cause, error.errors[2]);
      assertEquals([error.child, clock.now(), cleaned], ["a", 35, true]);
      assert(
        error.message.includes(`"a" running in top: it would take more than 2 restarts within`),
      );
    });
    assertEquals(log, ["a@0", "a@10", "a@20"]);
  },
);

law("Restarts are forgotten `within` ms after they happened, for hours on end", async () => {
  const starts: number[] = [];
  await virtually(async function* () {
    yield* supervise([{
      name: "a",
      body: function* () {
        starts.push(clock.now());
        yield* sleep(50); // two in any 100 ms: the one at the far end is just forgotten
        if (clock.now() < 3_600_000) throw new Error("again");
      },
    }], { intensity: { restarts: 2, within: 100 } });
  });
  assertEquals(starts.length, 3_600_000 / 50);
});

law("The intensity counts the restarts of all children together", async () => {
  const log: string[] = [];
  await virtually(async function* () {
    const error = yield* thrown(supervise({
      a: shaky(log, "a", 10, 9),
      b: shaky(log, "b", 16, 9),
    }, { intensity: { restarts: 3, within: 1000 } }));
    assertInstanceOf(error, SupervisionError);
    assertEquals(
      error.errors.map(({ message }) => message),
      ["a failed", "b failed", "a failed", "a failed"],
    );
  });
});

law("A permanent child is restarted when it returns, a temporary one never", async () => {
  const log: string[] = [];
  const errors: unknown[] = [];
  await virtually(async function* () {
    const error = yield* thrown(supervise([
      { name: "p", body: shaky(log, "p", 10, 0), restart: "permanent" },
      { name: "t", body: shaky(log, "t", 5, 1), restart: "temporary" },
    ], {
      intensity: { restarts: 1, within: 1000 },
      onRestart: (_child, error) => errors.push(error),
    }));
    assertInstanceOf(error, SupervisionError);
    assertEquals([error.child, error.errors.map(({ message }) => message)], ["p", ["t failed"]]);
  });
  assertEquals([log, errors], [["p@0", "t@0", "p@10"], [undefined]]);
});

law("A temporary child's failure is thrown when the others are done", async () => {
  const log: string[] = [];
  await virtually(async function* () {
    const error = yield* thrown(supervise([
      { name: "t", body: shaky(log, "t", 5, 1), restart: "temporary" },
      { name: "a", body: steady(log, "a", 50) },
    ], { strategy: "one-for-all" }));
    assertInstanceOf(error, SupervisionError);
    assertEquals([error.child, error.errors.length, clock.now()], ["t", 1, 50]);
    assert(error.message.includes(`"t" failed`), error.message);
  });
  assertEquals(log, ["t@0", "a@0"]);
});

law("A child that was cancelled on its own is done, unless it is permanent", async () => {
  const log: string[] = [];
  await virtually(async function* () {
    let me = currentTask();
    const body = (name: string) =>
      async function* () {
        me = currentTask();
        log.push(name);
        if (log.length < 3) yield* sleep(Infinity);
      };
    spawn(async function* () {
      yield* sleep(1);
      yield* me.cancel("on its own");
      yield* sleep(1);
      me.cancel("again");
    });
    yield* supervise([
      { name: "a", body: body("a"), restart: "transient" },
      { name: "p", body: body("p"), restart: "permanent" },
    ], { intensity: { restarts: 1, within: 1000 } });
  }).catch((error) => assertInstanceOf(error, SupervisionError));
  assertEquals(log, ["a", "p", "p"]);
});

law("A cancel goes to the children, and is thrown when they have ended", async () => {
  let ended = 0;
  await virtually(async function* () {
    const body = async function* () {
      try {
        yield* sleep(Infinity);
      } finally {
        yield* shield(sleep(5));
        ended++;
      }
    };
    const top = spawn(async function* () {
      yield* supervise({ a: body, b: body });
    });
    yield* sleep(10);
    yield* top.cancel("stop");
    assertEquals([top.cancelled, ended, clock.now()], [true, 2, 15]);
  });
});

law("A cancel ends a child's delay; it never starts again", async () => {
  const log: string[] = [];
  await virtually(async function* () {
    const top = spawn(async function* () {
      yield* supervise({ a: shaky(log, "a", 5, 9) }, { backoff: { first: 1000 } });
    });
    yield* sleep(500);
    yield* top.cancel();
    assertEquals([clock.now(), ...log], [500, "a@0"]);
  });
});

law("What children throw while they are stopped is not lost", async () => {
  const bad = async function* () {
    try {
      yield* sleep(Infinity);
    } catch {
      throw new Error("bad clean-up");
    }
  };
  await virtually(async function* () {
    const top = spawn(async function* () {
      yield* supervise({ bad });
    });
    yield* sleep(1);
    yield* top.cancel();
    const cancelled = yield* thrown(top.get());
    assertInstanceOf(cancelled, SupervisionError);
    assertEquals(cancelled.errors.map(({ message }) => message), ["bad clean-up"]);
    const gaveUp = yield* thrown(
      supervise({ bad, a: shaky([], "a", 5, 1) }, { intensity: { restarts: 0, within: 1 } }),
    );
    assertInstanceOf(gaveUp, SupervisionError);
    assertEquals(gaveUp.errors.map(({ message }) => message), ["a failed", "bad clean-up"]);
    const all = yield* thrown(supervise({ bad, a: shaky([], "a", 5, 9) }, {
      strategy: "one-for-all",
      intensity: { restarts: 1, within: 100 },
    }));
    assertInstanceOf(all, SupervisionError);
    assertEquals(
      all.errors.map(({ message }) => message),
      ["a failed", "bad clean-up", "a failed", "bad clean-up"],
    );
  });
});

law("A supervisor that has given up says so, also when it is cancelled meanwhile", async () => {
  await virtually(async function* () {
    const top = spawn(async function* () {
      yield* supervise({
        a: shaky([], "a", 5, 1),
        b: async function* () {
          try {
            yield* sleep(Infinity);
          } finally {
            yield* shield(sleep(10));
          }
        },
      }, { intensity: { restarts: 0, within: 0 } });
    });
    yield* sleep(7);
    yield* top.cancel();
    assertInstanceOf(top.error, SupervisionError);
    assertEquals(clock.now(), 15);
  });
});

law("What onRestart throws ends the supervision", async () => {
  const log: string[] = [];
  await virtually(async function* () {
    const error = yield* thrown(supervise({ a: shaky(log, "a", 5, 9), b: steady(log, "b") }, {
      onRestart: () => {
        throw new Error("hook");
      },
    }));
    assertStrictEquals((error as Error).message, "hook");
  });
  assertEquals(log, ["a@0", "b@0", "b stopped"]);
});

law("Supervisors nest: a child that gives up is restarted by the one above", async () => {
  const log: string[] = [];
  const body = shaky(log, "leaf", 1, 4);
  await virtually(async function* () {
    yield* supervise([{
      name: "inner",
      body: function* () {
        yield* supervise({ leaf: body }, { intensity: { restarts: 1, within: 1000 } });
      },
    }]);
  });
  assertEquals(log, ["leaf@0", "leaf@1", "leaf@2", "leaf@3", "leaf@4"]);
});

law("supervise() refuses children and numbers that make no sense", () => {
  const body = function* () {};
  const one = { name: "a", body };
  assertThrows(() => supervise([one, one]), TypeError, `named "a"`);
  assertThrows(() => supervise({ a: (() => {}) as never }), TypeError, "function*");
  assertThrows(() => supervise([{ ...one, restart: "often" as never }]), TypeError, "often");
  assertThrows(() => supervise([one], { strategy: "all" as never }), TypeError, "all");
  const intensity = (restarts: number, within: number) => () =>
    supervise([one], { intensity: { restarts, within } });
  assertThrows(intensity(-1, 5), RangeError, "-1");
  assertThrows(intensity(1.5, 5), RangeError, "1.5");
  assertThrows(intensity(1, -5), RangeError, "-5");
  assertThrows(() => supervise([one], { backoff: { first: -1 } }), RangeError, "-1");
  assertThrows(() => supervise([one], { backoff: { first: 1, factor: 0.5 } }), RangeError, "0.5");
  assertThrows(() => supervise([one], { backoff: { first: 1, jitter: 2 } }), RangeError, "2");
});

law("Arguments reach the body at each start", async () => {
  const seen: unknown[] = [];
  await virtually(async function* () {
    yield* supervise([{
      name: "a",
      body: async function* (a: number, b: string) {
        if (seen.push([a, b]) < 2) throw new Error("once more");
      },
      args: [1, "x"],
    }]);
  });
  assertEquals(seen, [[1, "x"], [1, "x"]]);
});

law("Whatever is struck in a supervisor, no child is left", async () => {
  for (const strategy of ["one-for-one", "one-for-all"] as const) {
    let alive = 0;
    const counted = (body: () => Generator<unknown, void, unknown>) =>
      function* () {
        alive++;
        try {
          yield* body();
        } finally {
          yield* shield(sleep(1));
          alive--;
        }
      };
    await sweepCancel(async function* () {
      let failures = 2;
      yield* supervise({
        a: counted(function* () {
          yield* sleep(3);
          if (failures-- > 0) throw new Error("a failed");
        }),
        b: counted(function* () {
          yield* sleep(10);
        }),
      }, { strategy, backoff: { first: 2 } });
    }, { invariant: () => assertEquals(alive, 0) });
  }
});

law("A clean cancel of a supervisor is a cancel, not a failure", async () => {
  await virtually(async function* () {
    const top = spawn(async function* () {
      yield* supervise({
        a: function* () {
          yield* sleep(Infinity);
        },
      });
    });
    yield* sleep(1);
    yield* top.cancel("why");
    assertInstanceOf(top.error, Cancelled);
    assertEquals((top.error as Cancelled).reason, "why");
  });
});

law("On 300 random schedules a supervisor does what a list of events says", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const { found, expected } = await playSupervision(seed);
    assertEquals(found, expected, `seed ${seed}`);
  }
});
