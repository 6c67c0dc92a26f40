/**
 * Which worker gets the next batch, and whose jobs are taken back.
 *
 * Two milliseconds of work hide the way to the worker and back, and are little enough to deal evenly. A
 * job that takes longer gets one more behind it, so that its worker never waits. What a call costs is
 * only an estimate, though, and the next one may take a thousand times longer. So when a worker has
 * nothing to do while another sits on jobs it has not begun, these are taken back: at once if they are
 * known to be worth it or their worker is late, otherwise after a millisecond. A worker that could be
 * started counts as idle, too, but starting it takes as long as a thousand short jobs, so that waits.
 *
 * A job that is a task body waits, most of the time, beside others of its worker. How long it will take
 * says nothing about how much a worker can bear; so these are dealt out by number. A worker that has
 * plain jobs to do would let one wait for its turn, so it counts as if it had some more; and should some
 * be stuck behind something that computes, those that have not begun go to another worker.
 */
import type { WorkerSet } from "./worker_set.ts";
import { MOST_JOBS } from "../thread/wire.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { Batch } from "./batch.ts";

/** How much work a worker is given ahead, in milliseconds. */
const AHEAD_MS = 2;
/** It is topped up once it has no more than this. */
const LOW_MS = 1;
/** Jobs not begun are taken back at once if they make up more than this, in milliseconds. */
const WORTH_MS = 1;
/** Or if their worker has been silent for this much longer than expected, in milliseconds. */
const LATE_MS = 0.5;
/** If nobody is idle but another worker could be started, they must have waited for this much too long. */
const HIRE_MS = 20;

/** An idle worker if there is one, else a new one if that pays, else the one with least to do. */
export function pickWorker(workerSet: WorkerSet, source: JobSource): WorkerHandle | null {
  let best: WorkerHandle | null = null;
  let least = Infinity;
  for (const handle of workerSet.active) {
    if (!hasRoom(handle, workerSet, source.areTasks)) continue;
    const load = source.areTasks ? taskLoad(handle) : jobLoad(handle);
    if (load >= least) continue;
    best = handle;
    least = load;
  }
  if (best !== null && least < 0) return best;
  const pays = best === null || source.areTasks || source.work > WORTH_MS;
  return pays && workerSet.short ? workerSet.startWorker() : best;
}

/** How long it will be busy; less than 0 if it is idle. */
function jobLoad(handle: WorkerHandle): number {
  return handle.owed > 0 ? handle.load : handle.state === "up" ? -2 : -1;
}

/** How many tasks it has, or as good as has; less than 0 for none. */
function taskLoad({ tasks, owed }: WorkerHandle): number {
  return tasks + (owed > 0 ? COMPUTING : 0) || -1;
}

/** How much of a source a worker may take: its room, and no more than its share. */
export function allowanceFor(
  handle: WorkerHandle,
  workerSet: WorkerSet,
  source: JobSource,
): Allowance {
  if (source.areTasks) return oneTask;
  let stalled = 0;
  for (const other of workerSet.active) if (other.stalled) stalled++;
  const takers = Math.max(1, workerSet.size - stalled);
  const most = Math.min(MOST_JOBS, workerSet.left(handle));
  return {
    most,
    jobs: Math.min(most, Math.ceil(source.waiting / takers)),
    ms: Math.max(0, AHEAD_MS - handle.load),
    idle: handle.owed === 0,
  };
}

function hasRoom(handle: WorkerHandle, workerSet: WorkerSet, isTask: boolean): boolean {
  if (!handle.hasSlot(isTask) || workerSet.left(handle) <= 0) return false;
  if (isTask) return !handle.stuck;
  const { owed, load, stalled } = handle;
  return !stalled && (owed === 0 || (load < Infinity && (owed < 2 || load <= LOW_MS)));
}

/** What came of {@linkcode relieve}: jobs were taken back; perhaps they should be, later; no need. */
export type Relief = "took" | "later" | "none";

/**
 * If a worker is idle, or one could be started, takes back what another has not begun; when `surely`,
 * only if that is sure to be worth it.
 */
export function relieve(workerSet: WorkerSet, surely: boolean): Relief {
  const spare = workerSet.active.some(isIdle);
  if (!spare && !workerSet.short) return "none";
  let victim: WorkerHandle | null = null;
  let most = -1;
  for (const handle of workerSet.active) {
    const { idleWork } = handle;
    if (idleWork <= most) continue;
    victim = handle;
    most = idleWork;
  }
  if (victim === null) return "none";
  if (spare) {
    if (surely && !(victim.working && (most > WORTH_MS || victim.late > LATE_MS))) return "later";
  } else if (!victim.atWork || victim.late < HIRE_MS) {
    return "later";
  }
  victim.stalled = true;
  let took = false;
  for (const batch of victim.batches.toReversed()) took = batch.takeBack() || took;
  return took ? "took" : "none";
}

function isIdle(handle: WorkerHandle): boolean {
  return handle.state === "up" && handle.owed === 0 && !handle.stalled && !handle.retiring;
}

/** How much a worker has room for. */
export interface Allowance {
  /** The most jobs, by any reckoning. */
  readonly most: number;
  /** A fair share of what waits. */
  readonly jobs: number;
  /** About how much work, in milliseconds; one job always fits. */
  readonly ms: number;
  /** Whether the worker has nothing else to do, so that a job of unknown length may go to it. */
  readonly idle: boolean;
}

/** Somewhere jobs wait. */
export interface JobSource {
  /** Whether its jobs are task bodies, which hold no turn: each goes by itself. */
  readonly areTasks: boolean;
  /** When something was taken from it last: a number that counts up. */
  turn: number;
  /** How many jobs could be taken now. */
  readonly waiting: number;
  /** About how much work that is, in milliseconds. */
  readonly work: number;
  /** How urgent the first of them is; higher goes first. */
  readonly priority: number;
  /** Takes jobs off the front; `null` if the first may not go to such a worker. */
  take(allowance: Allowance): Batch | null;
}

/** A task takes no worker's time, or none that could be foreseen; it goes by itself. */
const oneTask: Allowance = { most: 1, jobs: 1, ms: Infinity, idle: true };

/** Plain jobs keep tasks waiting as much as so many other tasks do. */
const COMPUTING = 16;
/** Tasks that have not begun after this long are stuck behind something that computes. */
export const STUCK_MS = 10;

/** Takes back tasks that should have begun by now, if another worker could begin them. */
export function relieveTasks(workerSet: WorkerSet): Relief {
  let relief: Relief = "none";
  for (const handle of workerSet.active) {
    const { taskDelay } = handle;
    if (taskDelay === -1) continue;
    const helps = (other: WorkerHandle): boolean =>
      other !== handle && other.owed === 0 && hasRoom(other, workerSet, true);
    if (
      taskDelay < STUCK_MS || !handle.atWork || !(workerSet.short || workerSet.active.some(helps))
    ) {
      if (relief === "none") relief = "later";
    } else if (handle.takeTasksBack()) {
      relief = "took";
    }
  }
  return relief;
}
