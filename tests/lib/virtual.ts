/** A run on a virtual clock, and what tests do in it. */
import { run, type RunOptions, sleep } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";

/** What can be run, in either lane. */
export type Body<T> = () => AsyncGenerator<unknown, T, never> | Generator<unknown, T, never>;

/** The clock of the law that runs. */
export let clock: VirtualClock = new VirtualClock();

/** Runs a body in no time. */
export function virtually<T>(body: Body<T>, options: RunOptions = {}): Promise<T> {
  clock = new VirtualClock();
  return run(body, { clock, ...options });
}

/** Sleeps, then gives a value. */
export async function* nap<T>(ms: number, value: T): AsyncGenerator<unknown, T, never> {
  yield* sleep(ms);
  return value;
}

/** What an operation throws; for `yield*` in either lane. */
export function* thrown(operation: unknown): Generator<unknown, unknown, unknown> {
  try {
    yield* operation as Iterable<unknown, unknown, unknown>;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
