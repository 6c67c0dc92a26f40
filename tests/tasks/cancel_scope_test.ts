/** Cancel scopes as objects, and groups that have one. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  cancelScope,
  cede,
  currentTask,
  effectiveDeadline,
  Event,
  type Group,
  group,
  GroupError,
  moveOnAfter,
  moveOnAt,
  now,
  type Operation,
  type Scope,
  shield,
  sleep,
  spawn,
  withTimeout,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { virtually } from "../lib/virtual.ts";

async function* assertGroupFails(op: Operation<unknown>): AsyncGenerator<unknown, void, unknown> {
  try {
    yield* op;
  } catch (error) {
    assert(error instanceof GroupError);
    return;
  }
  throw new Error("it did not fail");
}

law(
  "scope.cancel() ends the body without an error; a body that returned was not cancelled",
  async () => {
    await virtually(async function* () {
      const scopes: Scope[] = [];
      const log: string[] = [];
      spawn(function* () {
        yield* sleep(5);
        scopes[0]!.cancel("enough");
        scopes[0]!.cancel("again");
      });
      const cut = yield* cancelScope({}, async function* (scope) {
        scopes.push(scope);
        try {
          yield* sleep(100);
        } finally {
          yield* shield(sleep(1));
          log.push(`clean at ${now()}, ${scope.cancelled}`);
        }
      });
      assertEquals([cut, scopes[0]!.cancelled], [undefined, true]);
      const whole = yield* cancelScope({ timeout: 50 }, function* (scope) {
        scopes.push(scope);
        yield* sleep(1);
        return undefined;
      });
      assertEquals([whole, scopes[1]!.cancelled], [undefined, false]);
      scopes[1]!.cancel();
      scopes[1]!.deadline = now();
      yield* sleep(10);
      const swallowed = yield* cancelScope({ timeout: 5 }, async function* (scope) {
        scopes.push(scope);
        try {
          yield* sleep(100);
        } catch {
          return "kept";
        }
        return "whole";
      });
      assertEquals([swallowed, scopes[2]!.cancelled], ["kept", false]);
      assertEquals(log, ["clean at 6, true"]);
    });
  },
);

law(
  "A cancel from outside passes through a scope, and both deadlines keep to their own",
  async () => {
    await virtually(async function* () {
      let inner: Scope | undefined;
      const outer = yield* moveOnAfter(
        5,
        cancelScope({ timeout: 9 }, function* (scope) {
          inner = scope;
          yield* sleep(100);
          return "never";
        }),
      );
      assertEquals([outer, inner!.cancelled, now()], [undefined, false, 5]);
      const error = await assertRejects(async () =>
        await withTimeout(
          50,
          cancelScope({}, async function* (scope) {
            scope.cancel();
            try {
              yield* sleep(1);
            } catch {
              throw new Error("in the clean-up");
            }
          }),
        ), Error);
      assertEquals(error.message, "in the clean-up");
    });
  },
);

law("A deadline can be moved both ways, and taken away", async () => {
  await virtually(async function* () {
    const ended = async function (move: (scope: Scope) => void): Promise<number> {
      const start = now();
      await cancelScope({ timeout: 10 }, async function* (scope) {
        move(scope);
        yield* sleep(1000);
      });
      return now() - start;
    };
    assertEquals(await ended(() => {}), 10);
    assertEquals(await ended((scope) => scope.deadline += 20), 30);
    assertEquals(await ended((scope) => scope.deadline -= 7), 3);
    assertEquals(await ended((scope) => scope.deadline = now() - 50), 0);
    assertEquals(await ended((scope) => scope.deadline = Infinity), 1000);
    assertEquals(yield* moveOnAt(now() + 3, sleep(9)), undefined);
    assertEquals(
      yield* cancelScope({ timeout: 5, deadline: now() + 2 }, function* (scope) {
        return scope.deadline - now();
      }),
      2,
    );
    assertEquals(currentTask().timers.size, 0);
  });
});

law("A shielded scope keeps cancels out, but not its own", async () => {
  await virtually(async function* () {
    const log: string[] = [];
    const task = spawn(async function* () {
      try {
        yield* sleep(1000);
      } finally {
        yield* cancelScope({ shield: true, timeout: 3 }, function* (scope) {
          try {
            yield* sleep(100);
          } finally {
            log.push(`${scope.cancelled} at ${now()}`);
          }
        });
        log.push("after");
      }
    });
    yield;
    yield* task.cancel();
    assertEquals(log, ["true at 3", "after"]);
  });
});

law("effectiveDeadline() is the earliest around, across groups, up to a shield", async () => {
  await virtually(async function* () {
    const seen: number[] = [];
    const look = function* () {
      seen.push(effectiveDeadline());
    };
    yield* look();
    yield* withTimeout(50, withTimeout(90, look));
    yield* withTimeout(50, function* () {
      yield* group(function* (g) {
        g.spawn(look);
        yield* withTimeout(20, look);
      });
      yield* shield(look);
      yield* shield(withTimeout(7, look));
    });
    yield* cancelScope({}, function* (scope) {
      scope.cancel();
      yield* look();
    });
    assertEquals(seen, [Infinity, 50, 20, 50, Infinity, 7, -Infinity]);
  });
});

law("g.cancel() ends body and children without an error, those of clean-ups too", async () => {
  await virtually(async function* () {
    const log: string[] = [];
    const child = (g: Group, name: string) =>
      async function* (): AsyncGenerator<unknown, void, never> {
        try {
          yield* sleep(1000);
        } finally {
          log.push(name);
          if (name === "a") g.spawn(child(g, "never begun"));
        }
      };
    let scope: Scope | undefined;
    const value = yield* group(async function* (g) {
      scope = g.scope;
      g.spawn(child(g, "a"));
      g.spawn(child(g, "b"));
      spawn(function* () {
        yield* sleep(3);
        g.cancel("enough");
      });
      yield* sleep(1000);
      return "whole";
    });
    assertEquals([value, now(), scope!.cancelled], [undefined, 3, true]);
    assertEquals(log, ["a", "b"]);
    const kept = yield* group(function* (g) {
      g.spawn(function* () {
        yield* sleep(1);
        g.cancel();
      });
      g.spawn(child(g, "c"));
      return "the body was through";
    });
    assertEquals(kept, "the body was through");
    yield* assertGroupFails(group(function* (g) {
      g.spawn(function* () {
        try {
          yield* sleep(100);
        } catch {
          throw new Error("clean-up");
        }
      });
      yield* cede();
      g.cancel();
      yield* sleep(9);
    }));
    yield* group(async function* (g) {
      g.scope.deadline = now() + 4;
      g.spawn(child(g, "d"));
      yield* sleep(100);
    });
    assertEquals(log, ["a", "b", "c", "d"]);
  });
});

law(
  "What a sibling's clean-up spawns into a failed or cancelled group is cancelled too",
  async () => {
    await virtually(async function* () {
      const log: string[] = [];
      const late = function* () {
        log.push("begun");
        yield* sleep(60_000);
      };
      const cleaner = (g: Group) =>
        async function* () {
          try {
            yield* sleep(1000);
          } finally {
            g.spawn(late);
            g.spawnLater(5, late);
            yield* shield(sleep(1));
            g.spawn(late);
          }
        };
      const fails = [
        (g: Group) =>
          g.spawn(async function* () {
            throw new Error("a child");
          }),
        () => {
          throw new Error("the body");
        },
        (g: Group) => g.cancel(),
      ];
      for (const fail of fails) {
        const start = now();
        try {
          yield* group(async function* (g) {
            g.spawn(cleaner(g));
            yield* sleep(1);
            fail(g);
            yield* sleep(1);
          });
        } catch (error) {
          assert(error instanceof GroupError);
          assertEquals(error.errors.length, 1);
        }
        assert(now() - start < 100, `it took ${now() - start} ms`);
      }
      const task = spawn(async function* () {
        yield* group(async function* (g) {
          g.spawn(cleaner(g));
          yield* sleep(1000);
        });
      });
      yield* cede();
      yield* cede();
      yield* task.cancel();
      const begunInCancelled = spawn(async function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* group(async function* (g) {
            g.spawn(late);
          });
        }
      });
      yield* cede();
      yield* begunInCancelled.cancel();
      assertEquals([log, now() < 500], [[], true]);
    });
  },
);

law("g.start() waits until the child says that it is up", async () => {
  await virtually(async function* () {
    const log: string[] = [];
    const stop = new Event();
    yield* group(async function* (g) {
      const port = yield* g.start(async function* (started: (port: number) => void, base: number) {
        yield* sleep(5);
        started(base + 1);
        yield* stop.wait();
        log.push("stopped");
      }, 80);
      assertEquals([port, now()], [81, 5]);
      for (
        const [body, message] of [
          [function* () {
            yield* sleep(1);
            throw new Error("no port");
          }, "no port"],
          [function* () {
            yield* sleep(1);
          }, "without calling started()"],
        ] as const
      ) {
        const error = await assertRejects(async () => void (await g.start(body)), Error);
        assert(error.message.includes(message), error.message);
      }
      const giveUp = yield* moveOnAfter(
        3,
        g.start(async function* (_started: () => void) {
          try {
            yield* sleep(1000);
          } finally {
            log.push("given up");
          }
        }),
      );
      assertEquals([giveUp, g.tasks.length], [undefined, 1]);
      stop.set();
    });
    assertEquals(log, ["given up", "stopped"]);
    yield* assertGroupFails(group(function* (g) {
      yield* g.start(function* (started: (n: number) => void) {
        started(1);
        yield* sleep(1);
        throw new Error("later");
      });
      yield* sleep(1000);
    }));
  });
});
