import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { DeadlockError, run, sleep, spawn } from "@weft/weft";
import { dumpOn, taskTree } from "../../src/trace/task_tree.ts";
import { law } from "../lib/law.ts";

law("taskTree() gives the current run's tasks, with the lines that spawned them", async () => {
  const lines = await run(function* () {
    const task = spawn(async function* child() {
      yield* sleep(1000);
    });
    yield* sleep(1);
    const lines = taskTree();
    task.cancel();
    return lines;
  });
  assertEquals(lines[0], "main (running)");
  assertEquals(lines[1], "  child#2 (waiting on sleep(1000))");
  assertMatch(lines[2]!, /^ +spawned at file:.*tree_test\.ts:\d+:\d+$/);
  assertThrows(() => taskTree(), Error, "Cannot show the task tree: no task is running");
});

law("dumpOn() prints the tree at each signal, until the run ends", async () => {
  const printed: string[] = [];
  await run(function* () {
    dumpOn("SIGUSR2", (tree) => printed.push(tree));
    for (let i = 1; i <= 2; i++) {
      Deno.kill(Deno.pid, "SIGUSR2");
      while (printed.length < i) yield* sleep(1);
    }
  });
  assertEquals(printed.length, 2);
  assertMatch(printed[0]!, /^main \(waiting on sleep\(1\)\)/);
});

law("dumpOn() ends when it is disposed of, and hides no deadlock", async () => {
  await assertRejects(
    () =>
      run(function* () {
        dumpOn("SIGUSR2")[Symbol.dispose]();
        dumpOn("SIGUSR2");
        yield* sleep(Infinity);
      }),
    DeadlockError,
  );
});
