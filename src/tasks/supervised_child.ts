/** What a supervisor is told of its children, and what it remembers of each. */
import { checkList, checkObject, checkOneOf, checkString } from "../kernel/checks.ts";
import { printable, show } from "../kernel/printable.ts";
import type { Task } from "../kernel/task.ts";
import { keepHandled } from "../kernel/trap.ts";
import { type FullBackoff, Streak } from "./backoff.ts";
import { checkBody } from "./body.ts";
import type { ChildTasks } from "./child_tasks.ts";
import type { EitherGenerator } from "./perform.ts";

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

/** A child of a supervisor over all of its starts. */
export class SupervisedChild {
  /** Its name. */
  readonly name: string;
  /** When it is started again. */
  readonly restart: Restart;
  /** Its latest task, if it was ever started. */
  task: Task | null = null;
  /** How often it has been started again because of itself. */
  restarts = 0;
  /** Its failures in a row. */
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
