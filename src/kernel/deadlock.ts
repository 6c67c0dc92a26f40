/**
 * What a deadlock report says: the tree of living tasks, what each waits on, and who waits for whom.
 *
 * A wait names its source, and a source its holder where it knows one, so the wait-for graph is there
 * without any bookkeeping during the run. Cycles are found by walking holders from each task; a task
 * waits for at most one holder per wait, so the walk is linear.
 */
import { DeadlockError } from "./errors.ts";
import type { CancelScope } from "./scope.ts";
import { beginSite, waitSites } from "./sites.ts";
import type { Task } from "./task.ts";
import type { Party, Wait, WaitSource } from "./wait.ts";

/** A chain of holders is followed no further than this: a lock that is asked for must cost little. */
const LONGEST_CHAIN = 10_000;

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
  const edges = cycle.map(({ task, source }, i) =>
    edgeText(task, source, cycle[(i + 1) % cycle.length]!.task)
  );
  start.host.warn(
    [
      `Deadlock: ${cycle.length} tasks wait for one another, and only a cancel could end that`,
      `  cycle: ${edges.join(" → ")}`,
      ...cycle.flatMap(({ task }) =>
        siteLines(task, task === start ? [beginSite(wait)] : waitSites(task))
          .map((line) => `  ${task.name} ${line}`)
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
  for (const cycle of cycles) lines.push(`  cycle: ${cycle.map(edge).join(" → ")}`);
  lines.push(...taskTree(tasks, { sites: true }).map((line) => `  ${line}`));
  return new DeadlockError(
    lines.join("\n"),
    cycles.map((cycle) => cycle.map((task) => task.name)),
  );
}

/** The living tasks as an indented tree, each with its state and what it waits on; `sites` adds where. */
export function taskTree(tasks: readonly Task[], options: { sites?: boolean } = {}): string[] {
  const children = new Map<Task | null, Task[]>();
  const alive = new Set(tasks);
  for (const task of tasks) {
    const parent = task.spawner !== null && alive.has(task.spawner) ? task.spawner : null;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [task]);
    else siblings.push(task);
  }
  const lines: string[] = [];
  const stack = (children.get(null) ?? []).map((task) => ({ task, depth: 0 })).reverse();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { task, depth } = top;
    const indent = "  ".repeat(depth);
    lines.push(`${indent}${task.name} (${task.state}${waitsOn(task)})`);
    if (options.sites === true) {
      lines.push(...siteLines(task).map((line) => `${indent}    ${line}`));
    }
    for (const child of (children.get(task) ?? []).reverse()) {
      stack.push({ task: child, depth: depth + 1 });
    }
  }
  return lines;
}

/** Where a task was spawned and where it waits, as far as that is known. */
function siteLines(task: Task, sites: readonly string[][] = waitSites(task)): string[] {
  const lines = task.spawnSite === undefined ? [] : [`spawned at ${task.spawnSite}`];
  for (const [site] of sites) if (site !== undefined) lines.push(`waits at ${site}`);
  return lines;
}

function waitsOn(task: Task): string {
  const waits = leafWaits(task).map((wait) => {
    const holder = wait.source?.holder;
    if (holder === undefined) return String(wait.source);
    const ended = (holder as Task).done ? ", which has ended" : "";
    return `${wait.source}, held by ${holder.name}${ended}`;
  });
  return waits.length === 0 ? "" : ` on ${waits.join(" and ")}`;
}

function leafWaits(task: Task): Task["waits"] {
  return task.waits.filter((wait) => wait.source !== null && wait.source.nested !== true);
}

/** The first holder a task waits for, as a task of this run. */
function heldUpBy(task: Task): Task | undefined {
  const wait = leafWaits(task).find((one) => one.source!.holder !== undefined);
  return wait?.source?.holder as Task | undefined;
}

function edge(task: Task): string {
  const wait = leafWaits(task).find((one) => one.source!.holder !== undefined);
  return wait === undefined ? task.name : edgeText(task, wait.source!, wait.source!.holder!);
}

function edgeText(task: Party, source: { toString(): string }, holder: Party): string {
  return `${task.name} waits ${source} held by ${holder.name}`;
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
