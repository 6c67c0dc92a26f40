import { assertEquals } from "@std/assert";
import { currentTask, Queue, run, spawn, type Task } from "@weft/weft";
import { formatTaskTree } from "@weft/weft/lowlevel";
import { law } from "../lib/law.ts";

/** The tasks made after one, as far as its run's list leads. */
function siblings(task: Task): Task[] {
  const found: Task[] = [];
  for (let next = task.previous; next !== null; next = next.previous) found.push(next);
  return found;
}

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
