/**
 * What Condition should do about notices: a line. Each call is a whole section, from taking the lock to
 * giving it back, and it must have the lock whenever it is through with its wait, in whatever way.
 */
import { Cancelled, Condition, currentTask, Lock, type Operation } from "@weft/weft";
import { currentScope, sequence } from "@weft/weft/lowlevel";
import type { Call, Play, Verdicts } from "./schedules.ts";

/** Plays a condition on a lock of its own kind, taken `depth` times around each wait. */
export function conditionPlay(verdicts: Verdicts, choose: (n: number) => number): Play {
  const lock = choose(2) === 0 ? new Lock() : undefined;
  const condition = new Condition(lock);
  const depth = lock === undefined ? 1 + choose(2) : 1;
  const line: number[] = [];

  const mustHold = (): void => {
    if (condition.lock.holder !== currentTask()) throw new Error("the lock is not held");
  };
  const section = <T>(body: () => Iterator<unknown, T, unknown>): Operation<T> =>
    sequence("section", function* () {
      let taken = 0;
      try {
        for (; taken < depth; taken++) yield* condition.acquire();
        return yield* { [Symbol.iterator]: body };
      } finally {
        if (taken > 0) mustHold();
        for (; taken > 0; taken--) condition.release();
      }
    });

  const waits = (): Call => {
    let call = 0;
    return {
      verb: "wait",
      begins: (number) => {
        call = number;
      },
      does: () =>
        section(function* () {
          if (currentScope()!.reaching === null) line.push(call);
          try {
            return yield* condition.wait();
          } catch (error) {
            if (!(error instanceof Cancelled)) throw error;
            mustHold();
            throw error;
          }
        }),
    };
  };
  const notifies = (n: number): Call => {
    let call = 0;
    return {
      verb: `notify(${n})`,
      begins: (number) => {
        call = number;
      },
      does: () =>
        section(function* () {
          for (const one of line.splice(0, n)) verdicts.give(one, true);
          if (n === Infinity) condition.notifyAll();
          else condition.notify(n);
          verdicts.take(call); // a cancel that came too late
          verdicts.give(call);
        }),
    };
  };

  return {
    call: (choose) =>
      choose(2) === 0 ? waits() : notifies([0, 1, 1, 1, 2, 3, Infinity][choose(7)]!),
    forget(call) {
      const at = line.indexOf(call);
      if (at >= 0) line.splice(at, 1);
    },
    compare() {
      const { waiting, holder, acquiring } = condition.statistics();
      if (waiting + acquiring > 0 || holder !== undefined) throw new Error("somebody is left");
    },
  };
}
