/** Many sleepers on a virtual clock. */
import { assertEquals } from "@std/assert";
import { run, sleep, spawn } from "@weft/weft";
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
