/**
 * Which worker gets the next task, and which tasks are taken back.
 *
 * A task is a job that waits, most of the time, beside others of its worker. How long it will take says
 * nothing about how much a worker can bear; so tasks are dealt out by number. A worker that has plain
 * jobs to do would let a task wait for its turn, so it counts as if it had some more; and should tasks
 * be stuck behind something that computes, those that have not begun go to another worker.
 */
import type { Relief } from "./placement.ts";
import type { Staff } from "./staff.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Plain jobs keep tasks waiting as much as so many other tasks do. */
const COMPUTING = 16;
/** Tasks that have not begun after this long are stuck behind something that computes. */
export const STUCK_MS = 10;

/** The worker with fewest tasks; a new one if each has some; `null` if all have as many as they may. */
export function pickForTask(staff: Staff): WorkerHandle | null {
  let best: WorkerHandle | null = null;
  let least = Infinity;
  for (const handle of staff.active) {
    if (!hasRoom(handle, staff) || handle.stuck) continue;
    const load = handle.tasks + (handle.owed > 0 ? COMPUTING : 0);
    if (load >= least) continue;
    best = handle;
    least = load;
  }
  return least > 0 && staff.short ? staff.hire() : best;
}

/** Takes back tasks that should have begun by now, if another worker could begin them. */
export function relieveTasks(staff: Staff): Relief {
  let relief: Relief = "none";
  for (const handle of staff.active) {
    const { taskDelay } = handle;
    if (taskDelay === -1) continue;
    const helps = (other: WorkerHandle): boolean =>
      other !== handle && !other.stuck && other.owed === 0 && hasRoom(other, staff);
    if (taskDelay < STUCK_MS || !handle.atWork || !(staff.short || staff.active.some(helps))) {
      if (relief === "none") relief = "later";
    } else if (handle.takeTasksBack()) {
      relief = "took";
    }
  }
  return relief;
}

function hasRoom(handle: WorkerHandle, staff: Staff): boolean {
  return handle.hasTaskSlot && staff.left(handle) > 0;
}
