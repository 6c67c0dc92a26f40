/**
 * Shared primitives on the side where they arrive.
 *
 * Their classes are loaded when the first one comes: a worker that never meets one starts as fast as if
 * there were none, and the code of a job may know a primitive by its type alone.
 */
import { holdsHandle, unpackShared } from "./pack.ts";

/** Unpacks some of a list of arguments in place. */
export async function unpackArguments(
  args: readonly unknown[],
  packed: Iterable<number>,
): Promise<void> {
  for (const index of packed) {
    if (!holdsHandle(args[index])) continue;
    await import("./kinds.ts");
    (args as unknown[])[index] = unpackShared(args[index]);
  }
}
