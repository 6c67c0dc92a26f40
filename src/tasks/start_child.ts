/**
 * Starting a child that says when it is up: `nursery.start` of Trio.
 *
 * Until then the child is the affair of whoever waits for it, since that is who can say what a server that
 * does not come up means. So its failure is taken from the group, and a cancel of the wait ends it.
 */
import { Entered } from "../kernel/deadline.ts";
import { operation } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import type { ChildTasks } from "./child_tasks.ts";
import type { EitherGenerator } from "./perform.ts";

/** What has become of the start. */
type Progress<V> =
  | { readonly kind: "starting" }
  | { readonly kind: "started"; readonly value: V }
  | { readonly kind: "failed"; readonly error: unknown };

/** Starts a child in `childTasks` and waits until it calls `started`. For `yield*` inside a sequence. */
export function* startChild<V, A extends readonly unknown[]>(
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
