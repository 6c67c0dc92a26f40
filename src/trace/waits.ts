/** What a task waits on, in words: for those who print a run. */
import type { Task } from "../kernel/task.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";

/** A chain of holders is followed no further than this. */
const LONGEST_CHAIN = 100;

/** A wait that is parked. */
export interface ParkedWait extends Wait {
  readonly source: WaitSource;
}

/** The waits a task sits in, latest first, less those that only stand for others inside them. */
export function leafWaits(task: Task): ParkedWait[] {
  return task.waits.filter((wait): wait is ParkedWait =>
    wait.source !== null && wait.source.nested !== true
  );
}

/** One line's worth: control characters of a name must not get to a terminal. */
export function plain(text: unknown): string {
  return String(text).replaceAll(/\p{Cc}/gu, "?");
}

/** What a task waits on, and who holds that; empty if it does not wait. */
export function waitsOn(task: Task): string {
  if (task.isAway) return "a foreign await";
  return leafWaits(task).map(({ source }) => sourceText(source)).join(" and ");
}

/** A wait's source, and who holds it. */
export function sourceText(source: WaitSource): string {
  const { holder } = source;
  return plain(source) + (holder === undefined ? "" : ` held by ${plain(holder.name)}`);
}

/** Who keeps a task waiting, and who keeps that one, and so on: a line for each, or none. */
export function holderChain(task: Task): string[] {
  const lines: string[] = [];
  const seen = new Set<Task>([task]);
  let at = task;
  while (lines.length < LONGEST_CHAIN) {
    const wait = leafWaits(at).find(({ source }) => source.holder !== undefined);
    if (wait === undefined) return lines;
    const holder = wait.source.holder as Task;
    const again = seen.has(holder);
    lines.push(
      `${plain(at.name)} waits on ${sourceText(wait.source)}${again ? ": a cycle" : ""}`,
    );
    if (again) return lines;
    seen.add(holder);
    at = holder;
  }
  return lines;
}
