/**
 * Drives an `async function*`: the body of an async-lane task, or a part of a task.
 *
 * The driver is one async function per generator, started once under the generator's scope, so that
 * the host itself restores the current task after every `await` of it and of the user's code. While
 * the generator waits by `yield*` or `await`, the driver just sits at its `next()`; only what the
 * generator yields comes here.
 *
 * The language awaits the operand of `yield` in an async generator before it hands it out. So from
 * `yield op` the driver sees the result, after the wait has happened, and cannot tell `undefined`
 * from a bare `yield`. A cancel must not be thrown between a finished wait and its result (a taken
 * item would vanish), so what comes out right after a wait of this task is never a cancel point; the
 * wait was one. A bare `yield` anywhere else is both.
 */
import { withScope } from "./context.ts";
import type { Ending } from "./fast_routine.ts";
import { type AsyncParty, PromisedWait } from "./promised_wait.ts";
import { CancelScope } from "./scope.ts";
import { cedeTrap } from "./trap.ts";

/** Runs `generator` under `scope`, from now on, and tells `ending` when it is through. */
export function driveAsync(
  generator: AsyncIterator<unknown, unknown, unknown>,
  task: AsyncParty,
  scope: CancelScope,
  ending: Ending,
): void {
  const { stops } = task;
  withScope(scope, () => {
    drive(generator, task, scope, ending === task as unknown).then(
      (value) => end(false, value, task, ending),
      (error) => end(true, error, task, ending),
    );
  });
  // It ran up to its first `await` or `yield`. If that was no checkpoint, it is still under way.
  if (task.stops === stops) task.stepOut();
}

/** Ends the generator's part, and the step with it unless other async code of the task goes on at once. */
function end(failed: boolean, value: unknown, task: AsyncParty, ending: Ending): void {
  const { outings } = task;
  ending.finish(failed, value);
  if (task.outings === outings) task.stepOver();
}

async function drive(
  generator: AsyncIterator<unknown, unknown, unknown>,
  task: AsyncParty,
  scope: CancelScope,
  isBody: boolean,
): Promise<unknown> {
  let input: unknown = undefined;
  let failed = false;
  if (isBody) {
    const cancel = scope.pending;
    failed = cancel !== null;
    input = cancel ?? undefined;
  }
  for (;;) {
    task.resumed = false;
    const step = await (failed ? throwInto(generator, input) : generator.next(input));
    if (step.done === true) return step.value;
    input = step.value;
    failed = false;
    const afterWait = task.resumed;
    if (afterWait && input !== undefined) continue;
    if (isBody) await task.cedeAsync();
    else await new PromisedWait<void>(cedeTrap).promise(new CancelScope(scope, true));
    const cancel = afterWait ? null : scope.pending;
    if (cancel !== null) {
      failed = true;
      input = cancel;
    }
  }
}

function throwInto(
  generator: AsyncIterator<unknown, unknown, unknown>,
  error: unknown,
): Promise<IteratorResult<unknown, unknown>> {
  return generator.throw === undefined ? Promise.reject(error) : generator.throw(error);
}
