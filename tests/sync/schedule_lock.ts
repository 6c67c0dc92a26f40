/** What Lock and RLock should do, with holders that die: a holder, a depth, a line. */
import { currentTask, Lock, RLock, type Task } from "@weft/weft";
import type { Call, Play, Verdicts } from "./schedules.ts";

type Kind = "Lock" | "RLock";

/** Plays a lock. Tasks that are struck while they hold it die holding it. */
export function lockPlay(kind: Kind): (verdicts: Verdicts) => Play {
  return (verdicts) => {
    const lock = kind === "Lock" ? new Lock("L") : new RLock("L");
    const line: { call: number; task: Task }[] = [];
    const known = new Set<Task>();
    let holder: Task | null = null;
    let depth = 0;
    let isDead = false;

    const give = (call: number, task: Task): void => {
      holder = task;
      depth = 1;
      verdicts.give(call, {});
    };
    const pass = (): void => {
      holder = null;
      depth = 0;
      const next = line.shift();
      if (next !== undefined) give(next.call, next.task);
    };
    const died = (task: Task): void => {
      if (holder !== task) return;
      holder = null;
      depth = 0;
      isDead = true;
      for (const { call } of line.splice(0)) verdicts.refuse(call, "AbandonedError");
    };
    /** What is the same with and without waiting. Returns whether the lock is somebody else's. */
    const take = (call: number, task: Task): boolean => {
      if (isDead) verdicts.refuse(call, "AbandonedError");
      else if (holder === null) give(call, task);
      else if (holder !== task) return true;
      else if (kind === "Lock") verdicts.refuse(call, "DeadlockError");
      else {
        depth++;
        verdicts.give(call, {});
      }
      return false;
    };

    const calls: readonly ((task: Task) => Call)[] = [
      (task) => ({
        verb: "acquire",
        does: () => lock.acquire(),
        begins: (call) => {
          if (take(call, task)) line.push({ call, task });
        },
      }),
      (task) => ({
        verb: "tryAcquire",
        does: { now: () => lock.tryAcquire() },
        begins: (call) => {
          if (take(call, task)) verdicts.refuse(call, "WouldBlock");
        },
      }),
      (task) => ({
        verb: "release",
        does: { now: () => lock.release() },
        begins: (call) => {
          if (holder !== task) return verdicts.refuse(call, "Error");
          verdicts.give(call);
          if (--depth === 0) pass();
        },
      }),
      () => ({
        verb: "reset",
        does: { now: () => lock.reset() },
        begins: (call) => {
          if (holder !== null) return verdicts.refuse(call, "Error");
          isDead = false;
          verdicts.give(call);
        },
      }),
      () => ({
        verb: "statistics",
        does: { now: () => [lock.locked, lock.statistics().holder, lock.statistics().waiting] },
        begins: (call) => verdicts.give(call, [holder !== null, holder?.name, line.length]),
      }),
    ];

    return {
      call(choose) {
        const task = currentTask();
        if (!known.has(task)) {
          known.add(task);
          task.watch(died);
        }
        return calls[[0, 0, 0, 1, 2, 2, 2, 3, 4][choose(9)]!]!(task);
      },
      forget(call) {
        const at = line.findIndex((one) => one.call === call);
        if (at >= 0) line.splice(at, 1);
      },
      compare() {
        if (lock.locked || lock.statistics().waiting > 0) throw new Error(`${lock} is not free`);
      },
    };
  };
}
