/** Cost that a busy machine does not change: the processor time of this thread, not the time of the clock. */
import process from "node:process";

/** How many milliseconds of processor time this thread has used so far. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** How many milliseconds of processor time this thread spends until `work` is done. */
export async function costOf(work: () => unknown): Promise<number> {
  const before = threadMs();
  await work();
  return threadMs() - before;
}
