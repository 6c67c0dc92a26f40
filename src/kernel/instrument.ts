/**
 * What can be watched: the tasks of a run, and what goes on beside them in the whole process.
 *
 * Every member of an instrument is optional, and a run without instruments pays one null check per event: the
 * price of tracing is carried by those who trace.
 *
 * Beside the tasks there are bytes moved, passes of a registry, jobs of workers. That is one place for the whole
 * process and not one a run: a handle or a worker pool belongs to no run, and may serve several. Without a
 * listener each event costs one comparison with `null`.
 */
import { thrownText } from "./callback.ts";
import { printable } from "./printable.ts";
import type { Task } from "./task.ts";
import type { WaitSource } from "./wait.ts";

/** Callbacks on the life of tasks, called synchronously in the order of the events. */
export interface Instrument {
  /** A task was made; it is ready, or new until its delay has passed. */
  spawned?(task: Task): void;
  /** A task became ready; `by` is the task that was running and caused it, or `undefined` for the host. */
  ready?(task: Task, by: Task | undefined): void;
  /** A task is about to run one step. */
  stepBegin?(task: Task): void;
  /** The step is over: the task waits, is ready again, has ended, or is away in a foreign `await`. */
  stepEnd?(task: Task): void;
  /** A task began to wait; `on` names what it waits on. */
  waiting?(task: Task, on: string): void;
  /** The same, with the source itself: for those who name it later, or once; to name it costs as much as a step. */
  parked?(task: Task, source: WaitSource): void;
  /** A task has ended; `value` and `error` of the task are set. */
  exited?(task: Task): void;
}

/** A callback of an instrument, whichever. */
type Hook = (task: Task, detail?: unknown) => unknown;

/**
 * Many instruments as one. An instrument that throws is dropped, with a warning. Each event goes only to those
 * that listen for it: one that looks at ends costs no step anything.
 */
export function combineInstruments(
  instruments: readonly Instrument[],
  warn: (message: string) => void,
): Required<Instrument> | null {
  if (instruments.length === 0) return null;
  const dropped = new Set<Instrument>();
  const combined = <K extends keyof Instrument>(name: K): Required<Instrument>[K] => {
    const listening = instruments.filter((one) => one[name] !== undefined);
    const drop = (one: Instrument, error: unknown, task: Task): void => {
      if (dropped.has(one)) return;
      dropped.add(one);
      warn(thrownText(`An instrument, dropped now: its ${name} of task "${task}"`, error));
    };
    const tell: Hook = (task, detail) => {
      for (const one of listening) {
        if (dropped.size > 0 && dropped.has(one)) continue;
        try {
          const result = (one[name] as Hook).call(one, task, detail);
          if (result instanceof Promise) result.catch((error) => drop(one, error, task));
        } catch (error) {
          drop(one, error, task);
        }
      }
    };
    return listening.length === 0 ? () => {} : tell;
  };
  const parked = combined("parked");
  const waiting = combined("waiting");
  const isNamed = instruments.some((one) => one.waiting !== undefined);
  return {
    spawned: combined("spawned"),
    ready: combined("ready"),
    stepBegin: combined("stepBegin"),
    stepEnd: combined("stepEnd"),
    waiting,
    parked: isNamed
      ? (task, source) => {
        parked(task, source);
        waiting(task, printable(source));
      }
      : parked,
    exited: combined("exited"),
  };
}

// -- Beside the tasks --

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
