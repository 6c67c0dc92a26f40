/** The jobs that `scheduling.ts` schedules: built in, or from a file. */
import { checkJobs, type Job } from "@weft/weft";

/** Long and short, early and late, one that waits for a device. */
export const JOBS: readonly Job[] = [
  { name: "A", arrival: 0, burst: 8, priority: 3 },
  { name: "B", arrival: 1, burst: 4, priority: 1 },
  { name: "C", arrival: 2, burst: 9, priority: 4, io: [[3, 4]] },
  { name: "D", arrival: 3, burst: 5, priority: 2 },
  { name: "E", arrival: 6, burst: 2, priority: 5 },
];

/** Reads a text of JSON; says in one line what is wrong with it. */
export function parseJobs(text: string, names: readonly string[]): readonly Job[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TypeError(`Cannot read jobs: not JSON: ${oneLine((error as Error).message)}`);
  }
  const needs = names.some((name) => name.startsWith("priority")) ? ["priority" as const] : [];
  checkJobs(value, needs);
  return value;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}
