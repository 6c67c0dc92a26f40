/** Many sleepers on a virtual clock. */
import { assert, assertEquals } from "@std/assert";
import { run, sleep, spawn, type Task } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";

/** Has so many tasks (a power of ten) sleep, each for a time of its own, and looks at the order in which they wake. */
export async function wakeInOrder(count: number): Promise<void> {
  const clock = new VirtualClock();
  let woken = 0;
  await run(function* () {
    let last = -1;
    const nap = function* (ms: number) {
      yield* sleep(ms);
      if (ms < last) throw new Error(`${ms} after ${last}`);
      last = ms;
      woken++;
    };
    // A full cycle of a linear congruence: every deadline once, in a scrambled order.
    let ms = 1;
    for (let i = 0; i < count; i++) {
      spawn(nap, ms);
      ms = (ms * 21 + 7) % count;
    }
  }, { clock });
  assertEquals(woken, count);
}

/** Has so many tasks sleep, cancels them all, and looks at the clock: no timer rings. */
export async function cancelSleepers(count: number): Promise<void> {
  const clock = new VirtualClock();
  await run(function* () {
    const tasks: Task[] = [];
    for (let i = 0; i < count; i++) {
      tasks.push(spawn(function* () {
        yield* sleep(1e9 + i);
      }));
    }
    yield* sleep(1);
    for (const task of tasks) task.cancel();
    yield* sleep(1);
    assert(tasks.every((task) => task.cancelled));
  }, { clock });
  assertEquals(clock.now(), 2);
}
