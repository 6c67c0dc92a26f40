/**
 * Groups: tasks that end together (a nursery in Trio's words).
 *
 * The body runs in the current task, under a scope of the group; children are tasks of their own.
 * The first failure, of the body or of a child, cancels all the rest; when everything has ended,
 * one {@linkcode GroupError} carries every error. Always that class, even for a single one: code that
 * handles "one" differently from "several" works in tests and breaks in production.
 *
 * `start` waits until a child says that it is up (`nursery.start` of Trio). Until then the child belongs to
 * the code that waits for it, which alone can say what a server that does not come up means. So its failure
 * is taken from the group, and a cancel of the wait ends it.
 */
import { checkMs, checkOptions } from "../kernel/checks.ts";
import { Entered, WaitMark } from "../kernel/scope.ts";
import { GroupError, NOTHING } from "../kernel/errors.ts";
import { reportName } from "../kernel/printable.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import { type Site, takeAsyncSite, withSite } from "../kernel/sites.ts";
import type { Task } from "../kernel/task.ts";
import type { TaskBody } from "../kernel/generators.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { Scope } from "./cancel_scope.ts";
import { ChildTasks } from "./child_tasks.ts";
import { checkBody, type EitherGenerator, perform } from "./perform.ts";
import { currentTask } from "./run.ts";
import { cede } from "./time.ts";

/** How a group is to be known. */
export interface GroupOptions {
  /** Names it in reports. @default {"group"} */
  name?: string;
  /**
   * How many milliseconds its children get to finish when the group is cancelled from outside. The body
   * is cancelled at once, and nothing new can be spawned; what has not ended then is cancelled, too.
   * A failure, of the body or of a child, leaves no grace. @default {0}
   */
  grace?: number;
}

/** What the body of a group gets: the place to spawn children. */
export class Group {
  readonly #childTasks: ChildTasks;
  readonly #scope: Scope;

  /** Made by {@linkcode group}. */
  constructor(childTasks: ChildTasks, scope: Scope) {
    this.#childTasks = childTasks;
    this.#scope = scope;
  }

  /** The children that are alive, in the order in which they were spawned. */
  get tasks(): readonly Task[] {
    return this.#childTasks.alive;
  }

  /** Starts a child: like {@linkcode spawn}, but the group answers for it. */
  spawn<A extends readonly unknown[], T>(body: TaskBody<A, T>, ...args: A): Task<T> {
    checkBody(body, "spawn", args);
    this.#childTasks.refuseNewWork(body);
    return this.#childTasks.spawn(body, body(...args));
  }

  /** Starts a child after `ms` milliseconds; the group waits for it. */
  spawnLater<A extends readonly unknown[], T>(
    ms: number,
    body: TaskBody<A, T>,
    ...args: A
  ): Task<T> {
    checkBody(body, "spawn", args);
    checkMs(ms, "a delay");
    this.#childTasks.refuseNewWork(body);
    return this.#childTasks.spawn(body, body(...args), ms);
  }

  /**
   * Starts a child and waits until it says that it is up. The body gets `started` as its first argument, and
   * calls it, once, with what `start` is to evaluate to; from then on it is a child like any other.
   *
   * An error before that is thrown by `start`, and is none of the group's; so is an end without the call.
   * A cancel of `start` cancels the child and waits for it.
   *
   * @example A server that is up
   * ```ts
   * import { connect, group, listen, run } from "@weft/weft";
   * await run(async function* () {
   *   yield* group(async function* (g) {
   *     const port = yield* g.start(async function* (started: (port: number) => void) {
   *       using server = listen({ hostname: "127.0.0.1", port: 0 });
   *       started((server.localAddr as Deno.NetAddr).port);
   *       (yield* server.accept()).close();
   *     });
   *     (yield* connect({ hostname: "127.0.0.1", port })).close();
   *   });
   * });
   * ```
   *
   * @typeParam V What it tells when it is up.
   * @typeParam A The body's other parameters.
   * @param body A `function*` or an `async function*`, uncalled.
   * @param args Its arguments, after `started`.
   * @returns An operation that evaluates to what the child gave to `started`.
   * @throws {TypeError} If the body is not a generator function.
   */
  start<V, A extends readonly unknown[]>(
    body: (started: (value: V) => void, ...args: A) => EitherGenerator<unknown>,
    ...args: A
  ): Operation<V>;
  /** The same for a child that has nothing to tell: `started()`. */
  start<A extends readonly unknown[]>(
    body: (started: () => void, ...args: A) => EitherGenerator<unknown>,
    ...args: A
  ): Operation<void>;
  start<A extends readonly unknown[]>(
    body: (started: (value?: unknown) => void, ...args: A) => EitherGenerator<unknown>,
    ...args: A
  ): Operation<unknown> {
    checkBody(body, "start", args);
    return sequence(`${this.#childTasks}.start()`, () => startChild(this.#childTasks, body, args));
  }

  /** The scope in which body and children run: its deadline can be moved, and it says how the group ended. */
  get scope(): Scope {
    return this.#scope;
  }

  /**
   * Ends the group: cancels the body and all children, those too that a clean-up may still spawn. That is no
   * error: the group evaluates to `undefined`, or to what the body had returned. With `grace`, the children
   * get that time.
   */
  cancel(reason?: unknown): void {
    this.#scope.cancel(reason);
  }
}

/**
 * Runs `body` in the current task with a group to spawn children into, and waits for all of them.
 *
 * A failure of one cancels the others; each clean-up runs to its end before the group ends. A child
 * that was cancelled on its own has not failed. A cancel from outside reaches the body and the
 * children, and is thrown when they have ended, unless one of them failed meanwhile. With `grace`, it
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
  const site = takeAsyncSite();
  return sequence(`group "${name}"`, () => runGroup(body, name, grace, site));
}

/** Runs a group in the current task. */
function* runGroup<T>(
  body: (g: Group) => EitherGenerator<T>,
  name: string,
  grace: number,
  site: Site | null,
): Generator<unknown, T, unknown> {
  const mark = new WaitMark();
  let value: T | undefined;
  const errors: unknown[] = [];
  /** A cancel that is not the group's own. */
  let outer: unknown = undefined;
  {
    using entered = new Entered({ movable: true });
    const scope = new Scope(entered);
    const childTasks = new ChildTasks(`group "${name}"`, currentTask(), (child) => {
      if (!child.failed) return;
      const reason = `sibling "${child}" failed`;
      childTasks.cancel(reason, child.error);
      entered.scope.abort("group", reason, child.error);
    }, { grace });
    let cancel: unknown = undefined;
    try {
      value = yield* perform(() => body(new Group(childTasks, scope)));
    } catch (error) {
      const parts = entered.scope.partAll(error);
      if (parts.rest !== NOTHING) {
        childTasks.errors.push(parts.rest);
        childTasks.cancel(`the body of group "${name}" failed`, parts.rest);
      }
      if (parts.cancel !== null) {
        cancel = parts.cancel;
        childTasks.cancelled(cancel);
      }
    }
    try {
      yield* childTasks.done();
    } catch (error) {
      cancel ??= error;
    }
    const isOwn = cancel !== undefined && cancel === entered.scope.cause;
    if (!isOwn) outer = cancel;
    errors.push(...childTasks.errors);
    scope.ended(isOwn && errors.length === 0);
  }
  if (mark.untouched && outer === undefined) {
    try {
      yield* cede();
    } catch (error) {
      outer = error;
    }
  }
  if (errors.length > 0) throw withSite(new GroupError(errors, name), site);
  if (outer !== undefined) throw outer;
  return value as T;
}

/** What has become of the start. */
type Progress<V> =
  | { readonly kind: "starting" }
  | { readonly kind: "started"; readonly value: V }
  | { readonly kind: "failed"; readonly error: unknown };

/** Starts a child in `childTasks` and waits until it calls `started`. For `yield*` inside a sequence. */
function* startChild<V, A extends readonly unknown[]>(
  childTasks: ChildTasks,
  body: (started: (value: V) => void, ...args: A) => EitherGenerator<unknown>,
  args: A,
): Generator<unknown, V, unknown> {
  childTasks.refuseNewWork(body);
  let progress: Progress<V> = { kind: "starting" };
  const now = (): Progress<V> => progress;
  let child: Task | undefined = undefined;
  const waiters = new WaitQueue<void>({
    get holder(): Task | undefined {
      return child;
    },
    toString: () => String(childTasks),
  }, "start");
  const started = (value: V): void => {
    if (now().kind === "started") throw new Error(`Cannot start "${body.name}" twice: it is up`);
    if (now().kind === "failed") return;
    progress = { kind: "started", value };
    if (child !== undefined && !child.done) childTasks.adopt(child);
    waiters.wake();
  };
  const ended = (task: Task): void => {
    const error = task.failed
      ? task.error
      : new Error(`Cannot start "${task}": it ended without calling started()`, {
        cause: task.error,
      });
    progress = { kind: "failed", error };
    waiters.wake();
  };
  child = childTasks.spawnFor({ exited: ended }, body, body(started, ...args));
  const end = operation<void>(waiters, (wait: Wait<void>) => {
    if (now().kind === "starting") waiters.park(wait);
    else wait.settle();
  }) as Iterable<unknown, void, unknown>;
  try {
    yield* end;
  } catch (error) {
    // The cancel and the child's started(): one that came up in this moment belongs to the group already.
    if (now().kind === "started") throw error;
    child.abort("group", "nobody waits for its start any more", error);
    using _shield = new Entered({ shielded: true });
    if (now().kind === "starting") yield* waitForEnd(waiters);
    const last = now();
    if (last.kind === "failed" && child.failed) throw last.error;
    throw error;
  }
  const last = now();
  if (last.kind === "started") return last.value;
  throw (last as Extract<Progress<V>, { kind: "failed" }>).error;
}

function waitForEnd(waiters: WaitQueue<void>): Iterable<unknown, void, unknown> {
  return operation<void>(waiters, (wait: Wait<void>) => waiters.park(wait)) as Iterable<
    unknown,
    void,
    unknown
  >;
}
