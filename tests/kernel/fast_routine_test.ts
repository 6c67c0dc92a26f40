/**
 * The shapes in which a halt by `return()` leaks past a clean-up that yields, and runs the parent on.
 * In each: the statement after the cancelled wait never runs; each clean-up runs once, to its end,
 * the inner before the outer. Every shape stands in both lanes.
 */
import { assertEquals } from "@std/assert";
import {
  all,
  cede,
  currentTask,
  group,
  moveOnAfter,
  race,
  run,
  shield,
  sleep,
  spawn,
  type TaskBody,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

type Log = string[];
type Shape = (log: Log) => ReturnType<TaskBody<[], unknown>>;

/** Cancels a task that runs the shape once it waits, and returns what it logged. */
async function halted(shape: Shape, cancels = 1): Promise<Log> {
  const log: Log = [];
  const clock = new VirtualClock();
  const warnings: string[] = [];
  await run(function* () {
    const body = isAsync(shape)
      ? async function* () {
        yield* shape(log) as AsyncGenerator<unknown, unknown, unknown>;
        log.push("body ran on");
      }
      : function* () {
        yield* shape(log) as Generator<unknown, unknown, unknown>;
        log.push("body ran on");
      };
    const task = spawn(body as TaskBody<[], void>);
    yield* sleep(10);
    for (let i = 0; i < cancels; i++) {
      task.cancel("halt");
      yield* sleep(1);
    }
    yield* task.join();
    log.push(task.cancelled ? "cancelled" : `not cancelled: ${task.error}`);
  }, { clock, warn: (message) => warnings.push(message) });
  return log;
}

function isAsync(shape: Shape): boolean {
  return Object.prototype.toString.call(shape) === "[object AsyncGeneratorFunction]";
}

function shapes(name: string, want: Log, fast: Shape, slow: Shape, cancels = 1): void {
  law(`A halt ${name} (function*)`, async () => {
    assertEquals(await halted(fast, cancels), want);
  });
  law(`A halt ${name} (async function*)`, async () => {
    assertEquals(await halted(slow, cancels), want);
  });
}

function* child(log: Log, name = "child"): Generator<unknown, void, unknown> {
  try {
    yield* sleep(1e6);
    log.push(`${name} ran on`);
  } finally {
    yield* shield(sleep(5));
    log.push(`${name} cleaned`);
  }
}

async function* slowChild(log: Log, name = "child"): AsyncGenerator<unknown, void, unknown> {
  try {
    yield* sleep(1e6);
    log.push(`${name} ran on`);
  } finally {
    yield* shield(sleep(5));
    log.push(`${name} cleaned`);
  }
}

shapes(
  "passes a child whose finally yields",
  ["child cleaned", "cancelled"],
  function* (log) {
    yield* child(log);
    log.push("parent ran on");
  },
  async function* (log) {
    yield* slowChild(log);
    log.push("parent ran on");
  },
);

shapes(
  "runs nested clean-ups from the inside out",
  ["child cleaned", "inner", "outer", "cancelled"],
  function* (log) {
    try {
      try {
        yield* child(log);
        log.push("ran on");
      } finally {
        yield* shield(sleep(1));
        log.push("inner");
      }
      log.push("ran on");
    } finally {
      yield* shield(sleep(1));
      log.push("outer");
    }
  },
  async function* (log) {
    try {
      try {
        yield* slowChild(log);
        log.push("ran on");
      } finally {
        await shield(sleep(1));
        log.push("inner");
      }
      log.push("ran on");
    } finally {
      yield shield(sleep(1));
      log.push("outer");
    }
  },
);

shapes(
  "ends a loop around the child",
  ["child cleaned", "cancelled"],
  function* (log) {
    for (let i = 0; i < 3; i++) {
      yield* child(log);
      log.push("loop ran on");
    }
  },
  async function* (log) {
    for (let i = 0; i < 3; i++) {
      yield* slowChild(log);
      log.push("loop ran on");
    }
  },
);

shapes(
  "reaches every branch of all()",
  ["a cleaned", "b cleaned", "cancelled"],
  function* (log) {
    yield* all([() => child(log, "a"), () => slowChild(log, "b")]);
    log.push("ran on");
  },
  async function* (log) {
    yield* all([() => child(log, "a"), () => slowChild(log, "b")]);
    log.push("ran on");
  },
);

shapes(
  "reaches every branch of race()",
  ["a cleaned", "b cleaned", "cancelled"],
  function* (log) {
    yield* race([child(log, "a"), slowChild(log, "b")]);
    log.push("ran on");
  },
  async function* (log) {
    await race([child(log, "a"), slowChild(log, "b")]);
    log.push("ran on");
  },
);

shapes(
  "passes withTimeout() without becoming a TimeoutError",
  ["child cleaned", "cancelled"],
  function* (log) {
    yield* withTimeout(1e5, () => child(log));
    log.push("ran on");
  },
  async function* (log) {
    yield* withTimeout(1e5, () => slowChild(log));
    log.push("ran on");
  },
);

shapes(
  "passes moveOnAfter() across the lanes",
  ["child cleaned", "cancelled"],
  function* (log) {
    yield* moveOnAfter(1e5, () => slowChild(log));
    log.push("ran on");
  },
  async function* (log) {
    await moveOnAfter(1e5, () => child(log));
    log.push("ran on");
  },
);

shapes(
  "goes through a group to its children",
  ["child cleaned", "body cleaned", "cancelled"],
  function* (log) {
    yield* group(function* (g) {
      g.spawn(child, log);
      try {
        yield* sleep(1e6);
      } finally {
        yield* shield(sleep(9));
        log.push("body cleaned");
      }
    });
    log.push("ran on");
  },
  async function* (log) {
    yield* group(async function* (g) {
      g.spawn(child, log);
      try {
        yield* sleep(1e6);
      } finally {
        yield* shield(sleep(9));
        log.push("body cleaned");
      }
    });
    log.push("ran on");
  },
);

shapes(
  "that comes twice, the second time in the clean-up, lets the clean-up end",
  ["child cleaned", "cancelled"],
  function* (log) {
    yield* child(log);
    log.push("ran on");
  },
  async function* (log) {
    yield* slowChild(log);
    log.push("ran on");
  },
  2,
);

shapes(
  "that a catch in a loop swallows comes again at the next checkpoint",
  ["caught Cancelled", "caught Cancelled", "cancelled"],
  function* (log) {
    for (let i = 0; i < 2; i++) {
      try {
        yield* sleep(1e6);
      } catch (error) {
        log.push(`caught ${(error as Error).name}`);
      }
    }
    yield;
    log.push("ran on");
  },
  async function* (log) {
    for (let i = 0; i < 2; i++) {
      try {
        await sleep(1e6);
      } catch (error) {
        log.push(`caught ${(error as Error).name}`);
      }
    }
    yield;
    log.push("ran on");
  },
);

shapes(
  "cuts an unshielded clean-up at its first wait",
  ["cleaning", "cancelled"],
  function* (log) {
    try {
      yield* sleep(1e6);
    } finally {
      log.push("cleaning");
      yield* cede();
      log.push("cleaned");
    }
  },
  async function* (log) {
    try {
      yield* sleep(1e6);
    } finally {
      log.push("cleaning");
      await cede();
      log.push("cleaned");
    }
  },
);

law("A halt before the first step never runs the body, in either lane", async () => {
  const log: Log = [];
  await run(function* () {
    const tasks = [
      spawn(function* () {
        log.push("fast ran");
      }),
      spawn(async function* () {
        log.push("async ran");
      }),
    ];
    for (const task of tasks) task.cancel();
    for (const task of tasks) yield* task.join();
    assertEquals(tasks.map((task) => task.cancelled), [true, true]);
  });
  assertEquals(log, []);
});

law("A halt of the current task takes effect at its next checkpoint", async () => {
  const log: Log = [];
  await run(function* () {
    const self = spawn(async function* () {
      currentTask().cancel();
      log.push("still running");
      yield;
      log.push("ran on");
    });
    yield* self.join();
  });
  assertEquals(log, ["still running"]);
});
