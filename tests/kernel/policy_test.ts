import { assert, assertEquals } from "@std/assert";
import { currentTask, Queue, run, sleep, spawn, type Task } from "@weft/weft";
import { formatTaskTree, type Instrument, type Policy } from "@weft/weft/lowlevel";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

/** Highest number in the name first; ties in the order in which they became ready. */
class ByNumber implements Policy {
  readonly #ready: Task[] = [];
  readonly heard: string[] = [];
  get size(): number {
    return this.#ready.length;
  }
  add(task: Task): void {
    this.#ready.push(task);
  }
  next(): Task | undefined {
    const rank = (task: Task) => Number(task.name.slice(1)) || 0;
    const best = this.#ready.reduce<Task | undefined>(
      (top, task) => top === undefined || rank(task) > rank(top) ? task : top,
      undefined,
    );
    if (best !== undefined) this.#ready.splice(this.#ready.indexOf(best), 1);
    return best;
  }
  ran(task: Task, ms: number): void {
    assert(ms >= 0);
    this.heard.push(`ran ${task.name}`);
  }
  blocked(task: Task): void {
    this.heard.push(`blocked ${task.name}`);
  }
}

law(
  "A policy decides which ready task runs next, and hears of each step and each wait",
  async () => {
    const policy = new ByNumber();
    const order: string[] = [];
    await run(function* () {
      for (const name of ["p1", "p3", "p2"]) {
        spawn(
          name === "p2"
            ? async function* () {
              order.push(currentTask().name);
              yield;
              order.push(currentTask().name);
            }
            : function* () {
              order.push(currentTask().name);
              yield* sleep(1);
              order.push(currentTask().name);
            },
        ).name = name;
      }
    }, { policy, clock: new VirtualClock() });
    assertEquals(order, ["p3", "p2", "p2", "p1", "p3", "p1"]);
    assertEquals(policy.heard.filter((line) => line.startsWith("blocked")), [
      "blocked p3",
      "blocked p1",
    ]);
    assertEquals(policy.heard.filter((line) => line === "ran p2").length, 2);
  },
);

law("Instruments hear a task's life in order: spawned, ready, steps, waits, exit", async () => {
  const heard: string[] = [];
  const note = (event: string) => (task: Task, more?: unknown) => {
    if (task.name !== "child") return;
    heard.push(more === undefined ? event : `${event} ${more}`);
  };
  const instrument: Instrument = {
    spawned: (task) => {
      if (task.name !== "main") task.name = "child";
      note("spawned")(task);
    },
    ready: note("ready by"),
    stepBegin: note("begin"),
    stepEnd: note("end"),
    waiting: note("waits"),
    exited: note("exited"),
  };
  for (const lane of ["fast", "async"]) {
    heard.length = 0;
    await run(function* () {
      const queue = new Queue<number>(1, "Q");
      spawn(
        lane === "fast"
          ? function* () {
            yield;
            yield* queue.get();
          }
          : async function* () {
            yield;
            await queue.get();
          },
      );
      for (let i = 0; i < 4; i++) yield;
      queue.tryPut(1);
    }, { instruments: [instrument] });
    assertEquals(heard, [
      "spawned",
      "ready by main",
      "begin",
      "ready by child",
      "end",
      "begin",
      "waits Q.get()",
      "end",
      "ready by main",
      "begin",
      "exited",
      "end",
    ], lane);
  }
});

law("An instrument that throws is dropped with a warning, and the run goes on", async () => {
  const warnings: string[] = [];
  let calls = 0;
  await run(function* () {
    yield;
    yield;
  }, {
    warn: (message) => warnings.push(message),
    instruments: [{
      stepBegin: () => {
        calls++;
        throw new Error("broken gauge");
      },
    }],
  });
  assertEquals([calls, warnings.length], [1, 1]);
  assert(warnings[0]!.includes("broken gauge"));
});

law("formatTaskTree() shows who spawned whom, in which state, and on what each waits", async () => {
  let lines: string[] = [];
  await run(function* () {
    const queue = new Queue<number>(1, "Q");
    const parent = spawn(function* () {
      spawn(async function* () {
        await queue.get();
      }).name = "inner";
      yield* queue.get();
    });
    parent.name = "outer";
    for (let i = 0; i < 5; i++) yield;
    lines = formatTaskTree([currentTask(), parent, ...siblings(parent)]);
    queue.tryPut(1);
    queue.tryPut(2);
  });
  assertEquals(lines, [
    "main (running)",
    "  outer (waiting on Q.get())",
    "    inner (waiting on Q.get())",
  ]);
});

/** The tasks made after one, as far as its run's list leads. */
function siblings(task: Task): Task[] {
  const found: Task[] = [];
  for (let next = task.previous; next !== null; next = next.previous) found.push(next);
  return found;
}
