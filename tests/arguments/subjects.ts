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
import { fuzz, fuzzMember, type Member, type Subject } from "./fuzz.ts";
import { GOOD } from "./good_values.ts";
import { GOOD_CALLS, INSTANCES, SHARED_INSTANCES } from "./instances.ts";

/** Exports that are not called, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  stdin: "the test runner's own input would be read",
  Task: "made by spawn() alone, some hundred nanoseconds each: a check would show",
  Timers: "made by the scheduler alone",
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

/** Registers a law for each export. */
export function lawsOfArguments(): void {
  for (const one of subjects()) {
    law(
      `${one.name} names the value that breaks a rule, and never lets the engine speak`,
      async () => {
        assertEquals(await fuzz(one), []);
      },
      120_000,
    );
  }
}

/** Classes whose instances start workers, or processes. */
export const STARTS_WORKERS: ReadonlySet<string> = new Set([
  "Crew",
  "DatagramServer",
  "StreamServer",
  "WorkerPool",
  "WorkerProcess",
]);

/** Classes whose methods are not called, and why. */
const CLASSES_LEFT_OUT: Readonly<Record<string, string>> = {
  Client: "made by a server for a connection; its one method hands on what it is given",
  Membership: "of a multicast group, which is outside of the loopback interface",
  Watchdog: "its only argument is what its constructor takes, and each starts a worker",
  HandRun: "no method takes an argument",
  AsyncSide: "of the kernel, called at each step of a task by what is typed",
  CancelScope: "of the kernel",
  Entered: "of the kernel",
  RunLife: "of the kernel",
  Scheduler: "of the kernel",
  SystemClock: "of the kernel",
  Timer: "of the kernel",
  Timers: "of the kernel",
  Wait: "of the kernel",
  WaitQueue: "of the kernel",
};

/** Methods that are not called, and why: by class, or for all. */
const MEMBERS_LEFT_OUT: readonly (readonly [RegExp, string])[] = [
  [/^Task\.(keepFor|observe|finish|step|take|drop|isBystander)$/, "called by the kernel"],
  [/^(Task|ExitFuture)\.then$/, "calls what it is given as any promise does"],
  [/^SchedulingPolicy\.(add|next|ran|blocked|discipline)$/, "called by the scheduler"],
  [
    /^(Timeline|Watchdog)\.(spawned|ready|stepBegin|stepEnd|parked|exited|waiting|start)$/,
    "called by the run",
  ],
  [/^(DatagramServer|StreamServer)\.(begin|closeBound|end)$/, "protected"],
  [/^(Timeline\.(nameOf|word)|Group\.start|Scope\.ended|ExitFuture\.(settle|end))$/, "internal"],
  [/joinMulticast/, "leaves the loopback interface"],
];

function* classes(): Generator<[name: string, type: { prototype: object }]> {
  const seen = new Set<unknown>();
  for (const entry of [main, testing, worker, lowlevel]) {
    for (const [name, value] of Object.entries(entry)) {
      if (typeof value !== "function" || seen.has(value) || name in CLASSES_LEFT_OUT) continue;
      seen.add(value);
      const isClass = /^class/.test(Function.prototype.toString.call(value));
      if (isClass && !(value.prototype instanceof Error)) yield [name, value];
    }
  }
}

/** Own methods and those inherited from classes that are exported, too; those of the kernel are left out. */
function membersOf(name: string, type: { prototype: object }): Member[] {
  const members = new Map<string | symbol, Member>();
  for (let p = type.prototype; p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    if (p.constructor.name in CLASSES_LEFT_OUT) break;
    for (const key of Reflect.ownKeys(p)) {
      if (key === "constructor" || key === "toString" || members.has(key)) continue;
      const label = `${name}.${String(key)}`;
      if (MEMBERS_LEFT_OUT.some(([pattern]) => pattern.test(label))) continue;
      const { value, set } = Object.getOwnPropertyDescriptor(p, key)!;
      if (typeof value === "function") {
        members.set(key, { key, kind: "method", places: Math.min(3, value.length + 1) });
      } else if (set !== undefined) {
        members.set(key, { key, kind: "property", places: 1 });
      }
    }
  }
  return [...members.values()];
}

/** Registers a law for each exported class whose name fits. */
export function lawsOfMethods(fits: (name: string) => boolean): void {
  for (const [name, type] of classes()) {
    if (!fits(name)) continue;
    const what = "name the value that breaks a rule, and never let the engine speak";
    law(`The methods of ${name} ${what}`, async () => {
      const make = INSTANCES[name];
      if (make === undefined) throw new Error(`Say in instances.ts how a ${name} is made`);
      const faults: string[] = [];
      const good = (member: string) => GOOD_CALLS[`${name}.${member}`];
      const subject = { name, make, isMadeOnce: SHARED_INSTANCES.has(name), good };
      for (const member of membersOf(name, type)) faults.push(...await fuzzMember(subject, member));
      assertEquals(faults, []);
    }, 120_000);
  }
}
