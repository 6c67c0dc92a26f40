/**
 * What a deadlock report says: the tree of living tasks, what each waits on, and who waits for whom.
 *
 * A wait names its source, and a source its holder where it knows one, so the wait-for graph is there
 * without any bookkeeping during the run. Cycles are found by walking holders from each task; a task
 * waits for at most one holder per wait, so the walk is linear.
 *
 * A circle may be gone a moment later; so one is looked at again after a while. No timer is set for that: it
 * would keep a run from finding itself idle, and would move virtual time. The circle is looked at when the loop
 * goes on for other reasons; a run that does not go on any more finds its deadlock anyway.
 */
import { DeadlockError } from "./errors.ts";
import { printable } from "./printable.ts";
import {
  cycleText,
  edgeText,
  formatTaskTree,
  heldWait,
  leafWaits,
  MOST_EDGES,
  siteLines,
  waitsElsewhere,
} from "./report.ts";
import type { CancelScope } from "./scope.ts";
import { beginSite, waitSites } from "./sites.ts";
import type { Keeper } from "./task_end.ts";
import type { Task } from "./task.ts";
import type { Wait, WaitSource } from "./wait.ts";

/** A chain of holders is followed no further than this: a lock that is asked for must cost little. */
const LONGEST_CHAIN = 10_000;
/** So many tasks of the tree, and circles, are shown. */
const MOST_TASKS = 1000;

/**
 * Waits that are known to lead into a circle which they are not on. A task that begins to wait behind one of
 * them is on no circle either, and need not walk it: thousands may come.
 */
const leadingNowhere = new WeakSet<Wait>();

const NONE: readonly WaitSource[] = [];

/** A walk from the holder of something back to the one that is about to wait for it. */
interface Circle {
  /** Each task on it, with what it waits on. */
  readonly links: readonly { readonly task: Task; readonly source: WaitSource }[];
  /** Whether all of its waits are `yield*`; an `await` may have something beside it that nobody can see. */
  readonly isCertain: boolean;
}

/**
 * Reports a wait that closes a cycle, while other work still goes on: by a warning, since somebody may
 * still think of a cancel. When nothing else goes on any more, the run fails of it.
 *
 * Only certain waits count: nobody but the holder can end them. So a wait under a deadline is none, nor
 * one of several that a task has, nor that of a child in a `race`. An `await`, or a `yield` in an
 * `async function*`, may be one of a `Promise.race` with a promise of the host's; nobody can tell. With
 * one of those on it, a circle is reported when it still stands a while later.
 *
 * @param wait A wait that is about to park, for something that only its holder can give.
 * @param holder Who has it.
 * @param source What it is going to park on.
 * @returns What the tasks of the circle wait for, in that order; nothing if there is no circle.
 */
export function reportCycle(wait: Wait, holder: Task, source: WaitSource): readonly WaitSource[] {
  const next = soleWait(holder); // nearly always none; it must cost next to nothing
  if (next === null || leadingNowhere.has(next)) return NONE;
  const start = wait.task;
  if (!isBound(wait, start) || leafWaits(start).length > 0) return NONE;
  const circle = walk(start, holder, source, wait.alone);
  if (circle === null) return NONE;
  const site = beginSite(wait);
  const sources = circle.links.map((link) => link.source);
  if (circle.isCertain) {
    warnOf(start, circle, site);
    return sources;
  }
  start.host.suspect(() => {
    const still = wait.state === "parked" && leafWaits(start).length === 1 && !start.isAway;
    const again = still ? walk(start, holder, source, false) : null;
    if (again !== null) warnOf(start, again, site);
  });
  return sources;
}

/** Follows the holders until they come back to `start`; `null` if they do not. */
function walk(
  start: Task,
  holder: Task,
  source: WaitSource,
  startsAlone: boolean,
): Circle | null {
  const links = [{ task: start, source }];
  const passed = new Set<Wait>();
  let isCertain = startsAlone;
  let task = holder;
  while (task !== start && passed.size < LONGEST_CHAIN) {
    const next = soleWait(task);
    if (next === null) return null;
    if (passed.has(next) || leadingNowhere.has(next)) {
      for (const wait of passed) leadingNowhere.add(wait);
      return null;
    }
    passed.add(next);
    isCertain &&= next.alone;
    links.push({ task, source: next.source! });
    task = next.source!.holder!;
  }
  return task === start ? { links, isCertain } : null;
}

function warnOf(start: Task, { links, isCertain }: Circle, site: string[]): void {
  const ends = ["a cancel"];
  const lent = links.find(({ source }) => source.anyReleases === true)?.source;
  if (lent !== undefined) ends.push(`another task that gives back ${printable(lent.owner)}`);
  const how = `and only ${ends.join(" or ")} could end that`;
  const unless = isCertain ? "" : ", unless one of these awaits is in a Promise.race";
  start.host.warn(
    [
      `Deadlock: ${links.length} tasks wait for one another, ${how}${unless}`,
      cycleText(links.map(({ task, source }) => edgeText(task, source))),
      ...links.slice(0, MOST_EDGES).flatMap(({ task }) =>
        siteLines(task, task === start ? [site] : waitSites(task))
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
  return holder !== undefined && isShared !== true && isBound(wait, task) ? wait : null;
}

/** Whether no deadline and no winner of a race can end a wait. */
function isBound(wait: Wait, task: Task): boolean {
  let scope: CancelScope | null = wait.scope;
  for (let owner: Task = task;; owner = scope.task) {
    for (; scope !== null; scope = scope.parent) {
      if (scope.bounded) return false;
      if (scope.shielded) return true;
    }
    const keeper: Keeper | null = owner.rare?.keeper ?? null;
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
  if (cycles.length === 0) lines.push(`  ${hintFor(tasks)}`);
  lines.push(
    ...formatTaskTree(tasks, { sites: true, most: MOST_TASKS }).map((line) => `  ${line}`),
  );
  return new DeadlockError(
    lines.join("\n"),
    cycles.map((cycle) => cycle.map((task) => task.name)),
  );
}

/** What to write where the run would have been woken by something that it could not know of. */
function hintFor(tasks: readonly Task[]): string {
  const isElsewhere = tasks.some((task) => leafWaits(task).some(waitsElsewhere));
  const why = isElsewhere ? "another run is to end this wait" : "something outside is to wake it";
  return `if ${why}, say so: external() for as long as that may come; for events of an EventTarget ` +
    `use eventsOf(), for a promise wait()`;
}

/** The task as a link of a circle. */
function edge(task: Task): string {
  const wait = heldWait(task);
  return wait === undefined ? printable(task.name) : edgeText(task, wait.source);
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
      task = heldWait(task)?.source.holder;
    }
    if (task !== undefined && onPath.has(task)) cycles.push(path.slice(path.indexOf(task)));
  }
  return cycles;
}

/** After so many milliseconds, on the run's clock. */
const RECHECK_MS = 100;

/** What is to be looked at again. */
export class CycleRechecks {
  #list: { readonly at: number; readonly look: () => void }[] = [];

  /** Whether there is anything. */
  get some(): boolean {
    return this.#list.length > 0;
  }

  /** Has `look` called a while after `now`. */
  add(now: number, look: () => void): void {
    this.#list.push({ at: now + RECHECK_MS, look });
  }

  /** Looks at what was to be looked at by now. */
  look(now: number): void {
    if (this.#list[0]!.at > now) return;
    const due = this.#list.filter(({ at }) => at <= now);
    this.#list = this.#list.filter(({ at }) => at > now);
    for (const { look } of due) look();
  }
}
