/**
 * One alarm for all operations of a thread that are parked in shared memory.
 *
 * `Atomics.waitAsync` does not keep the process alive (denoland/deno#15358), and tells nothing of a
 * holder that has died. So while anything is parked, everything is looked at now and then.
 */
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";

/** Something that operations are parked at. */
export interface Attended {
  /** Looks whether some can go on. */
  look(): void;
}

/** Nobody goes without a look around for longer than this, in milliseconds. */
export const SLICE_MS = 50;

const attended = new Set<Attended>();
const clock = new SystemClock();

/** Looks at a gate once a slice from now on. */
export function attend(gate: Attended): void {
  attended.add(gate);
  if (attended.size === 1) setAlarm();
}

/** Looks at it no more. */
export function unattend(gate: Attended): void {
  if (attended.delete(gate) && attended.size === 0) clock.clearAlarm();
}

function setAlarm(): void {
  // In nobody's scope: it is not part of the task that happened to come first.
  withScope(null, () =>
    clock.setAlarm(clock.now() + SLICE_MS, () => {
      for (const gate of [...attended]) gate.look();
      if (attended.size > 0) setAlarm();
    }));
}
