/**
 * An hour of timers in milliseconds, on the virtual clock. Watch for the two times at the end: the run
 * believes that an hour has passed, and every deadline fell in its proper order.
 *
 *     deno run examples/time_travel.ts
 */
import { run, sleep, spawn, TimeoutError, withTimeout } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { readArgs } from "./lib/cli.ts";

readArgs("An hour of timers in milliseconds.\n\n  deno run examples/time_travel.ts");

const MINUTE = 60_000;
const clock = new VirtualClock();
const began = performance.now();

await run(async function* () {
  const at = () => `${String(clock.now() / MINUTE).padStart(4)} min`;
  let beats = 0;
  const heart = spawn(function* () {
    for (;;) {
      yield* sleep(1000);
      beats++;
    }
  });
  heart.daemon = true;

  spawn(async function* () {
    yield* sleep(20 * MINUTE);
    console.log(`${at()}: the tea is cold`);
  });
  try {
    yield* withTimeout(45 * MINUTE, sleep(24 * 60 * MINUTE));
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log(`${at()}: gave up on the day-long job`);
  }
  yield* sleep(15 * MINUTE);
  console.log(`${at()}: an hour is over, the heart beat ${beats} times`);
}, { clock });

console.log(`real time: ${Math.round(performance.now() - began)} ms`);
