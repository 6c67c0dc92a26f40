/**
 * A child that is started again: when, after which delay, and how often before its supervisor gives up.
 */
import { Deque } from "../internal/deque.ts";
import {
  BOUND_OR_NONE,
  checkFunction,
  checkList,
  checkMs,
  checkObject,
  checkOneOf,
  checkOptions,
  checkString,
  checkWhole,
} from "../kernel/checks.ts";
import { printable, show } from "../kernel/printable.ts";
import { keepHandled } from "../kernel/trap.ts";
import type { Task } from "../kernel/task.ts";
import type { ChildTasks } from "./child_tasks.ts";
import { checkBody, type EitherGenerator } from "./perform.ts";

/**
 * When a child is started again, in Erlang's words: `"transient"` when it has failed, `"permanent"` also
 * when it has returned or was cancelled on its own, `"temporary"` never.
 */
export type Restart = "transient" | "permanent" | "temporary";

const RESTARTS: readonly Restart[] = ["transient", "permanent", "temporary"];

/** The body of a child: a `function*` or an `async function*`. */
export type ChildBody = (...args: never[]) => EitherGenerator<unknown>;

/** One child of a supervisor. */
export interface ChildSpec {
  /** Its task's name, and how errors and `onRestart` call it. */
  readonly name: string;
  /** A `function*` or an `async function*`, called anew for each start. */
  readonly body: ChildBody;
  /** The arguments of the body. @default none */
  readonly args?: readonly unknown[];
  /** When it is started again. @default {"transient"} */
  readonly restart?: Restart;
}

/** Children in the order in which they are started: a list, or bodies by name. */
export type Children = readonly ChildSpec[] | Readonly<Record<string, ChildBody>>;

/** Brings children into one form, and checks them. */
export function checkChildren(children: Children): ChildSpec[] {
  checkObject(children, "children (a list of specs, or bodies by name)");
  const specs: ChildSpec[] = Array.isArray(children)
    ? [...children]
    : Object.entries(children).map(([name, body]) => ({ name, body }));
  const names = new Set<string>();
  for (const spec of specs) {
    const { name, body, args, restart = "transient" } = checkSpec(spec);
    checkString(name, "the name of a child");
    checkBody(body, "supervise");
    if (names.has(name)) {
      throw new TypeError(`Cannot supervise two children named ${show(name)}: names must differ`);
    }
    names.add(name);
    checkOneOf(restart, RESTARTS, `the restart of ${show(name)}`);
    if (args === undefined) continue;
    checkList(args, `the arguments of ${show(name)}`);
    for (const arg of args) keepHandled(arg);
  }
  return specs;
}

function checkSpec(spec: ChildSpec): ChildSpec {
  return checkObject(spec, "a child ({ name, body })");
}

/** How many restarts are too many. */
export interface Intensity {
  /** The most restarts, of all children together ... */
  restarts: number;
  /** ... within this many milliseconds. */
  within: number;
}

/** A restart, and the errors that led to it. */
export interface Incident {
  /** When, by the run's clock. */
  readonly at: number;
  /** None if a permanent child returned. */
  readonly errors: unknown[];
}

/** Checks an intensity and returns it. */
export function checkIntensity(intensity: Intensity): Intensity {
  const { restarts, within } = checkOptions(intensity, "an intensity");
  checkWhole(restarts, "allow", "restarts", BOUND_OR_NONE);
  return { restarts, within: checkMs(within, "a time to count restarts in") };
}

/** The restarts that are not forgotten yet. */
export class RestartLog {
  readonly #intensity: Intensity;
  readonly #incidents = new Deque<Incident>();

  constructor(intensity: Intensity) {
    this.#intensity = intensity;
  }

  /** Takes note of a restart. Returns whether it is one too many. */
  note(incident: Incident): boolean {
    const { restarts, within } = this.#intensity;
    if (restarts === Infinity) return false;
    while (this.#incidents.size > 0 && this.#incidents.at(0)!.at + within <= incident.at) {
      this.#incidents.shift();
    }
    this.#incidents.push(incident);
    return this.#incidents.size > restarts;
  }

  /** The errors of the restarts that are remembered, in the order in which they came. */
  get errors(): unknown[] {
    return [...this.#incidents].flatMap((incident) => incident.errors);
  }
}

/** Delays that grow with each failure in a row. */
export interface Backoff {
  /** The delay before the first restart, in milliseconds. */
  first: number;
  /** By what each further delay is longer than the one before. @default {2} */
  factor?: number;
  /**
   * The longest delay, in milliseconds. One that has run for as long as this without failing counts as
   * well again: its delays begin anew. @default {30_000}
   */
  max?: number;
  /**
   * How much of each delay is left to chance, from 0 to 1, so that many who failed at once do not come
   * back at once. With 0.2, a delay of 100 ms becomes one between 80 and 100 ms. @default {0}
   */
  jitter?: number;
  /** Where chance comes from: a number from 0 up to 1, as `Math.random` gives. @default Math.random */
  random?: () => number;
}

/** A back-off with every value in place. */
export type FullBackoff = Readonly<Required<Backoff>>;

const noDelay: FullBackoff = { first: 0, factor: 1, max: 0, jitter: 0, random: () => 0 };

/** Checks a back-off and fills it up; without one, there is no delay. */
export function checkBackoff(backoff: Backoff | undefined): FullBackoff {
  if (backoff === undefined) return noDelay;
  checkOptions(backoff, "a back-off");
  const { first, factor = 2, max = 30_000, jitter = 0, random = Math.random } = backoff;
  checkMs(first, "the first delay");
  checkMs(max, "the longest delay");
  if (typeof factor !== "number" || !(factor >= 1)) {
    throw new RangeError(`Cannot use ${show(factor)} as a factor of delays: it must be 1 or more`);
  }
  if (typeof jitter !== "number" || !(jitter >= 0 && jitter <= 1)) {
    throw new RangeError(`Cannot use ${show(jitter)} as jitter: it must be from 0 to 1`);
  }
  checkFunction(random, "a source of chance");
  return { first, factor, max, jitter, random };
}

/** Failures in a row, which make delays longer until a good while passes without any. */
export class Streak {
  readonly #backoff: FullBackoff;
  #failures = 0;
  #startedAt = 0;

  constructor(backoff: FullBackoff) {
    this.#backoff = backoff;
  }

  /** It starts, or will start, at this time. */
  started(at: number): void {
    this.#startedAt = at;
  }

  /** Counts a failure at `now`, and returns how long to wait before the next start. */
  failed(now: number): number {
    const { first, factor, max, jitter, random } = this.#backoff;
    this.#failures = now - this.#startedAt >= max ? 1 : this.#failures + 1;
    // Not 0 * Infinity, which the power becomes in the end.
    const delay = first === 0 ? 0 : Math.min(max, first * factor ** (this.#failures - 1));
    return jitter === 0 ? delay : delay * (1 - jitter * random());
  }
}

/** A child of a supervisor over all of its starts. */
export class SupervisedChild {
  readonly name: string;
  readonly restart: Restart;
  /** Its latest task, if it was ever started. */
  task: Task | null = null;
  /** How often it has been started again because of itself. */
  restarts = 0;
  readonly streak: Streak;
  readonly #spec: ChildSpec;

  /** A child that has not started. */
  constructor(spec: ChildSpec, backoff: FullBackoff) {
    this.name = spec.name;
    this.restart = spec.restart ?? "transient";
    this.streak = new Streak(backoff);
    this.#spec = spec;
  }

  /** Starts it at a time that is now or later; until then its task is new. */
  start(childTasks: ChildTasks, now: number, at: number): void {
    const { body, args = [] } = this.#spec;
    const delay = at > now ? at - now : undefined;
    this.task = childTasks.spawn(this.name, body(...args as never[]), delay);
    this.streak.started(at);
  }

  /** Its name, as reports show it. */
  toString(): string {
    return printable(this.name);
  }

  /** Whether its task, which has ended, is to be followed by another. */
  get wantsRestart(): boolean {
    if (this.restart === "temporary") return false;
    return this.restart === "permanent" || this.task!.failed;
  }
}
