/**
 * Children that fail and are started again. Watch the difference: one for one restarts only the child that
 * failed, one for all restarts its siblings too, because they depend on each other; and too many failures in
 * too short a time end the supervision with what led there.
 *
 *     deno run examples/supervise.ts
 */
import { run, sleep, supervise, SupervisionError } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { readArgs } from "./lib/cli.ts";

readArgs("Children that fail and are restarted.\n\n  deno run examples/supervise.ts");

for (const strategy of ["one-for-one", "one-for-all"] as const) {
  console.log(strategy);
  await run(async function* () {
    let tries = 0;
    yield* supervise({
      database: async function* () {
        console.log("  database starts");
        yield* sleep(10);
        if (++tries < 3) throw new Error("lost its connection");
      },
      cache: async function* () {
        console.log("  cache starts");
        yield* sleep(100);
      },
    }, {
      strategy,
      backoff: { first: 5 },
      onRestart: (child, error, count) =>
        console.log(`  ${child} ${(error as Error).message}, restart ${count}`),
    });
  }, { clock: new VirtualClock() });
}

try {
  await run(async function* () {
    yield* supervise({
      hopeless: async function* () {
        yield* sleep(1);
        throw new Error("cannot start");
      },
    }, { intensity: { restarts: 2, within: 1000 } });
  }, { clock: new VirtualClock() });
} catch (error) {
  if (!(error instanceof SupervisionError)) throw error;
  console.log(`given up after ${error.errors.length} failures: ${error.message.split("\n")[0]}`);
}
