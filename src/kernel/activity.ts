/**
 * What goes on beside the tasks: bytes moved, passes of a registry, jobs of workers. Code that draws a
 * run listens here; without a listener each event costs one comparison with `null`.
 *
 * It is one place for the whole process and not one a run: a handle or a worker pool belongs to no run,
 * and may serve several.
 */

/** Hears of it, synchronously. Times are of `performance.now()`. */
export interface ActivityListener {
  /** Bytes came in from, or went out to, the host. */
  moved(direction: "in" | "out", bytes: number): void;
  /** A poll of a registry has answered with so many events. */
  polled(registry: string, began: number, ended: number, events: number): void;
  /** A worker has done a job; `began` and `ended` say when it computed, as far as this thread knows. */
  worked(worker: string, job: string, began: number, ended: number): void;
}

/** Who listens; `null` when nobody does, so that to ask costs next to nothing. */
export const activity: { listener: ActivityListener | null } = { listener: null };

const listeners = new Set<ActivityListener>();

/** Tells all of several. */
const everybody: ActivityListener = {
  moved(direction, bytes) {
    for (const one of listeners) one.moved(direction, bytes);
  },
  polled(registry, began, ended, events) {
    for (const one of listeners) one.polled(registry, began, ended, events);
  },
  worked(worker, job, began, ended) {
    for (const one of listeners) one.worked(worker, job, began, ended);
  },
};

/** Begins to tell `listener`; it must not throw. */
export function listenToActivity(listener: ActivityListener): void {
  listeners.add(listener);
  appoint();
}

/** Tells it no more. */
export function ignoreActivity(listener: ActivityListener): void {
  listeners.delete(listener);
  appoint();
}

function appoint(): void {
  const [only] = listeners;
  activity.listener = listeners.size > 1 ? everybody : only ?? null;
}
