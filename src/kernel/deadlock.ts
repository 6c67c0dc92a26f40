/**
 * What a deadlock report says: the tree of living tasks, what each waits on, and who waits for whom.
 *
 * A wait names its source, and a source its holder where it knows one, so the wait-for graph is there
 * without any bookkeeping during the run. Cycles are found by walking holders from each task; a task
 * waits for at most one holder per wait, so the walk is linear.
 */
import { edgeText, leafWaits, siteLines, taskTree } from "./report.ts";
import { DeadlockError } from "./errors.ts";
import { printable } from "./printable.ts";
import type { CancelScope } from "./scope.ts";
import { beginSite, waitSites } from "./sites.ts";
import type { Task } from "./task.ts";
import type { Party, Wait, WaitSource } from "./wait.ts";

/** A chain of holders is followed no further than this: a lock that is asked for must cost little. */
const LONGEST_CHAIN = 10_000;
/** So many tasks of the tree, and circles, are shown. */
const MOST_TASKS = 1000;
/** So many tasks of one circle. */
const MOST_EDGES = 100;

/**
 * Reports a wait that closes a cycle, while other work still goes on: by a warning, since somebody may
 * still think of a cancel. When nothing else goes on any more, the run fails of it.
 *
 * Only certain waits count: nobody but the holder can end them. So a wait under a deadline is none, nor
 * one of several that a task has, nor that of a child in a `race`.
 *
 * @param wait A wait that is about to park, for something that only its holder can give.
 * @param holder Who has it.
 * @param source What it is going to park on.
 */
export function reportCycle(wait: Wait, holder: Party, source: WaitSource): void {
  if (soleWait(holder as Task) === null) return; // nearly always; it must cost next to nothing
  const start = wait.task as Task;
  const cycle = [{ task: start, source }];
  let task = holder as Task;
  for (let length = 0; length < LONGEST_CHAIN; length++) {
    if (task === start) break;
    const next = soleWait(task);
    if (next === null) return;
    cycle.push({ task, source: next.source! });
    task = next.source!.holder as Task;
  }
  if (task !== start || !isCertain(wait, start) || leafWaits(start).length > 0) return;
  start.host.warn(
    [
      `Deadlock: ${cycle.length} tasks wait for one another, and only a cancel could end that`,
      cycleText(cycle.map(({ task, source }) => edgeText(task, source))),
      ...cycle.slice(0, MOST_EDGES).flatMap(({ task }) =>
        siteLines(task, task === start ? [beginSite(wait)] : waitSites(task))
          .map((line) => `  ${printable(task.name)} ${line}`)
      ),
    ].join("\n"),
  );
}

/** The one wait a task sits in, if nobody but a holder that is known can end it. */
function soleWait(task: Task): Wait | null {
  if (task.state !== "waiting" || task.isAway) return null;
  const waits = leafWaits(task);
  if (waits.length !== 1) return null;
  const wait = waits[0]!;
  const { holder, isShared } = wait.source!;
  return holder !== undefined && isShared !== true && isCertain(wait, task) ? wait : null;
}

/** Whether no deadline and no winner of a race can end a wait. */
function isCertain(wait: Wait, task: Task): boolean {
  if (!wait.alone) return false;
  let scope: CancelScope | null = wait.scope;
  for (let owner: Task = task;; owner = scope.task as unknown as Task) {
    for (; scope !== null; scope = scope.parent) {
      if (scope.bounded) return false;
      if (scope.shielded) return true;
    }
    const { keeper }: Task = owner;
    if (keeper?.isFickle === true) return false;
    scope = keeper?.scope ?? null;
    if (scope === null) return true;
  }
}

/** Tells in words why nothing can go on. */
export function deadlockError(tasks: readonly Task[]): DeadlockError {
  const cycles = findCycles(tasks);
  const lines = ["Cannot go on: every task waits, and nothing outside can wake one"];
  for (const cycle of cycles.slice(0, MOST_TASKS)) lines.push(cycleText(cycle.map(edge)));
  lines.push(...taskTree(tasks, { sites: true, most: MOST_TASKS }).map((line) => `  ${line}`));
  return new DeadlockError(
    lines.join("\n"),
    cycles.map((cycle) => cycle.map((task) => task.name)),
  );
}

/** The first holder a task waits for, as a task of this run. */
function heldUpBy(task: Task): Task | undefined {
  const wait = leafWaits(task).find((one) => one.source.holder !== undefined);
  return wait?.source.holder as Task | undefined;
}

function edge(task: Task): string {
  const wait = leafWaits(task).find((one) => one.source.holder !== undefined);
  return wait === undefined ? printable(task.name) : edgeText(task, wait.source);
}

function cycleText(edges: readonly string[]): string {
  const more = edges.length > MOST_EDGES ? ` → ${edges.length - MOST_EDGES} more` : "";
  return `  cycle: ${edges.slice(0, MOST_EDGES).join(" → ")}${more}`;
}

function findCycles(tasks: readonly Task[]): Task[][] {
  const cycles: Task[][] = [];
  const visited = new Set<Task>();
  for (const start of tasks) {
    const path: Task[] = [];
    const onPath = new Set<Task>();
    let task: Task | undefined = start;
    while (task !== undefined && !visited.has(task)) {
      visited.add(task);
      path.push(task);
      onPath.add(task);
      task = heldUpBy(task);
    }
    if (task !== undefined && onPath.has(task)) cycles.push(path.slice(path.indexOf(task)));
  }
  return cycles;
}
