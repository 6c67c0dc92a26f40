/**
 * A task's way through the five states of the textbook: new, ready, running, waiting, terminated.
 * Watch for the two ways back to ready: from running by ceding (its time slice, so to speak, is over),
 * and from waiting when what it waited for has happened. The chart at the end shows the same life in time.
 *
 *     deno run examples/five_states.ts
 */
import { ganttChart, run, sleep, spawnLater, type Task, Timeline } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";

readArgs("new, ready, running, waiting, terminated.\n\n  deno run examples/five_states.ts");

const seen: string[] = [];
const timeline = new Timeline();

function note(task: Task, why: string) {
  if (task.name === "main") return;
  seen.push(task.state);
  console.log(`${task.state.padEnd(10)}  ${why}`);
}

await run(async function* () {
  const task = spawnLater(10, async function* () {
    yield; // running -> ready
    yield* sleep(10); // running -> waiting -> ready
  });
  yield* task.join();
}, {
  instruments: [timeline, {
    spawned: (task) => note(task, "spawned, to start in 10 ms"),
    ready: (task) => note(task, "stands in the ready queue"),
    stepBegin: (task) => note(task, "has the turn"),
    waiting: (task, on) => note(task, `waits on ${on}`),
    exited: (task) => note(task, "has returned"),
  }],
});

console.log(`path: ${seen.join(" → ")}`);
console.log(ganttChart(timeline));
