/**
 * Values that belong to a task: `threading.local` for tasks.
 *
 * A new task starts with its spawner's values as they are at that moment; what either sets later is
 * its own. Each task holds an immutable map, so that spawning shares it for nothing.
 */
import { type Entered, inScope } from "../kernel/scope.ts";
import { scopeWith } from "../kernel/context.ts";
import { type Operation, sequence, takeOver } from "../kernel/operation.ts";
import { checkWork, perform, type Work } from "./perform.ts";
import { currentTask } from "./run.ts";

/** A value of which each task has its own. Made by {@linkcode createLocal}. */
export class Local<V> {
  readonly #default: V;

  /** Made by {@linkcode createLocal}. */
  constructor(value: V) {
    this.#default = value;
  }

  /** The current task's value, or the default. */
  get(): V {
    currentTask();
    const scope = scopeWith(this);
    return scope === null ? this.#default : scope.locals!.get(this) as V;
  }

  /** Sets the current task's value; inside {@linkcode Local.with}, until that ends. */
  set(value: V): void {
    const task = currentTask();
    const scope = scopeWith(this) ?? task;
    scope.locals = new Map(scope.locals ?? []).set(this, value);
  }

  /**
   * Runs `work` in the current task with another value, and puts the old one back however it ends. Code of
   * the task beside it, under a `Promise.all`, does not see that value.
   */
  with<T>(value: V, work: Work<T>): Operation<T> {
    checkWork(work, "run");
    takeOver(work);
    const begin = ({ scope }: Entered): Iterable<unknown, T, unknown> => {
      scope.locals = new Map([[this, value]]);
      return perform(work);
    };
    return sequence("local.with()", () => inScope<T, never>({}, begin));
  }
}

/**
 * Makes a value of which each task has its own.
 *
 * @example A request's id, without passing it on
 * ```ts
 * import { createLocal, run, spawn } from "@weft/weft";
 * const id = createLocal("none");
 * const seen = await run(function* () {
 *   id.set("main");
 *   const child = spawn(function* () {
 *     const inherited = id.get();
 *     id.set("child");
 *     return inherited;
 *   });
 *   return (yield* child.get()) + " " + id.get();
 * });
 * if (seen !== "main main") throw new Error(seen);
 * ```
 *
 * @typeParam V The value's type.
 * @param value What a task without a value of its own gets.
 * @returns The local.
 */
export function createLocal<V>(value: V): Local<V> {
  return new Local(value);
}
