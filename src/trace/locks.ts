/**
 * The locks of a run, found through its tasks: nobody keeps a list of all locks.
 *
 * A task knows what it holds, and a wait knows the queue it stands in; both name the lock. What several
 * tasks may hold at a time (a semaphore) shows up once somebody waits for it.
 */
import type { Task } from "../kernel/task.ts";
import type { WaitSource } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { leafWaits } from "../kernel/report.ts";

/** Something that is held, and who stands in line for it. */
export interface HeldLock {
  /** As in `Lock#1`, or `Semaphore#1.acquire()` where only its queue is known. */
  readonly name: string;
  /** Who has it; one of them, if there may be several. */
  readonly holder: Task;
  /** Who waits, the longest first, each with what it called. */
  readonly waiters: readonly { readonly task: Task; readonly call: string }[];
}

/** Everything that tasks hold, in the order of their ids; then what is held in common and waited for. */
export function heldLocks(tasks: readonly Task[]): HeldLock[] {
  const lines = new Map<Task, Set<WaitSource>>();
  for (const task of tasks) {
    for (const { source } of leafWaits(task)) {
      const holder = source.holder as Task | undefined;
      if (holder === undefined) continue;
      const known = lines.get(holder);
      if (known === undefined) lines.set(holder, new Set([source]));
      else known.add(source);
    }
  }
  const found: HeldLock[] = [];
  for (const holder of tasks) {
    for (const holding of [...holder.holdings].reverse()) {
      const name = String(holding);
      const sources = [...lines.get(holder) ?? []].filter((source) =>
        String(source).startsWith(`${name}.`)
      );
      found.push({ name, holder, waiters: sources.flatMap(inLine) });
    }
  }
  for (const [holder, sources] of lines) {
    for (const source of sources) {
      if (source.isShared === true) {
        found.push({ name: String(source), holder, waiters: inLine(source) });
      }
    }
  }
  return found;
}

function inLine(source: WaitSource): HeldLock["waiters"] {
  if (!(source instanceof WaitQueue)) return [];
  return [...source].map((wait) => ({ task: wait.task as Task, call: String(source) }));
}
