/** What is left on the heap when all garbage is gone. */
import v8 from "node:v8";
import vm from "node:vm";

let collect: (() => void) | null = null;

/** Collects all garbage, now. */
export async function collectGarbage(): Promise<void> {
  if (collect === null) {
    v8.setFlagsFromString("--expose-gc");
    collect = vm.runInNewContext("gc") as () => void;
  }
  for (let turns = 0; turns < 3; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 1)); // what finalizers and promises still hold
    collect();
  }
}

/** How many bytes the heap grew by while `work` ran, once its garbage is gone. */
export async function growthOf(work: () => unknown): Promise<number> {
  await collectGarbage();
  const before = Deno.memoryUsage().heapUsed;
  await work();
  await collectGarbage();
  return Deno.memoryUsage().heapUsed - before;
}
