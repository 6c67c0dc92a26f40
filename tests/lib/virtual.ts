/** A run on a virtual clock, and what tests run in it. */
import { run, type RunOptions, sleep } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";

/** Runs a body in no time. */
export function virtually<T>(
  body: () => AsyncGenerator<unknown, T, never>,
  options: RunOptions = {},
): Promise<T> {
  return run(body, { clock: new VirtualClock(), ...options });
}

/** Sleeps, then gives a value. */
export async function* nap<T>(ms: number, value: T): AsyncGenerator<unknown, T, never> {
  yield* sleep(ms);
  return value;
}

/** What an operation throws. */
export function* caught(
  operation: Iterable<unknown, unknown, unknown>,
): Generator<unknown, unknown, unknown> {
  try {
    yield* operation;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
