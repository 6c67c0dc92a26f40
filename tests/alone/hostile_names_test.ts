/**
 * Every printer of a run, asked about a run whose names are hostile: a reflection over what prints, so
 * that a new command of the monitor is held to the same law.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  CapacityLimiter,
  chromeTrace,
  connect,
  currentTask,
  DeadlockError,
  dumpOn,
  ganttChart,
  group,
  Lock,
  lostUpdates,
  monitor,
  run,
  Semaphore,
  shared,
  SharedLock,
  SharedRLock,
  sleep,
  spawn,
  type Task,
  taskTree,
  Timeline,
  timelineHtml,
  timelineSvg,
  withTimeout,
} from "@weft/weft";
import { schedulerOf } from "@weft/weft/lowlevel";
import { answer } from "../../src/trace/monitor_commands.ts";
import { law } from "../lib/law.ts";
import { decode, encode } from "../lib/sockets.ts";

const HOSTILE = [
  "\x1b[2J",
  "\x9b31m",
  "a\r\nb",
  "\u202Eevil",
  "line\u2028end\u2029",
  "\u2066\u200f",
  "\0\x07\x7f",
  "\ud83d",
  "x".repeat(1_000_000),
];

/** What must not be in a text that is shown; newlines are the text's own. */
const UNFIT = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** No answer of the monitor is longer. */
const MOST_CHARS = 1000 * 401;

function assertFit(text: string, what: string, most = MOST_CHARS): void {
  const at = text.search(UNFIT);
  assertEquals(at, -1, `${what}: ${JSON.stringify(text.slice(Math.max(0, at - 20), at + 20))}`);
  assert(text.length <= most, `${what}: ${text.length} characters`);
}

/** Names a task, and lets it wait for locks and be waited for. */
function* people(): Generator<unknown, Task[], unknown> {
  const tasks: Task[] = [];
  for (const name of HOSTILE) {
    const lock = new Lock(name);
    const semaphore = new Semaphore(1, name);
    const limiter = new CapacityLimiter(1, name);
    const user = function* (): Generator<unknown, void, unknown> {
      using _lock = yield* lock.acquire();
      using _permit = yield* semaphore.acquire();
      using _token = yield* limiter.acquire();
      yield* sleep(Infinity);
    };
    for (let i = 0; i < 3; i++) {
      const task = spawn(user);
      task.name = name;
      tasks.push(task);
    }
  }
  yield* sleep(1);
  return tasks;
}

law("No command of the monitor lets a name through, or grows with it", () =>
  run(function* () {
    const tasks = yield* people();
    const scheduler = schedulerOf(currentTask());
    const commands = answer(scheduler, "help").text.trimEnd().split("\n").map((line) =>
      line.split(" ")[0]!
    );
    for (const command of commands) {
      for (const id of [undefined, ...tasks.map((task) => task.id)]) {
        const line = id === undefined ? command : `${command} ${id}`;
        assertFit(answer(scheduler, line).text, line);
      }
    }
    for (const task of tasks) yield* task.cancel();
  }, { warn: () => {} }));

law("taskTree(), dumpOn() and errors of tasks let no name through", () =>
  run(function* () {
    const tasks = yield* people();
    assertFit(taskTree().join("\n"), "taskTree()");
    let dumped = "";
    using _dump = dumpOn("SIGUSR2", (text) => dumped = text);
    Deno.kill(Deno.pid, "SIGUSR2");
    while (dumped === "") yield* sleep(1);
    assertFit(dumped, "dumpOn()");
    for (const task of tasks) {
      assertFit(String(task), "String(task)", 200);
      try {
        yield* task.get(0);
      } catch (error) {
        assertFit(String(error), "a timeout", 1000);
      }
      yield* task.cancel();
    }
  }, { warn: () => {} }));

/** Two tasks of a name that each hold a lock and want the other's: what the run failed of, and its warnings. */
async function circleOf(
  name: string,
  makeLocks: () => readonly (Lock | SharedLock | SharedRLock)[],
): Promise<{ readonly error: DeadlockError; readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const error = await assertRejects(
    () =>
      run(function* () {
        const locks = makeLocks();
        for (const [i, lock] of locks.entries()) {
          spawn(function* () {
            yield* lock.acquire();
            yield;
            yield* locks[1 - i]!.acquire();
          }).name = name;
        }
      }, { warn: (message) => warnings.push(message) }),
    DeadlockError,
  );
  return { error, warnings };
}

law("Cycle warnings and DeadlockError let no name through", async () => {
  for (const name of HOSTILE) {
    const { error, warnings } = await circleOf(name, () => [new Lock(name), new Lock(name)]);
    assert(warnings.some((text) => text.startsWith("Deadlock: 2 tasks")));
    for (const text of warnings) assertFit(text, "a cycle warning");
    assertFit(error.message, "DeadlockError");
    assertEquals(error.cycles.flat(), [name, name]);
  }
});

law("Warnings and group errors let no name and no message through", async () => {
  for (const name of HOSTILE) {
    const warnings: string[] = [];
    const error = await run(function* () {
      const swallower = spawn(function* () {
        try {
          yield* sleep(Infinity);
        } catch {
          // Swallowed: that is warned of.
        }
      });
      swallower.name = name;
      yield;
      yield* swallower.cancel();
      try {
        yield* withTimeout(
          1000,
          group(function* (g) {
            g.spawn(function* () {
              throw new Error(name);
            });
          }, { name }),
        );
      } catch (error) {
        return error;
      }
    }, {
      warn: (message) => warnings.push(message),
      instruments: [{
        spawned: () => {
          throw new Error(name);
        },
      }],
    });
    assertEquals(warnings.length, 2);
    for (const text of warnings) assertFit(text, "a warning");
    assertFit(String(error), "GroupError");
  }
});

law("No drawing of a timeline lets a name through", async () => {
  const timeline = new Timeline();
  await run(function* () {
    const tasks = yield* people();
    for (const task of tasks) yield* task.cancel();
  }, { instruments: [timeline], warn: () => {} });
  const drawings: Record<string, (timeline: Timeline, title: string) => unknown> = {
    ganttChart: (timeline) => ganttChart(timeline),
    timelineSvg,
    timelineHtml,
    chromeTrace: (timeline) => JSON.stringify(chromeTrace(timeline)),
  };
  for (const [name, draw] of Object.entries(drawings)) {
    for (const title of HOSTILE.slice(0, -1)) {
      assertFit(String(draw(timeline, title)), name, 1_000_000);
    }
  }
});

law("Errors of shared locks let no name through", async () => {
  for (const name of HOSTILE) {
    const { error, warnings } = await circleOf(name, () => [new SharedLock(), new SharedRLock()]);
    for (const text of [...warnings, error.message]) assertFit(text, "a circle of shared locks");
    const twice = await assertRejects(() =>
      run(function* () {
        const task = spawn(function* () {
          const lock = new SharedLock();
          using _guard = yield* lock.acquire();
          yield* lock.acquire();
        });
        task.name = name;
        yield* task.get();
      }), DeadlockError);
    assertFit(twice.message, "a lock taken twice", 1000);
  }
});

law("Lost updates let no name, property or value through", async () => {
  for (const name of HOSTILE) {
    const object = shared({ [name]: name } as Record<string, string>, { name, report: () => {} });
    await run(function* () {
      for (let i = 0; i < 2; i++) {
        spawn(function* () {
          const before = object[name]!;
          yield;
          object[name] = before + i;
        }).name = name;
      }
    });
    const [lost] = lostUpdates(object);
    assertFit(lost!.message, "a lost update", 5000);
  }
});

law("One ps of 600 tasks, one of which has a name of a megabyte, fails nobody", async () => {
  await run(function* () {
    using m = monitor();
    const tasks = Array.from({ length: 600 }, (_, i) => {
      const task = spawn(function* () {
        yield* sleep(Infinity);
      });
      if (i === 300) task.name = "n".repeat(1_000_000);
      return task;
    });
    using client = yield* connect({ port: m.localAddr.port });
    yield* client.sendAll(encode("ps\ntree\nquit\n"));
    let text = "";
    for (let bytes; (bytes = yield* client.recv()).length > 0;) text += decode(bytes);
    assertMatch(text, /\n601 +waiting/);
    assertMatch(text, /\nbye\n\n$/);
    assertFit(text, "ps and tree", 600 * 200);
    for (const task of tasks) task.cancel();
  });
});

law("What a program's own toString throws stays in the session", () =>
  run(function* () {
    using m = monitor();
    const task = spawn(function* () {
      yield* sleep(Infinity);
    });
    yield;
    Object.defineProperty(task, "name", {
      get: () => {
        throw new Error("no name");
      },
    });
    using client = yield* connect({ port: m.localAddr.port });
    yield* client.sendAll(encode("ps\nquit\n"));
    let text = "";
    for (let bytes; (bytes = yield* client.recv()).length > 0;) text += decode(bytes);
    assertMatch(text, /\nCannot answer: Error: no name\n\nbye\n\n$/);
    yield* task.cancel();
  }));

law("A printer of dumpOn() that throws is told of once, and the run goes on", async () => {
  const warnings: string[] = [];
  let calls = 0;
  await run(function* () {
    using _sync = dumpOn("SIGUSR2", () => {
      calls++;
      throw new Error("no paper");
    });
    using _async = dumpOn("SIGUSR2", async () => {
      await null;
      throw new Error("no ink");
    });
    for (let i = 1; i <= 3; i++) {
      Deno.kill(Deno.pid, "SIGUSR2");
      while (calls < i) yield* sleep(1);
    }
    yield* sleep(1);
  }, { warn: (message) => warnings.push(message) });
  assertEquals(warnings.sort(), [
    "The printer of dumpOn(SIGUSR2) threw: Error: no ink",
    "The printer of dumpOn(SIGUSR2) threw: Error: no paper",
  ]);
});
