/**
 * Every export, called with odd values in every place: by reflection, so that a new export is held to it.
 *
 * No hang, no crash, no message of the engine, and the value named. Left out, each for a reason, is the
 * list below.
 */
import * as main from "@weft/weft";
import * as lowlevel from "@weft/weft/lowlevel";
import * as testing from "@weft/weft/testing";
import * as worker from "@weft/weft/worker";
import { assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";
import { fuzz, type Subject } from "./fuzz.ts";
import { GOOD } from "./good_values.ts";

/** Exports that are not called, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  stdin: "the test runner's own input would be read",
  Task: "made by spawn() alone, some hundred nanoseconds each: a check would show",
  Fiber: "abstract, and made as often as Task",
  Timers: "made by the scheduler alone",
  operation: "called for each wait; what extends weft is typed",
  sequence: "called for each wait; what extends weft is typed",
  reportCycle: "called with a wait that is beginning",
  hold: "keeps whatever it is given, and the ledger would see it",
  letGo: "takes back what hold() was given",
  waitSites: "called with a task, by those who print it",
  HandRun: "lives until end(), and the ledger would see it; see tests/testing",
  schedulerOf: "called with a task, at each step of some instruments",
};

/** Options whose odd values would ask a name server, or make files. */
const LEFT_ALONE: Readonly<Record<string, readonly string[]>> = {
  connect: ["hostname", "path"],
  listen: ["hostname", "path"],
  bindDatagram: ["hostname", "path"],
  monitor: ["hostname", "path"],
};

/** Looked up in a name server: an odd name would ask it. */
const LOOKS_UP = /resolve|lookup|host(s)?By|getAddr/i;

function subjects(): Subject[] {
  const seen = new Set<unknown>();
  const found: Subject[] = [];
  for (const entry of [main, testing, worker, lowlevel]) {
    for (const [name, value] of Object.entries(entry)) {
      if (typeof value !== "function" || seen.has(value) || name in LEFT_OUT) continue;
      if (LOOKS_UP.test(name)) continue;
      seen.add(value);
      // An error of ours takes what `Error` takes.
      if (value.prototype instanceof Error) continue;
      found.push(subject(name, value));
    }
  }
  return found;
}

function subject(name: string, value: unknown): Subject {
  const isClass = /^class/.test(Function.prototype.toString.call(value));
  const type = value as new (...args: unknown[]) => unknown;
  const f = value as (...args: unknown[]) => unknown;
  const good = GOOD[name];
  return {
    name: isClass ? `new ${name}` : name,
    call: isClass ? (...args) => new type(...args) : (...args) => f(...args),
    places: Math.max(3, f.length + 1),
    skip: LEFT_ALONE[name] ?? [],
    ...good === undefined ? {} : { good },
  };
}

/** Registers a law for each export whose name fits. */
export function lawsOfArguments(fits: (name: string) => boolean): void {
  for (const one of subjects().filter(({ name }) => fits(name))) {
    law(
      `${one.name} names the value that breaks a rule, and never lets the engine speak`,
      async () => {
        assertEquals(await fuzz(one), []);
      },
      120_000,
    );
  }
}
