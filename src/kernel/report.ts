/**
 * A run in words: which tasks there are, what each waits on, and who holds that. One wording for the
 * deadlock report, the task tree and the monitor.
 *
 * Every text is bounded: names are cut, a tree shows so many tasks and is indented so far. A report of a
 * million tasks would fail the run that it reports on.
 */
import { checkArray, checkMethods, checkOptions } from "./checks.ts";
import { printable } from "./printable.ts";
import { waitSites } from "./sites.ts";
import type { Task } from "./task.ts";
import type { Wait, WaitSource } from "./wait.ts";

/** So much of a line of the program is shown. */
const SITE_LENGTH = 500;
const OF_ANOTHER_RUN = ", a task of another run that is still alive";
/** So many of the waits of one task are shown. */
const MOST_WAITS = 5;
/** So many things of one kind are listed of a single task or lock. */
export const MOST_ITEMS = 20;
/** A chain of holders is followed no further than this. */
const LONGEST_CHAIN = 100;
/** So many tasks of one circle. */
export const MOST_EDGES = 100;
/** Tasks below so many others are indented no further. */
const DEEPEST = 40;

/** A wait that is parked. */
interface ParkedWait extends Wait {
  readonly source: WaitSource;
}

/** How a tree is to be shown. */
export interface TreeOptions {
  /** Whether to add where each task was spawned, and where it waits. @default {false} */
  sites?: boolean;
  /** How many tasks to show at most; a last line tells of the others. @default {Infinity} */
  most?: number;
}

/** The waits a task sits in, latest first, less those that only stand for others inside them. */
export function leafWaits(task: Task): ParkedWait[] {
  return task.waits.filter((wait): wait is ParkedWait => wait.isLeaf);
}

/** The state of a task in a word: `away` while it is in a foreign `await`. */
export function stateOf(task: Task): string {
  return task.isAway ? "away" : task.state;
}

/** What a task waits on, and who holds that; empty if it does not wait. */
export function waitsOn(task: Task, comma: "" | "," = ""): string {
  if (task.isAway) return "a foreign await";
  const waits = leafWaits(task);
  const shown = waits.slice(0, MOST_WAITS)
    .map((wait) => sourceText(wait.source, comma) + (waitsElsewhere(wait) ? OF_ANOTHER_RUN : ""))
    .join(" and ");
  return waits.length > MOST_WAITS ? `${shown} and ${waits.length - MOST_WAITS} more` : shown;
}

/** A wait's source, and who holds it. */
export function sourceText(source: WaitSource, comma: "" | "," = ""): string {
  const { holder } = source;
  if (holder === undefined) return printable(source);
  return `${printable(source)}${comma} ${heldBy(holder)}${holder.done ? ", which has ended" : ""}`;
}

/** Who holds something. */
export function heldBy(...holders: readonly { readonly name: string }[]): string {
  return `held by ${listed(holders.map(({ name }) => name))}`;
}

/** Things in a row, and how many more there are. */
export function listed(things: readonly unknown[]): string {
  const shown = things.slice(0, MOST_ITEMS).map((thing) => printable(thing)).join(", ");
  return things.length > MOST_ITEMS ? `${shown} and ${things.length - MOST_ITEMS} more` : shown;
}

/** Whether a wait is for a living task of another run, which may end it at any time. */
export function waitsElsewhere(wait: ParkedWait): boolean {
  const holder = wait.source.holder;
  return holder !== undefined && !holder.done && holder.host !== wait.task.host;
}

/** One step of a chain of those who wait for one another. */
export function edgeText(task: Task, source: WaitSource): string {
  return `${printable(task.name)} waits ${sourceText(source)}`;
}

/** A circle of those who wait for one another, as one line. */
export function cycleText(edges: readonly string[]): string {
  const more = edges.length > MOST_EDGES ? ` → ${edges.length - MOST_EDGES} more` : "";
  return `  cycle: ${edges.slice(0, MOST_EDGES).join(" → ")}${more}`;
}

/** The latest wait of a task that somebody holds up. */
export function heldWait(task: Task): ParkedWait | undefined {
  return leafWaits(task).find(({ source }) => source.holder !== undefined);
}

/** Who keeps a task waiting, and who keeps that one, and so on: a line for each, or none. */
export function holderChain(task: Task): string[] {
  const lines: string[] = [];
  const seen = new Set<Task>([task]);
  let at = task;
  while (lines.length < LONGEST_CHAIN) {
    const wait = heldWait(at);
    if (wait === undefined) return lines;
    const holder = wait.source.holder!;
    const again = seen.has(holder);
    lines.push(
      `${printable(at.name)} waits on ${sourceText(wait.source)}${again ? ": a cycle" : ""}`,
    );
    if (again) return lines;
    seen.add(holder);
    at = holder;
  }
  return lines;
}

/** The living tasks as an indented tree, each with its state and what it waits on. */
export function formatTaskTree(tasks: readonly Task[], options: TreeOptions = {}): string[] {
  const { sites = false, most = Infinity } = checkOptions(options, "formatTaskTree()");
  for (const task of checkArray(tasks, "tasks")) checkMethods(task, ["cancel", "abort"], "a task");
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
  let shown = 0;
  for (let top = stack.pop(); top !== undefined && shown < most; top = stack.pop()) {
    const { task, depth } = top;
    const indent = "  ".repeat(Math.min(depth, DEEPEST));
    const waits = waitsOn(task, ",");
    const on = waits === "" ? "" : ` on ${waits}`;
    lines.push(`${indent}${printable(task.name)} (${stateOf(task)}${on})`);
    shown++;
    if (sites) lines.push(...siteLines(task).map((line) => `${indent}    ${line}`));
    for (const child of (children.get(task) ?? []).reverse()) {
      stack.push({ task: child, depth: depth + 1 });
    }
  }
  if (shown < tasks.length) lines.push(`and ${tasks.length - shown} more tasks`);
  return lines;
}

/** Where a task was spawned and where it waits, as far as that is known. */
export function siteLines(
  task: Task,
  sites: readonly (readonly string[])[] = waitSites(task),
): string[] {
  const lines = task.spawnSite === undefined ? [] : [`spawned at ${siteText(task.spawnSite)}`];
  for (const [site] of sites.slice(0, MOST_WAITS)) {
    if (site !== undefined) lines.push(`waits at ${siteText(site)}`);
  }
  return lines;
}

/** A line of the program, fit to be shown. */
export function siteText(site: string): string {
  return printable(site, SITE_LENGTH);
}
