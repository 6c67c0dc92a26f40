/** Of which tasks a run knows the line that spawned them. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  AsyncResult,
  group,
  run,
  type RunOptions,
  sleep,
  spawn,
  type Task,
  withTimeout,
} from "@weft/weft";
import { law } from "../lib/law.ts";

/** Runs a body that spawns tasks, and says which of them have a line: their places in the order of spawning. */
async function sited(
  body: (note: (task: Task) => void) => void,
  options: RunOptions = {},
): Promise<number[]> {
  const tasks: Task[] = [];
  await run(function* () {
    body((task) => tasks.push(task));
  }, options);
  return tasks.keys().filter((at) => tasks[at]!.spawnSite !== undefined).toArray();
}

const upTo = (n: number) => Array.from({ length: n }, (_, at) => at);
const noop = function* () {};

law("Of the tasks of a loop, the first 32 have the line that spawned them", async () => {
  const loop = (note: (task: Task) => void): void => {
    for (let i = 0; i < 100; i++) note(spawn(function* () {}));
  };
  assertEquals(await sited(loop), upTo(32));
  assertEquals(await sited(loop, { sites: true }), upTo(100));
  assertEquals(await sited(loop, { sites: false }), []);
});

law("A task called otherwise than the one before has its line, after a loop too", async () => {
  const last = function* () {};
  const seen = await sited((note) => {
    for (let i = 0; i < 40; i++) note(spawn(noop));
    note(spawn(last));
    note(spawn(noop));
  });
  assertEquals(seen, [...upTo(32), 40, 41]);
});

law("Each spawner's tasks have their lines", async () => {
  const seen = await sited((note) => {
    for (let i = 0; i < 40; i++) note(spawn(noop));
    note(spawn(function* inner() {
      for (let i = 0; i < 3; i++) note(spawn(noop));
    }));
  });
  assertEquals(seen, [...upTo(32), 40, 41, 42, 43]);
});

law("After the first thousand tasks of a run, no lines are noted", async () => {
  const bodies = Array.from(
    { length: 2 },
    (_, at) => ({ [`body${at}`]: function* () {} }[`body${at}`]!),
  );
  const seen = await sited((note) => {
    for (let i = 0; i < 1010; i++) note(spawn(bodies[i % 2]!));
  });
  assertEquals(seen, upTo(1000));
});

law("A body whose name throws is spawned like any other", async () => {
  const nameless = function* () {};
  Object.defineProperty(nameless, "name", {
    get() {
      throw new Error("no name");
    },
  });
  assertEquals(await sited((note) => note(spawn(nameless))), [0]);
});

law("TimeoutError and GroupError of an async body name the line that asked", async () => {
  await run(async function* () {
    const child = spawn(function* () {
      yield* sleep(1000);
    });
    const calls = {
      withTimeout: () => withTimeout(1, sleep(1000)),
      get: () => child.get(1),
      result: () => new AsyncResult<number>().get(1),
      group: () =>
        group(async function* () {
          throw new Error("boom");
        }),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const way of ["yield*", "await"]) {
        let stack = "";
        try {
          if (way === "await") await call();
          else yield* call();
        } catch (error) {
          stack = (error as Error).stack!;
        }
        assertStringIncludes(stack.split("\n    at ")[1]!, "sites_test.ts", `${name}, ${way}`);
      }
    }
    child.cancel();
  });
});
