/** What Semaphore and BoundedSemaphore should do: a count and a line. */
import { BoundedSemaphore, Semaphore } from "@weft/weft";
import type { Call, Play, Verdicts } from "./schedules.ts";

/** Plays a semaphore of `permits`; one with a bound refuses to have more. */
export function semaphorePlay(
  kind: "Semaphore" | "BoundedSemaphore",
  permits: number,
): (verdicts: Verdicts) => Play {
  return (verdicts) => {
    const semaphore = kind === "Semaphore" ? new Semaphore(permits) : new BoundedSemaphore(permits);
    const bound = kind === "Semaphore" ? Infinity : permits;
    const line: number[] = [];
    let value = permits;

    const calls: readonly ((n: number) => Call)[] = [
      () => ({
        verb: "acquire",
        does: () => semaphore.acquire(),
        begins: (call) => {
          if (value === 0) return void line.push(call);
          value--;
          verdicts.give(call, {});
        },
      }),
      () => ({
        verb: "tryAcquire",
        does: { now: () => semaphore.tryAcquire() },
        begins: (call) => {
          if (value === 0) return verdicts.refuse(call, "WouldBlock");
          value--;
          verdicts.give(call, {});
        },
      }),
      (n) => ({
        verb: `release(${n})`,
        does: { now: () => semaphore.release(n) },
        begins: (call) => {
          if (n < 1 || value + n > bound) return verdicts.refuse(call, "RangeError");
          const woken = line.splice(0, n);
          for (const one of woken) verdicts.give(one, {});
          value += n - woken.length;
          verdicts.give(call);
        },
      }),
      () => ({
        verb: "statistics",
        does: { now: () => [semaphore.value, semaphore.locked, semaphore.statistics().waiting] },
        begins: (call) => verdicts.give(call, [value, value === 0, line.length]),
      }),
    ];

    return {
      call: (choose) => calls[[0, 0, 0, 0, 1, 2, 2, 2, 3][choose(9)]!]!(choose(4)),
      forget(call) {
        const at = line.indexOf(call);
        if (at >= 0) line.splice(at, 1);
      },
      compare() {
        const { waiting } = semaphore.statistics();
        if (semaphore.value !== value || waiting > 0) {
          throw new Error(`${semaphore.value} permits and ${waiting} waiters, not ${value} and 0`);
        }
      },
    };
  };
}
