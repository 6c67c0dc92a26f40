/**
 * Which worker gets the next batch, and whose jobs are taken back.
 *
 * Two milliseconds of work hide the way to the worker and back, and are little enough to deal evenly. A
 * job that takes longer gets one more behind it, so that its worker never waits. What a call costs is
 * only an estimate, though, and the next one may take a thousand times longer. So when a worker has
 * nothing to do while another sits on jobs it has not begun, these are taken back: at once if they are
 * known to be worth it or their worker is late, otherwise after a millisecond. A worker that could be
 * started counts as idle, too, but starting it takes as long as a thousand short jobs, so that waits.
 */
import type { Allowance, JobSource } from "./job_source.ts";
import type { Staff } from "./staff.ts";
import { MOST_JOBS } from "./wire.ts";
import type { WorkerHandle } from "./worker_handle.ts";

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
export function pickWorker(staff: Staff, sources: readonly JobSource[]): WorkerHandle | null {
  let best: WorkerHandle | null = null;
  let least = Infinity;
  for (const handle of staff.active) {
    if (!hasRoom(handle, staff)) continue;
    const load = handle.owed > 0 ? handle.load : handle.state === "up" ? -2 : -1;
    if (load >= least) continue;
    best = handle;
    least = load;
  }
  if (best !== null && least < 0) return best;
  const pays = best === null || sources.some((source) => source.work > WORTH_MS);
  return pays && staff.short ? staff.hire() : best;
}

/** How much of a source a worker may take: its room, and no more than its share. */
export function allowanceFor(handle: WorkerHandle, staff: Staff, source: JobSource): Allowance {
  let stalled = 0;
  for (const other of staff.active) if (other.stalled) stalled++;
  const takers = Math.max(1, staff.size - stalled);
  const most = Math.min(MOST_JOBS, staff.left(handle));
  return {
    most,
    jobs: Math.min(most, Math.ceil(source.waiting / takers)),
    ms: Math.max(0, AHEAD_MS - handle.load),
    idle: handle.owed === 0,
  };
}

function hasRoom(handle: WorkerHandle, staff: Staff): boolean {
  if (!handle.hasSlot || handle.stalled || staff.left(handle) <= 0) return false;
  const { owed, load } = handle;
  return owed === 0 || (load < Infinity && (owed < 2 || load <= LOW_MS));
}

/** What came of {@linkcode relieve}: jobs were taken back; perhaps they should be, later; no need. */
export type Relief = "took" | "later" | "none";

/**
 * If a worker is idle, or one could be started, takes back what another has not begun; when `surely`,
 * only if that is sure to be worth it.
 */
export function relieve(staff: Staff, surely: boolean): Relief {
  const spare = staff.active.some(isIdle);
  if (!spare && !staff.short) return "none";
  let victim: WorkerHandle | null = null;
  let most = -1;
  for (const handle of staff.active) {
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
