/** What a page may ask for, and what is wrong with it if it may not, in one line. */
import { POLICIES } from "../scheduling/policies.ts";
import { type EngineName, ENGINES, type Workload, WORKLOADS } from "../throughput/plan.ts";

/** Most tasks that may be asked for. */
export const MOST_TASKS = 100_000;

/** The policy that a run has without one: weft's own order. */
export const NO_POLICY = "none";

/** The names of the select `Policy`. */
export const POLICY_NAMES: readonly string[] = [NO_POLICY, ...Object.keys(POLICIES)];

/** What a page has when it is opened without a query. */
export const DEFAULTS = {
  workload: "io" as Workload,
  engines: ["sequential", "generator", "coroutine", "worker"] as readonly EngineName[],
  tasks: 200,
  policy: NO_POLICY,
  quantum: 4,
};

/** A comparison of engines. */
export interface Comparison {
  readonly kind: "compare";
  readonly workload: Workload;
  readonly engines: readonly EngineName[];
  readonly tasks: number;
  readonly policy: string;
  readonly quantum: number;
}

/** A run that a page may start. */
export type RunOrder = Comparison | { readonly kind: "deadlock" };

/** Thrown for settings that no run can have; the message is for who chose them. */
export class SettingsError extends Error {
  /** The class name. */
  override readonly name: string = "SettingsError";
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function oneOf<T extends string>(what: string, value: unknown, known: readonly T[]): T {
  const found = known.find((name) => name === value);
  if (found !== undefined) return found;
  throw new SettingsError(`${what} must be one of ${known.join(", ")}; got ${show(value)}`);
}

/** A quantum, in the words of `scheduling.ts`. */
export function checkQuantum(value: unknown): number {
  if (typeof value === "number" && value >= 1e-9 && value < Infinity) return value;
  const text = typeof value === "string" ? value : String(value);
  const rule = "a number above 0, of at least a billionth";
  throw new SettingsError(
    `Option --quantum must be ${rule}; got ${JSON.stringify(text.slice(0, 60))}`,
  );
}

/** The fields of a JSON object. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new SettingsError(`Settings must be a JSON object; got ${show(value)}`);
}

/** Reads what a page sent. */
export function readOrder(value: unknown): RunOrder {
  const { kind, workload, engines, tasks, policy, quantum } = fieldsOf(value);
  if (oneOf("Kind", kind, ["compare", "deadlock"]) === "deadlock") return { kind: "deadlock" };
  if (!Array.isArray(engines) || engines.length === 0) {
    throw new SettingsError(`Engines must be a list of at least one; got ${show(engines)}`);
  }
  const chosen = new Set(engines.map((name) => oneOf("Each engine", name, ENGINES)));
  if (!Number.isSafeInteger(tasks) || (tasks as number) < 1 || (tasks as number) > MOST_TASKS) {
    throw new SettingsError(
      `Tasks must be a whole number from 1 to ${MOST_TASKS}; got ${show(tasks)}`,
    );
  }
  return {
    kind: "compare",
    workload: oneOf("Workload", workload, WORKLOADS),
    engines: ENGINES.filter((name) => chosen.has(name)),
    tasks: tasks as number,
    policy: oneOf("Policy", policy ?? NO_POLICY, POLICY_NAMES),
    quantum: checkQuantum(quantum ?? DEFAULTS.quantum),
  };
}
