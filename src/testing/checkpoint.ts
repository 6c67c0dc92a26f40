/**
 * Claims about checkpoints: this always is one, this never is.
 *
 * A checkpoint is both a schedule point (another ready task got its turn, at the latest when the budget of
 * the step is used up) and a cancel point (in a cancelled scope it throws, and then has done nothing). A
 * rule that holds only sometimes, say "when the buffer is empty", is worse than none; so both halves are
 * asked of the operation itself, as by a task that has no budget left.
 */
import { BUDGET, spent } from "../kernel/turn.ts";
import { show } from "../kernel/printable.ts";
import { checkFunction, hasMethod, isGenerator } from "../kernel/checks.ts";
import { currentFrame, Entered } from "../kernel/scope.ts";
import { type Operation, sequence, takeOver } from "../kernel/operation.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";

/** Puts a task behind the current one in the ready queue, and tells whether it has run. */
class Probe {
  #ran = false;

  constructor(task: Task) {
    schedulerOf(task).spawn("probe", this.#body(), task);
  }

  /** Whether others have had a turn since. */
  get ran(): boolean {
    return this.#ran;
  }

  *#body(): Generator<unknown, void, never> {
    this.#ran = true;
  }
}

/**
 * Waits for an operation twice: first in a cancelled scope, where it must throw at once, then for real,
 * where it must let another ready task run before it completes: it is asked as by a task that has used up its
 * budget of operations that need not wait.
 *
 * @typeParam T What the operation evaluates to.
 * @param operation The operation; it must bear being waited for again.
 * @returns An operation that evaluates to the same.
 * @throws {Error} If the operation was no cancel point or no schedule point.
 */
export function assertCheckpoint<T>(operation: Operation<T>): Operation<T> {
  if (!hasMethod(operation, Symbol.iterator) || !hasMethod(operation, "then")) {
    throw new TypeError(`Cannot call ${show(operation)} a checkpoint: it must be an operation`);
  }
  takeOver(operation);
  return sequence(`assertCheckpoint(${operation})`, function* () {
    yield* assertCancels(operation);
    const probe = new Probe(runningTask());
    spent.operations = BUDGET;
    const value = yield* operation;
    if (!probe.ran) {
      throw new Error(
        `Cannot call ${operation} a checkpoint: no other task ran before it completed`,
      );
    }
    return value;
  });
}

function* assertCancels(operation: Operation<unknown>): Generator<unknown, void, unknown> {
  using entered = new Entered();
  entered.scope.abort("explicit", "asserting a checkpoint");
  try {
    yield* operation;
  } catch (error) {
    entered.absorb(error);
    return;
  }
  throw new Error(`Cannot call ${operation} a checkpoint: it completed in a cancelled scope`);
}

/**
 * Calls a plain function and makes sure that no other task ran meanwhile.
 *
 * @typeParam T What the function returns.
 * @param f The function, or work done by `yield*` that must not wait.
 * @returns An operation that evaluates to the function's result.
 * @throws {Error} If another task ran.
 */
export function assertNoCheckpoint<T>(f: () => T | Generator<unknown, T, unknown>): Operation<T> {
  checkFunction(f, "what must not wait");
  return sequence("assertNoCheckpoint()", function* () {
    const probe = new Probe(runningTask());
    const result = f();
    const value = isGenerator(result) && Symbol.iterator in result
      ? yield* result as Generator<unknown, T, unknown>
      : result as T;
    if (probe.ran) throw new Error("Cannot deny a checkpoint: another task ran meanwhile");
    return value;
  });
}

/** The task of the sequence that calls. */
function runningTask(): Task {
  return currentFrame().scope.task;
}
