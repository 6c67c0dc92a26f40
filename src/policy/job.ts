/** Declared jobs: what the simulator is told of each, and the rules they must keep. */
import { show } from "../kernel/printable.ts";
import { checkArray, isInstance } from "../kernel/checks.ts";

/** The most parts of the caller's unit that time is counted in. */
const MOST_PARTS = 1e9;

/** The least time there is, in the caller's unit: finer ones are rounded to it. */
export const LEAST_TIME: number = 1 / MOST_PARTS;

/**
 * The parts of the caller's unit in which all of these times are whole: 1, 10, 100 … up to a billion,
 * beyond which they are rounded. The coarsest, since whole numbers end at 2^53: fixed at a billion,
 * nothing longer than 9e6 units would be exact, not even where every time is whole.
 */
export function partsOf(times: readonly number[]): number {
  const isWholeIn = (scale: number) => (time: number) => Math.round(time * scale) / scale === time;
  let scale = 1;
  while (scale < MOST_PARTS && !times.every(isWholeIn(scale))) scale *= 10;
  return scale;
}

/** Every time that a job declares. */
export function timesOf(job: Job): number[] {
  const { arrival, burst, deadline = 0, io = [] } = job;
  return [arrival, burst, deadline, ...io.flat()];
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
  must("burst", (n) => n >= LEAST_TIME, "a number above 0, of at least a billionth");
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
    if (after < 0 || rounded(after) > rounded(burst)) {
      refuse(
        who,
        field,
        `must come after 0 to ${burst} (its burst) of the processor, got ${after}`,
      );
    }
    if (rounded(after) <= before) {
      refuse(who, field, `must come after the one before, got ${after}`);
    }
    if (!(duration >= LEAST_TIME)) {
      refuse(who, field, `must have a duration above 0, of at least a billionth, got ${duration}`);
    }
    before = rounded(after);
  }
}

/** A time in billionths, to be compared only: beyond 9e6 units it is not exact. */
const rounded = (time: number): number => Math.round(time * MOST_PARTS);

/**
 * Refuses jobs whose times, added up, are beyond the whole numbers: from there on sums are rounded, and
 * in the end `now + quantum` is `now` again and no turn ever ends.
 *
 * @param jobs Checked jobs.
 * @param scale The parts of a unit.
 * @throws {TypeError} If the jobs take too long; the error names the first job and field beyond the limit.
 */
export function checkSpan(jobs: readonly Job[], scale: number): void {
  const limit = Number.MAX_SAFE_INTEGER / scale;
  let end = 0;
  const until = (moment: number, job: Job, field: string, value: number, rule: string): void => {
    if (Math.abs(moment) <= Number.MAX_SAFE_INTEGER) return;
    const kept = `so that times are kept to ${1 / scale}`;
    refuse(shown(job.name), field, `must ${rule} ${limit}, ${kept}; got ${shown(value)}`);
  };
  for (const job of jobs) {
    const { arrival, deadline = 0 } = job;
    end = Math.max(end, Math.round(arrival * scale));
    until(end, job, "arrival", arrival, "be at most");
    until(deadline * scale, job, "deadline", deadline, "be at most");
  }
  for (const job of jobs) {
    const uses: [string, number][] = [["burst", job.burst]];
    for (const [at, [, duration]] of (job.io ?? []).entries()) uses.push([`io[${at}]`, duration]);
    for (const [field, time] of uses) {
      end += Math.round(time * scale);
      until(end, job, field, time, "let all jobs end by");
    }
  }
}

/** Refuses jobs that take more turns than a simulation can hold; names the longest. */
export function refuseTurns(jobs: readonly Job[], policy: string, most: number): never {
  const { name, burst } = jobs.reduce((a, b) => b.burst > a.burst ? b : a);
  const why = `${show(policy)} takes more than ${most} turns`;
  refuse(
    shown(name),
    "burst",
    `must be shorter, or the quantum longer: ${why}, got ${shown(burst)}`,
  );
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
