/** What Event and AsyncResult should do: a flag, or a value, and a line that goes on all at once. */
import { AsyncResult, Event } from "@weft/weft";
import type { Call, Play, Verdicts } from "./schedules.ts";

/** Plays an event. */
export function eventPlay(verdicts: Verdicts): Play {
  const event = new Event();
  const line = new Set<number>();
  let isSet = false;

  const calls: readonly (() => Call)[] = [
    () => ({
      verb: "wait",
      does: () => event.wait(),
      begins: (call) => {
        if (isSet) verdicts.give(call, true);
        else line.add(call);
      },
    }),
    () => ({
      verb: "set",
      does: { now: () => event.set() },
      begins: (call) => {
        isSet = true;
        for (const one of line) verdicts.give(one, true);
        line.clear();
        verdicts.give(call);
      },
    }),
    () => ({
      verb: "clear",
      does: { now: () => event.clear() },
      begins: (call) => {
        isSet = false;
        verdicts.give(call);
      },
    }),
    () => ({
      verb: "statistics",
      does: { now: () => event.statistics() },
      begins: (call) => verdicts.give(call, { isSet, waiting: line.size }),
    }),
  ];

  return {
    call: (choose) => calls[[0, 0, 0, 1, 2, 3][choose(6)]!]!(),
    forget: (call) => void line.delete(call),
    compare() {
      const { waiting } = event.statistics();
      if (event.isSet !== isSet || waiting > 0) throw new Error(`${waiting} tasks still wait`);
    },
  };
}

/** Plays a result, which is set once, by whoever comes first. */
export function asyncResultPlay(verdicts: Verdicts): Play {
  const result = new AsyncResult<number>();
  const gets = new Set<number>();
  const waits = new Set<number>();
  let outcome: { value: number } | "error" | null = null;

  const tell = (call: number, throws: boolean): void => {
    if (outcome === "error") {
      if (throws) verdicts.refuse(call, "SyntaxError");
      else verdicts.give(call);
    } else verdicts.give(call, outcome!.value);
  };
  const conclude = (call: number, as: { value: number } | "error"): void => {
    if (outcome !== null) return verdicts.refuse(call, "Error");
    outcome = as;
    for (const one of gets) tell(one, true);
    for (const one of waits) tell(one, false);
    gets.clear();
    waits.clear();
    verdicts.give(call);
  };

  const calls: readonly ((value: number) => Call)[] = [
    () => ({
      verb: "get",
      does: () => result.get(),
      begins: (call) => outcome === null ? void gets.add(call) : tell(call, true),
    }),
    () => ({
      verb: "wait",
      does: () => result.wait(),
      begins: (call) => outcome === null ? void waits.add(call) : tell(call, false),
    }),
    () => ({
      verb: "tryGet",
      does: { now: () => result.tryGet() },
      begins: (call) => outcome === null ? verdicts.refuse(call, "WouldBlock") : tell(call, true),
    }),
    (value) => ({
      verb: "set",
      does: { now: () => result.set(value) },
      begins: (call) => conclude(call, { value }),
    }),
    () => ({
      verb: "setError",
      does: { now: () => result.setError(new SyntaxError()) },
      begins: (call) => conclude(call, "error"),
    }),
  ];

  return {
    call: (choose) => calls[[0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 4][choose(11)]!]!(choose(9)),
    forget(call) {
      gets.delete(call);
      waits.delete(call);
    },
    compare() {
      if (result.statistics().waiting > 0) throw new Error(`${result} still has waiters`);
    },
  };
}
