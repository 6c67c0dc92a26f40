import { assert, assertEquals } from "@std/assert";
import { currentTask, run, sleep, spawn, type Task } from "@weft/weft";
import type { Policy } from "@weft/weft/lowlevel";
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
