/**
 * Deadlines, cancels, and clean-up that is allowed to finish. Watch for what does not appear: no line
 * after a cancelled wait is ever run, and each "cleaned up" comes before the error is reported.
 *
 *     deno run examples/timeouts.ts
 */
import {
  Cancelled,
  moveOnAfter,
  run,
  shield,
  sleep,
  spawn,
  TimeoutError,
  withTimeout,
} from "@weft/weft";
import { readArgs } from "./lib/cli.ts";

readArgs("Timeout scopes, cancel, shielded clean-up.\n\n  deno run examples/timeouts.ts");

async function* slow(name: string) {
  try {
    yield* sleep(10_000);
    console.log(`${name}: never printed`);
  } finally {
    yield* shield(sleep(5)); // closing a connection, say
    console.log(`${name}: cleaned up`);
  }
}

await run(async function* () {
  try {
    yield* withTimeout(20, () => slow("withTimeout"));
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log(`withTimeout: ${error.message}`);
  }

  const value = yield* moveOnAfter(20, () => slow("moveOnAfter"));
  console.log(`moveOnAfter: went on with ${value}`);

  // The outer deadline comes first: it is the outer scope that reports it.
  try {
    yield* withTimeout(10, async function* () {
      yield* withTimeout(1000, () => slow("nested"));
    });
  } catch (error) {
    console.log(`nested: the ${(error as TimeoutError).ms} ms deadline was hit`);
  }

  const task = spawn(slow, "cancel");
  yield* sleep(5);
  yield* task.cancel("nobody needs it");
  const { error } = task;
  if (error instanceof Cancelled) console.log(`cancel: ended by ${error.source}, ${error.reason}`);
});
