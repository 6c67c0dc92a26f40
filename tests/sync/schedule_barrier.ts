/** What Barrier should do: a list of those who have come, and whether it is broken. */
import { Barrier, Cancelled } from "@weft/weft";
import { sequence } from "@weft/weft/lowlevel";
import type { Call, Play, Verdicts } from "./schedules.ts";

const BROKEN = "BrokenBarrierError";

/** Plays a barrier for one to three. */
export function barrierPlay(verdicts: Verdicts, choose: (n: number) => number): Play {
  const parties = 1 + choose(3);
  let acts = 0;
  const barrier = new Barrier(parties, () => void acts++);
  const sentAway = new Set<number>();
  let arrived: number[] = [];
  let isBroken = false;
  let rounds = 0;

  const sendAway = (): void => {
    for (const call of arrived.splice(0)) {
      sentAway.add(call);
      verdicts.refuse(call, BROKEN);
    }
  };
  const arrive = (call: number): void => {
    if (isBroken) {
      sentAway.add(call);
      return verdicts.refuse(call, BROKEN);
    }
    arrived.push(call);
    if (arrived.length < parties) return;
    rounds++;
    arrived.forEach((one, place) => verdicts.give(one, place));
    arrived = [];
  };

  const waits = (): Call => {
    let call = 0;
    return {
      verb: "wait",
      begins: (number) => {
        call = number;
        arrive(call);
      },
      does: () =>
        sequence("wait", function* () {
          try {
            return yield* barrier.wait();
          } catch (error) {
            // One that is sent away asks for its own cancel first.
            if (error instanceof Cancelled && sentAway.has(call)) {
              verdicts.take(call);
              verdicts.interrupt(call);
            }
            throw error;
          }
        }),
    };
  };
  const calls: readonly (() => Call)[] = [
    waits,
    () => ({
      verb: "reset",
      does: { now: () => barrier.reset() },
      begins: (call) => {
        sendAway();
        isBroken = false;
        verdicts.give(call);
      },
    }),
    () => ({
      verb: "abort",
      does: { now: () => barrier.abort() },
      begins: (call) => {
        sendAway();
        isBroken = true;
        verdicts.give(call);
      },
    }),
    () => ({
      verb: "statistics",
      does: { now: () => ({ ...barrier.statistics(), acts }) },
      begins: (call) =>
        verdicts.give(call, { parties, waiting: arrived.length, broken: isBroken, acts: rounds }),
    }),
  ];

  return {
    call: (choose) => calls[[0, 0, 0, 0, 0, 1, 1, 2, 3][choose(9)]!]!(),
    forget(call) {
      if (!arrived.includes(call)) return;
      arrived = arrived.filter((one) => one !== call);
      isBroken = true;
      sendAway();
    },
    compare() {
      if (barrier.nWaiting > 0) throw new Error(`${barrier.nWaiting} tasks still wait`);
    },
  };
}
