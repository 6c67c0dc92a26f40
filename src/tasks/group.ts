/**
 * Groups: tasks that end together (a nursery in Trio's words).
 *
 * The body runs in the current task, under a scope of the group; children are tasks of their own.
 * The first failure, of the body or of a child, cancels all the rest; when everything is through,
 * one {@linkcode GroupError} carries every error. Always that class, even for a single one: code that
 * handles "one" differently from "several" works in tests and breaks in production.
 */
import { reportName } from "../kernel/names.ts";
import { Entered } from "../kernel/deadline.ts";
import { checkMs, checkOptions } from "../kernel/checks.ts";
import { GroupError } from "../kernel/errors.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import { NOTHING } from "../kernel/own_cancel.ts";
import type { Task, TaskBody } from "../kernel/task.ts";
import { checkBody } from "./body.ts";
import { Brood } from "./brood.ts";
import { type EitherGenerator, perform } from "./perform.ts";
import { currentTask } from "./run.ts";

/** How a group is to be known. */
export interface GroupOptions {
  /** Names it in reports. @default {"group"} */
  name?: string;
  /**
   * How many milliseconds its children get to finish when the group is cancelled from outside. The body
   * is cancelled at once, and nothing new can be spawned; what is not through then is cancelled, too.
   * A failure, of the body or of a child, leaves no grace. @default {0}
   */
  grace?: number;
}

/** What the body of a group gets: the place to spawn children. */
export class Group {
  readonly #brood: Brood;

  /** Made by {@linkcode group}. */
  constructor(brood: Brood) {
    this.#brood = brood;
  }

  /** The children that are alive, in the order in which they were spawned. */
  get tasks(): readonly Task[] {
    return this.#brood.alive;
  }

  /** Starts a child: like {@linkcode spawn}, but the group answers for it. */
  spawn<A extends readonly unknown[], T>(body: TaskBody<A, T>, ...args: A): Task<T> {
    checkBody(body, "spawn", args);
    this.#brood.refuseNewWork(body);
    return this.#brood.spawn(body, body(...args));
  }

  /** Starts a child after `ms` milliseconds; the group waits for it. */
  spawnLater<A extends readonly unknown[], T>(
    ms: number,
    body: TaskBody<A, T>,
    ...args: A
  ): Task<T> {
    checkBody(body, "spawn", args);
    checkMs(ms, "a delay");
    this.#brood.refuseNewWork(body);
    return this.#brood.spawn(body, body(...args), ms);
  }

  /** Cancels the children that are alive now; the body goes on, and may spawn others. */
  cancel(reason?: unknown): void {
    for (const child of this.#brood.alive) child.cancel(reason);
  }
}

/**
 * Runs `body` in the current task with a group to spawn children into, and waits for all of them.
 *
 * A failure of one cancels the others; each clean-up runs to its end before the group ends. A child
 * that was cancelled on its own has not failed. A cancel from outside reaches the body and the
 * children, and is thrown when they are through, unless one of them failed meanwhile. With `grace`, it
 * reaches the children only when that time is over.
 *
 * @example One fails, the other is stopped
 * ```ts
 * import { group, GroupError, run, sleep } from "@weft/weft";
 * const errors = await run(async function* () {
 *   try {
 *     yield* group(async function* (g) {
 *       g.spawn(async function* () {
 *         yield* sleep(60_000);
 *       });
 *       g.spawn(async function* () {
 *         throw new Error("boom");
 *       });
 *     });
 *   } catch (error) {
 *     return error instanceof GroupError && error.errors.map(String);
 *   }
 * });
 * if (String(errors) !== "Error: boom") throw new Error(String(errors));
 * ```
 *
 * @typeParam T What the body returns.
 * @param body A `function*` or an `async function*` of the group.
 * @param options A name for reports, a time of grace.
 * @returns An operation that evaluates to what the body returned.
 */
export function group<T>(
  body: (g: Group) => EitherGenerator<T>,
  options: GroupOptions = {},
): Operation<T> {
  checkBody(body, "run a group of");
  checkOptions(options, "group()");
  const name = reportName("group", options.name ?? "group");
  const grace = checkMs(options.grace ?? 0, "a time of grace");
  return sequence(`group "${name}"`, function* () {
    using entered = new Entered();
    const brood = new Brood(`group "${name}"`, currentTask(), (child) => {
      if (!child.failed) return;
      const reason = `sibling "${child}" failed`;
      brood.cancel(reason, child.error);
      entered.scope.abort("group", reason, child.error);
    }, { grace });
    let value: T | undefined;
    let cancel: unknown = undefined;
    try {
      value = yield* perform(() => body(new Group(brood)));
    } catch (error) {
      const parts = entered.scope.partAll(error);
      if (parts.rest !== NOTHING) {
        brood.errors.push(parts.rest);
        brood.cancel(`the body of group "${name}" failed`, parts.rest);
      }
      if (parts.cancel !== null) {
        cancel = parts.cancel;
        brood.cancelled(cancel);
      }
    }
    try {
      yield* brood.done();
    } catch (error) {
      cancel ??= error;
    }
    if (brood.errors.length > 0) throw new GroupError(brood.errors, name);
    if (cancel !== undefined) throw cancel;
    return value as T;
  });
}
