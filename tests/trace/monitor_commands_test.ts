import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  Cancelled,
  CapacityLimiter,
  currentTask,
  Lock,
  run,
  sleep,
  spawn,
  type TaskBody,
} from "@weft/weft";
import { schedulerOf } from "@weft/weft/lowlevel";
import { allTasksBlocked, VirtualClock } from "@weft/weft/testing";
import { Semaphore } from "../../src/sync/semaphore.ts";
import { answer } from "../../src/trace/monitor_commands.ts";
import { law } from "../lib/law.ts";
import { seeded } from "../lib/sockets.ts";

/** Asks the current run. */
function ask(line: string): string {
  return answer(schedulerOf(currentTask()), line).text;
}

/** Runs bodies beside a main task that lets them go to their waits, looks, and cancels them. */
function looking(look: () => void, bodies: TaskBody<[], unknown>[]): Promise<void> {
  return run(function* () {
    const tasks = bodies.map((body) => spawn(body));
    yield* allTasksBlocked();
    try {
      look();
    } finally {
      for (const task of tasks) task.cancel();
    }
  }, { clock: new VirtualClock(), warn: () => {} });
}

law("ps lists the tasks: id, state, parent, name and what each waits on", async () => {
  const lock = new Lock("L");
  const back = Promise.withResolvers<void>();
  await looking(() => {
    const shown = ask("ps").split("\n");
    back.resolve();
    assertEquals(shown, [
      "ID  STATE    PARENT  NAME             WAITS ON",
      "1   running  -       main             -",
      "2   waiting  1       holder#2         sleep(100)",
      "3   waiting  1       waiter#3         L.acquire() held by holder#2",
      "4   waiting  1       beat#4 (daemon)  sleep(Infinity)",
      "5   away     1       far#5            a foreign await",
      "",
    ]);
  }, [
    function* holder() {
      using _held = yield* lock.acquire();
      yield* sleep(100);
    },
    function* waiter() {
      yield* lock.acquire();
    },
    function* beat() {
      currentTask().daemon = true;
      yield* sleep(Infinity);
    },
    async function* far() {
      await back.promise;
      yield;
    },
  ]);
});

law("ps goes on from an id, and says how when there are too many", async () => {
  await run(function* () {
    const tasks = Array.from({ length: 2500 }, () =>
      spawn(function* () {
        yield* sleep(Infinity);
      }));
    const first = ask("ps").trimEnd().split("\n");
    assertEquals(first.length, 1000);
    const next = /^1503 more: (ps 999)$/.exec(first.at(-1)!)![1]!;
    assertMatch(ask(next).split("\n")[1]!, /^999 /);
    assertMatch(ask("ps 2501").trimEnd().split("\n").at(-1)!, /^2501 /);
    assertEquals(ask("tree").trimEnd().split("\n").length, 1000);
    for (const task of tasks) task.cancel();
  });
});

law("where tells spawn site, wait, wait site and what is held", async () => {
  const lock = new Lock("L");
  await looking(() => {
    const text = ask("where 2");
    assertMatch(text, /^napper#2 \(id 2\) is waiting\n/);
    assertMatch(text, /\nspawned by main \(id 1\) at file:.*monitor_commands_test\.ts:\d+:\d+\n/);
    assertMatch(text, /\nwaits on sleep\(100\)\n {2}at file:.*monitor_commands_test\.ts:\d+:\d+\n/);
    assertMatch(text, /\nholds L\n$/);
  }, [
    function* napper() {
      using _held = yield* lock.acquire();
      yield* nap();
    },
  ]);
});

function* nap(): Generator<unknown, void, unknown> {
  yield* sleep(100);
}

law("where follows the holders, to the one that can go on or round a cycle", async () => {
  const [first, second] = [new Lock("L1"), new Lock("L2")];
  const both = (one: Lock, other: Lock) =>
    function* philosopher() {
      using _one = yield* one.acquire();
      yield;
      using _other = yield* other.acquire();
    };
  await looking(() => {
    assertStringIncludes(
      ask("where 4"),
      "because:\n  guest#4 waits on L1.acquire() held by philosopher#2\n" +
        "  philosopher#2 waits on L2.acquire() held by philosopher#3\n" +
        "  philosopher#3 waits on L1.acquire() held by philosopher#2: a cycle\n",
    );
  }, [
    both(first, second),
    both(second, first),
    function* guest() {
      yield;
      yield* first.acquire();
    },
  ]);
});

law("locks shows holders and, in their order, who waits", async () => {
  const lock = new Lock("L");
  const semaphore = new Semaphore(2, "S");
  const waiter = function* waiter() {
    yield* lock.acquire();
  };
  await looking(() => {
    assertEquals(
      ask("locks"),
      "L held by holder#2 (id 2)\n  1. waiter#3 (id 3) L.acquire()\n  2. waiter#4 (id 4) L.acquire()\n",
    );
  }, [
    function* holder() {
      yield* lock.acquire();
      yield* semaphore.acquire();
      yield* sleep(100);
    },
    waiter,
    waiter,
  ]);
  await looking(() => assertEquals(ask("locks"), "nothing is held\n"), []);
});

law("locks shows a semaphore that somebody waits for, with one of its holders", async () => {
  const semaphore = new Semaphore(2, "S");
  const user = function* user() {
    using _permit = yield* semaphore.acquire();
    yield* sleep(100);
  };
  await looking(() => {
    assertMatch(
      ask("locks"),
      /^S\.acquire\(\) held by user#[23] .*\n {2}1\. user#4 .*\n {2}2\. user#5 .*\n$/,
    );
  }, [user, user, user, user]);
});

law("locks tells locks apart whose names begin alike, or are the same", async () => {
  const locks = ["L", "L.x", "L"].map((name) => new Lock(name));
  const holder = (lock: Lock) =>
    function* holder() {
      using _lock = yield* lock.acquire();
      yield* sleep(100);
    };
  await looking(() => {
    assertEquals(
      ask("locks"),
      "L held by holder#2 (id 2)\n" +
        "L.x held by holder#3 (id 3)\n  1. holder#5 (id 5) L.x.acquire()\n" +
        "L held by holder#4 (id 4)\n",
    );
  }, [...locks.map(holder), holder(locks[1]!)]);
});

law("locks shows a limiter once, with all who have a token of it", async () => {
  const limiter = new CapacityLimiter(2, "C");
  const user = function* user() {
    using _token = yield* limiter.acquire();
    yield* sleep(100);
  };
  await looking(() => {
    assertEquals(
      ask("locks"),
      "C held by user#2 (id 2), user#3 (id 3)\n  1. user#4 (id 4) C.acquire()\n",
    );
  }, [user, user, user]);
});

law("ps, where and tree agree on who is away", async () => {
  const back = Promise.withResolvers<void>();
  await looking(() => {
    assertMatch(ask("ps"), /\n2 +away +1 +far#2 +a foreign await\n/);
    assertMatch(ask("where 2"), /^far#2 \(id 2\) is away\n/);
    assertMatch(ask("tree"), /\n {2}far#2 \(away on a foreign await\)\n/);
    back.resolve();
  }, [async function* far() {
    await back.promise;
    yield;
  }]);
});

law("cancel cancels with the monitor as the reason, once", async () => {
  let error: unknown;
  await run(function* () {
    const task = spawn(function* victim() {
      try {
        yield* sleep(Infinity);
      } catch (thrown) {
        error = thrown;
        throw thrown;
      }
    });
    yield;
    assertEquals(ask("cancel 2"), "cancelled victim#2 (id 2)\n");
    assertEquals(ask("cancel 2"), "victim#2 (id 2) was cancelled before\n");
    yield* task.join();
    assertMatch(ask("cancel 2"), /^Cannot find task 2/);
  });
  assert(error instanceof Cancelled);
  assertEquals(error.reason, "monitor");
});

law("tree shows who spawned whom", async () => {
  await looking(() => {
    assertEquals(
      ask("tree"),
      "main (running)\n  parent#2 (waiting on sleep(5))\n    child#3 (waiting on sleep(9))\n",
    );
  }, [
    function* parent() {
      spawn(function* child() {
        yield* sleep(9);
      });
      yield* sleep(5);
    },
  ]);
});

law("help names every command, and each of them is one", async () => {
  await run(function* () {
    const names = ask("help").trimEnd().split("\n").map((line) => line.split(" ")[0]!);
    assertEquals(names, ["ps", "where", "cancel", "tree", "locks", "help", "quit"]);
    for (const name of names) assert(!ask(`${name} `).includes("no such command"), name);
  });
});

law("quit is the one answer that ends a session", async () => {
  await run(function* () {
    const scheduler = schedulerOf(currentTask());
    assertEquals(answer(scheduler, " quit\r"), { kind: "quit", text: "bye\n" });
    for (const line of ["", "quit now", "ps", "where 1", "x"]) {
      assertEquals(answer(scheduler, line).kind, "text", line);
    }
  });
});

law("A line that is no command says what is wrong with it", async () => {
  await run(function* () {
    assertEquals(ask(""), "");
    assertEquals(ask("  \r"), "");
    assertEquals(ask("ls"), 'Cannot do "ls": there is no such command; try "help"\n');
    assertEquals(ask("where"), 'Cannot do "where" without the id of a task: "ps" lists them\n');
    assertEquals(
      ask("where x1"),
      'Cannot take "x1" for the id of a task: it must be a whole number\n',
    );
    assertEquals(ask("cancel 1 2"), 'Cannot do "cancel 1 2": the command is "cancel ID"\n');
    assertMatch(ask("where 77"), /^Cannot find task 77: it has ended, or there was none/);
    assertEquals(
      ask(`\u001b[2J${"a".repeat(1000)}`),
      `Cannot do "?[2J${"a".repeat(36)}…": there is no such command; try "help"\n`,
    );
  });
});

law("Names cannot send control characters to a terminal", async () => {
  await run(function* () {
    const task = spawn(function* () {
      yield* sleep(Infinity);
    });
    task.name = "evil\u001b[2J\n1 ps";
    yield;
    for (const command of ["ps", "tree", "where 2", "locks", "cancel 2"]) {
      assertMatch(ask(command), /^[^\p{Cc}]*(\n[^\p{Cc}]+)*\n$/u, command);
    }
  });
});

law("answer() survives whatever is typed (20 000 seeded lines)", async () => {
  await run(function* () {
    const below = seeded(4);
    const pieces = [
      "ps",
      "where",
      "tree",
      "locks",
      "help",
      " ",
      "1",
      "-1",
      "1e9",
      "\0",
      "\t",
      "é",
      "\u2028",
    ];
    for (let i = 0; i < 20_000; i++) {
      let line = "";
      for (let n = below(6); n > 0; n--) {
        line += below(3) > 0 ? pieces[below(pieces.length)]! : String.fromCharCode(below(65_536));
      }
      const { kind, text } = answer(schedulerOf(currentTask()), line);
      assertEquals(kind, "text");
      assert(text === "" || text.endsWith("\n"));
    }
  });
});
