/**
 * What can be watched of a run. Every member is optional, and a run without instruments pays one
 * null check per event: the price of tracing is carried by those who trace.
 */
import type { Task } from "./task.ts";

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
  /** A task has ended; `value` and `error` of the task are set. */
  exited?(task: Task): void;
}

/** Many instruments as one; an instrument that throws is dropped, and its error is handed to `failed`. */
export function combineInstruments(
  instruments: readonly Instrument[],
  failed: (error: unknown) => void,
): Required<Instrument> | null {
  if (instruments.length === 0) return null;
  let live = [...instruments];
  const tell = (call: (one: Instrument) => void): void => {
    for (const one of live) {
      try {
        call(one);
      } catch (error) {
        live = live.filter((other) => other !== one);
        failed(error);
      }
    }
  };
  return {
    spawned: (task) => tell((one) => one.spawned?.(task)),
    ready: (task, by) => tell((one) => one.ready?.(task, by)),
    stepBegin: (task) => tell((one) => one.stepBegin?.(task)),
    stepEnd: (task) => tell((one) => one.stepEnd?.(task)),
    waiting: (task, on) => tell((one) => one.waiting?.(task, on)),
    exited: (task) => tell((one) => one.exited?.(task)),
  };
}
