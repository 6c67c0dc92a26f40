/** What a supervisor is told of its children, and what it remembers of each. */
import type { Task } from "../kernel/task.ts";
import { type FullBackoff, Streak } from "./backoff.ts";
import { checkBody } from "./body.ts";
import type { Brood } from "./brood.ts";
import type { EitherGenerator } from "./perform.ts";

/**
 * When a child is started again, in Erlang's words: `"transient"` when it has failed, `"permanent"` also
 * when it has returned or was cancelled on its own, `"temporary"` never.
 */
export type Restart = "transient" | "permanent" | "temporary";

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
  const specs: ChildSpec[] = Array.isArray(children)
    ? [...children]
    : Object.entries(children).map(([name, body]) => ({ name, body }));
  const names = new Set<string>();
  for (const { name, body, restart = "transient" } of specs) {
    checkBody(body, "supervise");
    if (names.has(name)) {
      throw new TypeError(`Cannot supervise two children named "${name}": names must differ`);
    }
    names.add(name);
    if (restart !== "transient" && restart !== "permanent" && restart !== "temporary") {
      throw new TypeError(
        `Cannot restart "${name}" as "${restart}": it must be transient, permanent or temporary`,
      );
    }
  }
  return specs;
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
  start(brood: Brood, now: number, at: number): void {
    const { body, args = [] } = this.#spec;
    const delay = at > now ? at - now : undefined;
    this.task = brood.spawn(this.name, body(...args as never[]), delay);
    this.streak.started(at);
  }

  /** Whether its task, which has ended, is to be followed by another. */
  get wantsRestart(): boolean {
    if (this.restart === "temporary") return false;
    return this.restart === "permanent" || this.task!.failed;
  }
}
