/**
 * Calls a function with an odd value in each place in turn, and each property of its options likewise,
 * and judges what comes of it.
 *
 * A call may be accepted. If it throws, the error must be the library's: a `TypeError` or a `RangeError`
 * that names the value, thrown before anything happens, or an error of another class that it documents.
 * What the engine says of a value that nobody has checked is a fault, whenever it comes.
 */
import { currentTask, moveOnAfter, run, spawn, type Task } from "@weft/weft";
import { schedulerOf } from "@weft/weft/lowlevel";
import { printable, show } from "../../src/kernel/printable.ts";
import { ENGINE, oddValues } from "./odd_values.ts";

/** Something to call with arguments. */
export type Call = (...args: unknown[]) => unknown;

/** What is known of a function under test. */
export interface Subject {
  /** As in `Lock.acquire()`. */
  readonly name: string;
  /** Calls it. */
  readonly call: Call;
  /** Arguments that do, made anew for each call. @default none */
  readonly good?: () => readonly unknown[];
  /** How many places to try. */
  readonly places: number;
  /** Properties of options that are left alone. @default none */
  readonly skip?: readonly string[];
}

/** How long a call that was accepted may take its time, in milliseconds. */
const LOOK_MS = 2;
/** What cannot be cancelled gets longer, so that nothing of it is left behind on a busy machine. */
const PROMISE_MS = 500;
/** After so many milliseconds it counts as hanging. */
const HANG_MS = 10_000;

/** Asked for by the language, or by whoever shows a value: no options. */
const INHERITED = new Set([
  "toString",
  "valueOf",
  "constructor",
  "then",
  "toJSON",
  "length",
  "name",
]);

/** A property that is asked for of options, found by options that take note. */
function recorder(into: Set<string>): object {
  return new Proxy({}, {
    get: (_, key) => void (typeof key === "string" && !INHERITED.has(key) && into.add(key)),
    has: () => false,
  });
}

/** Tries a function with every odd value in every place. Gives a line for each fault. */
export async function fuzz(subject: Subject): Promise<string[]> {
  const faults = new Map<string, string>();
  const { name, call, places, skip = [] } = subject;
  const good = subject.good ?? (() => []);
  const note = (place: string, odd: unknown, fault: string | undefined): void => {
    if (fault === undefined) return;
    const line = `${name} ${place}: ${fault}`;
    if (!faults.has(line)) faults.set(line, show(odd));
  };
  for (let place = 0; place < places; place++) {
    const keys = new Set<string>();
    let usual: unknown = undefined;
    await attempt(call, () => {
      const args = good();
      usual = args[place];
      return withOdd(args, place, recorder(keys));
    });
    for (let i = 0; i < oddValues().length; i++) {
      const odd = oddValues()[i];
      note(`[${place}]`, odd, await attempt(call, () => withOdd(good(), place, odd), odd));
    }
    for (const key of usual === undefined || isOptions(usual) ? keys : []) {
      if (skip.includes(key)) continue;
      for (let i = 0; i < oddValues().length; i++) {
        const odd = oddValues()[i];
        const args = (): unknown[] => {
          const usual = good();
          const options = usual[place];
          return withOdd(usual, place, {
            ...typeof options === "object" ? options : {},
            [key]: odd,
          });
        };
        note(`[${place}].${key}`, odd, await attempt(call, args, odd));
      }
    }
  }
  return [...faults].map(([line, odd]) => `${line} (as with ${odd})`);
}

function isOptions(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

function withOdd(args: readonly unknown[], place: number, odd: unknown): unknown[] {
  const all = [...args];
  while (all.length <= place) all.push(undefined);
  all[place] = odd;
  return all;
}

/** One call. Gives what is wrong with what came of it. */
async function attempt(
  call: Call,
  args: () => unknown[],
  odd?: unknown,
): Promise<string | undefined> {
  let fault: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hang = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("hangs"), HANG_MS);
  });
  const tried = run(async function* () {
    let result: unknown;
    try {
      result = call(...args());
    } catch (error) {
      fault = judge(error, odd, true);
      return;
    }
    try {
      const ms = result instanceof Promise ? PROMISE_MS : LOOK_MS;
      if (isWork(result)) yield* moveOnAfter(ms, result as never);
    } catch (error) {
      fault = judge(error, odd, false);
    } finally {
      await dispose(result);
      for (const task of schedulerOf(currentTask()).tasks()) {
        if (task !== currentTask()) task.cancel();
      }
    }
  }, { warn: () => {} }).then(() => fault, (error) => fault ?? judge(error, odd, false));
  try {
    return await Promise.race([tried, hang]);
  } finally {
    clearTimeout(timer);
  }
}

/** What is known of a class under test. */
export interface ClassSubject {
  /** Its name. */
  readonly name: string;
  /** Makes an instance, in a task. */
  readonly make: () => unknown;
  /** Whether all odd values go to one instance. */
  readonly isMadeOnce: boolean;
  /** Arguments that do, by member. */
  good(member: string): (() => readonly unknown[]) | undefined;
}

/** Calls a method, or sets a property, with every odd value in every place. Gives a line for each fault. */
export async function fuzzMember(subject: ClassSubject, member: Member): Promise<string[]> {
  const label = `${subject.name}.${String(member.key)}`;
  const faults = new Map<string, string>();
  const good = subject.good(String(member.key)) ?? (() => []);
  for (let place = 0; place < member.places; place++) {
    const keys = new Set<string>();
    let usual: unknown;
    const tries: Try[] = oddValues().map((odd, i) => ({
      where: `[${place}]`,
      odd,
      args: () => withOdd(good(), place, oddValues()[i]),
    }));
    const asked = (): unknown[] => {
      const args = good();
      usual = args[place];
      return withOdd(args, place, recorder(keys));
    };
    await attemptAll(subject, member, [{ where: "", odd: undefined, args: asked }], () => {});
    for (const key of usual === undefined || isOptions(usual) ? keys : []) {
      for (const [i, odd] of oddValues().entries()) {
        const args = () => withOdd(good(), place, { ...usual as object, [key]: oddValues()[i] });
        tries.push({ where: `[${place}].${key}`, odd, args });
      }
    }
    await attemptAll(subject, member, tries, ({ where, odd }, fault) => {
      const line = `${label} ${where}: ${fault}`;
      if (!faults.has(line)) faults.set(line, show(odd));
    });
  }
  return [...faults].map(([line, odd]) => `${line} (as with ${odd})`);
}

/** A method, or a property that can be set. */
export interface Member {
  readonly key: string | symbol;
  readonly kind: "method" | "property";
  readonly places: number;
}

interface Try {
  readonly where: string;
  readonly odd: unknown;
  readonly args: () => unknown[];
}

/** Many calls in one run, each of an instance of its own; what they give to wait for is waited for together. */
async function attemptAll(
  subject: ClassSubject,
  member: Member,
  tries: readonly Try[],
  note: (one: Try, fault: string) => void,
): Promise<void> {
  const told = (one: Try, error: unknown, atOnce: boolean): void => {
    const fault = judge(error, one.odd, atOnce);
    if (fault !== undefined) note(one, fault);
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hang = new Promise<"hangs">((resolve) => {
    timer = setTimeout(() => resolve("hangs"), HANG_MS);
  });
  let at: Try = tries[0]!;
  const tried = run(async function* () {
    const instances: unknown[] = [];
    const waiting: Task[] = [];
    let instance: Record<string | symbol, unknown> | undefined;
    try {
      for (const one of tries) {
        at = one;
        if (!subject.isMadeOnce || instance === undefined) {
          const made = subject.make(); // a future is not awaited
          instance = (made instanceof Promise ? await made : made) as Record<
            string | symbol,
            unknown
          >;
          instances.push(instance);
        }
        let result: unknown;
        try {
          if (member.kind === "property") instance[member.key] = one.args()[0];
          else result = (instance[member.key] as Call)(...one.args());
        } catch (error) {
          told(one, error, true);
          continue;
        }
        if (result !== instance && !instances.includes(result)) instances.push(result);
        if (result instanceof Promise) result.catch((error) => told(one, error, false));
        if (result instanceof Promise || !isWork(result)) continue;
        waiting.push(spawn(function* () {
          try {
            yield* moveOnAfter(LOOK_MS, result as never);
          } catch (error) {
            told(one, error, false);
          }
        }));
      }
      for (const task of waiting) yield* task.join();
      if (waiting.length === 0) yield;
    } finally {
      for (const instance of instances.reverse()) await dispose(instance);
      for (const task of schedulerOf(currentTask()).tasks()) {
        if (task !== currentTask()) task.cancel();
      }
    }
  }, { warn: () => {} }).then(() => {}, (error) => told(at, error, false));
  try {
    if (await Promise.race([tried, hang]) === "hangs") note(at, "hangs");
  } finally {
    clearTimeout(timer);
  }
}

function isWork(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value;
}

async function dispose(value: unknown): Promise<void> {
  if (typeof value !== "object" || value === null) return;
  try {
    if (Symbol.asyncDispose in value) await (value as AsyncDisposable)[Symbol.asyncDispose]();
    else if (Symbol.dispose in value) (value as Disposable)[Symbol.dispose]();
  } catch {
    // Not what is asked here.
  }
}

/** What is wrong with an error, if anything. */
function judge(error: unknown, odd: unknown, atOnce: boolean): string | undefined {
  if (!isError(error)) return undefined; // the odd value itself, passed on
  if (error === odd || /^user /.test(error.message)) return undefined;
  if (error instanceof AggregateError) {
    return error.errors.map((one) => judge(one, odd, false)).find((one) => one !== undefined);
  }
  const text = `${error.name}: ${printable(error.message, 160)}`;
  if (ENGINE.test(error.message) && !/^Cannot [\w ]+.*:/.test(error.message)) {
    return `engine says: ${text}`;
  }
  if (
    /TypeError$|RangeError$/.test(error.name) && odd !== undefined && atOnce &&
    !names(error.message, odd)
  ) {
    return `does not name the value: ${text}`;
  }
  return undefined;
}

function isError(error: unknown): error is Error {
  try {
    return error instanceof Error;
  } catch {
    return false;
  }
}

function names(message: string, odd: unknown): boolean {
  if (
    message.includes(show(odd)) ||
    /an object| 0 works|undefined|list is empty|no event|none is unfinished|all that were put|does not speak TLS/
      .test(
        message,
      )
  ) {
    return true;
  }
  if (typeof odd === "object" || typeof odd === "function") {
    return /an? \w+|the (async )?(function|class)|\[object/.test(message);
  }
  return message.includes(printable(odd, 60).slice(0, 50));
}
