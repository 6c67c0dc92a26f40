/** An async task that is alone keeps the turn when it cedes; nobody must notice. */
import { assertEquals } from "@std/assert";
import { Cancelled, currentTask, run, sleep, spawn } from "@weft/weft";
import { law } from "../lib/law.ts";

law("A timer rings while the only task cedes in a loop", async () => {
  let rung = false;
  await run(async function* () {
    spawn(async function* () {
      yield* sleep(1);
      rung = true;
    });
    const end = performance.now() + 5000;
    while (!rung && performance.now() < end) yield;
  });
  assertEquals(rung, true);
});

law("The host has its turn while the only task cedes in a loop", async () => {
  let turned = false;
  setTimeout(() => turned = true, 1);
  await run(async function* () {
    const end = performance.now() + 5000;
    while (!turned && performance.now() < end) yield;
  });
  assertEquals(turned, true);
});

law("A cancel from outside reaches a task that cedes alone at its next yield", async () => {
  let steps = 0;
  await run(async function* () {
    const me = currentTask();
    queueMicrotask(() => me.cancel("enough"));
    for (; steps < 1000; steps++) yield;
  }).catch((error) => assertEquals(error instanceof Cancelled, true));
  assertEquals(steps < 1000, true);
});

law("Whoever becomes ready while a task cedes alone has the next turn", async () => {
  const order: string[] = [];
  await run(async function* () {
    for (let i = 0; i < 3; i++) {
      order.push(`main ${i}`);
      yield;
    }
    spawn(function* () {
      order.push("child 0");
      yield;
      order.push("child 1");
    });
    for (let i = 3; i < 6; i++) {
      order.push(`main ${i}`);
      yield;
    }
  });
  assertEquals(order, [
    "main 0",
    "main 1",
    "main 2",
    "main 3",
    "child 0",
    "main 4",
    "child 1",
    "main 5",
  ]);
});
