import { assert, assertEquals } from "@std/assert";
import { Queue, run, spawn, type Task } from "@weft/weft";
import type { Instrument } from "@weft/weft/lowlevel";
import { law } from "../lib/law.ts";

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
