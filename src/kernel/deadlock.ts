/**
 * What a deadlock report says: the tree of living tasks, what each waits on, and who waits for whom.
 *
 * A wait names its source, and a source its holder where it knows one, so the wait-for graph is there
 * without any bookkeeping during the run. Cycles are found by walking holders from each task; a task
 * waits for at most one holder per wait, so the walk is linear.
 */
import { DeadlockError } from "./errors.ts";
import type { Task } from "./task.ts";

/** Tells in words why nothing can go on. */
export function deadlockError(tasks: readonly Task[]): DeadlockError {
  const cycles = findCycles(tasks);
  const lines = ["Cannot go on: every task waits, and nothing outside can wake one"];
  for (const cycle of cycles) lines.push(`  cycle: ${cycle.map(edge).join(" → ")}`);
  lines.push(...taskTree(tasks).map((line) => `  ${line}`));
  return new DeadlockError(
    lines.join("\n"),
    cycles.map((cycle) => cycle.map((task) => task.name)),
  );
}

/** The living tasks as an indented tree, each with its state and what it waits on. */
export function taskTree(tasks: readonly Task[]): string[] {
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
    lines.push(`${"  ".repeat(depth)}${task.name} (${task.state}${waitsOn(task)})`);
    for (const child of (children.get(task) ?? []).reverse()) {
      stack.push({ task: child, depth: depth + 1 });
    }
  }
  return lines;
}

function waitsOn(task: Task): string {
  const waits = leafWaits(task).map((wait) => {
    const holder = wait.source?.holder;
    return `${wait.source}${holder === undefined ? "" : `, held by ${holder.name}`}`;
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
  return wait === undefined
    ? task.name
    : `${task.name} waits ${wait.source} held by ${wait.source!.holder!.name}`;
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
