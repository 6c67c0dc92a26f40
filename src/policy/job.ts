/** Declared jobs: what the simulator is told of each, and the rules they must keep. */
import { show } from "../kernel/printable.ts";
import { checkArray, isInstance } from "../kernel/checks.ts";

/** The parts of the caller's unit that the simulator counts time in. */
export const PARTS = 1e9;

/** A time in parts. */
export function parts(time: number): number {
  return Math.round(time * PARTS);
}

/** A job as the textbooks declare it. Times are in any unit, kept to a billionth of it. */
export interface Job {
  /** Unlike any other job's. */
  readonly name: string;
  /** When it enters the system, zero or later. */
  readonly arrival: number;
  /** How much of the processor it needs, above zero. */
  readonly burst: number;
  /** A lower number goes first. @default {0} */
  readonly priority?: number;
  /** When it must have finished, for {@linkcode edf}. @default {Infinity} */
  readonly deadline?: number;
  /** Its share, for {@linkcode lottery} and {@linkcode stride}: a whole number above zero. @default {1} */
  readonly tickets?: number;
  /**
   * Its I/O: after so much time on the processor it blocks for so long. Ascending, from 0 (it blocks as it
   * arrives) to the burst (it ends with I/O).
   */
  readonly io?: readonly (readonly [after: number, duration: number])[];
}

/** A field that a policy cannot do without. */
export type Needed = "priority" | "deadline";

/**
 * Checks declared jobs, from wherever they come.
 *
 * @param value What should be a list of jobs.
 * @param needs Fields that must be there.
 * @throws {TypeError} If it is none; the error names the job, the field and the rule.
 */
export function checkJobs(
  value: unknown,
  needs: readonly Needed[] = [],
): asserts value is readonly Job[] {
  checkArray(needs, "needs of a policy");
  if (!isInstance(value, Array)) {
    throw new TypeError(`Cannot schedule jobs: they must be a list, and not ${show(value)}`);
  }
  if (value.length === 0) throw new TypeError("Cannot schedule jobs: the list is empty");
  const names = new Set<string>();
  for (const [index, job] of value.entries()) {
    checkJob(job, index, needs);
    if (names.has(job.name)) refuse(shown(job.name), "name", "must be unlike any other job's");
    names.add(job.name);
  }
}

function checkJob(job: unknown, index: number, needs: readonly Needed[]): asserts job is Job {
  const nth = `number ${index + 1}`;
  if (typeof job !== "object" || job === null || Array.isArray(job)) {
    throw new TypeError(
      `Cannot schedule job ${nth}: it must be an object with name, arrival, burst`,
    );
  }
  const fields = job as Record<string, unknown>;
  if (typeof fields.name !== "string" || fields.name === "") {
    refuse(nth, "name", "must be a text that is not empty");
  }
  const who = shown(fields.name);
  const must = (field: string, isRight: (n: number) => boolean, rule: string): void => {
    const given = fields[field];
    if (typeof given === "number" && Number.isFinite(given) && isRight(given)) return;
    refuse(who, field, `must be ${rule}, got ${shown(given)}`);
  };
  must("arrival", (n) => n >= 0, "a number of at least 0");
  must("burst", (n) => parts(n) > 0, "a number above 0, of at least a billionth");
  if (fields.priority !== undefined || needs.includes("priority")) {
    must("priority", () => true, "a number");
  }
  if (fields.deadline !== undefined || needs.includes("deadline")) {
    must("deadline", () => true, "a number");
  }
  if (fields.tickets !== undefined) {
    must("tickets", (n) => Number.isSafeInteger(n) && n > 0, "a whole number above 0");
  }
  if (fields.io !== undefined) checkIo(who, fields.io, fields.burst as number);
}

function checkIo(who: string, io: unknown, burst: number): void {
  if (!Array.isArray(io)) refuse(who, "io", "must be a list of pairs [after, duration]");
  let before = -1;
  for (const [index, pair] of io.entries()) {
    const field = `io[${index}]`;
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(Number.isFinite)) {
      refuse(who, field, `must be a pair of numbers [after, duration], got ${shown(pair)}`);
    }
    const [after, duration] = pair as [number, number];
    if (after < 0 || parts(after) > parts(burst)) {
      refuse(
        who,
        field,
        `must come after 0 to ${burst} (its burst) of the processor, got ${after}`,
      );
    }
    if (parts(after) <= before) refuse(who, field, `must come after the one before, got ${after}`);
    if (parts(duration) <= 0) {
      refuse(who, field, `must have a duration above 0, of at least a billionth, got ${duration}`);
    }
    before = parts(after);
  }
}

function refuse(who: string, field: string, rule: string): never {
  throw new TypeError(`Cannot schedule job ${who}: ${field} ${rule}`);
}

/** A value as text on one line, without any control character. */
function shown(value: unknown): string {
  const text = written(value);
  const plain = text.replaceAll(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return plain.length > 80 ? `${plain.slice(0, 79)}…` : plain;
}

/** A value as JSON where JSON can say it: it turns Infinity to null, and fails on others. */
function written(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "bigint") return `${value}n`;
  try {
    if (Array.isArray(value)) return `[${value.map(written).join()}]`;
    return JSON.stringify(value) ?? String(value);
  } catch { // a circle, or a toJSON that throws
    return "an object that cannot be shown";
  }
}
