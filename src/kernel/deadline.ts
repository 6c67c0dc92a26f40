/**
 * Entering and leaving cancel scopes from task code.
 *
 * A scope is entered by a `function*` that runs in the task itself, not by a child task: a lock taken
 * inside a timeout must belong to the same holder as outside. The frame (whoever drives that
 * `function*`) carries the innermost scope, so entering is a store and leaving is a store.
 */
import { fastLane, type Frame } from "./context.ts";
import { InternalError } from "./errors.ts";
import { NOTHING } from "./own_cancel.ts";
import { CancelScope, Shield, TimedScope } from "./scope.ts";
import type { Timer } from "./timers.ts";

/** The program that is running this very line; only for code inside a {@linkcode sequence}. */
export function currentFrame(): Frame {
  const frame = fastLane.running;
  if (frame === null) throw new InternalError("Cannot enter a scope outside of a sequence");
  return frame;
}

/** An entered scope, left when disposed. */
export class Entered {
  /** The scope inside which the code now runs. */
  readonly scope: CancelScope;
  readonly #frame: Frame;
  #timer: Timer | null = null;

  /** Enters a new scope in the current frame; with `ms`, one that is cancelled when the time is up. */
  constructor(options: { shielded?: boolean; ms?: number } = {}) {
    this.#frame = currentFrame();
    const outer = this.#frame.scope;
    const bounded = options.ms !== undefined && options.ms !== Infinity;
    const scope = this.scope = options.shielded === true
      ? new Shield(outer, bounded)
      : bounded
      ? new TimedScope(outer)
      : new CancelScope(outer);
    this.#frame.scope = scope;
    if (options.ms !== undefined) {
      this.#timer = scope.task.timers.after(
        options.ms,
        () => scope.abort("timeout", `${options.ms} ms`),
      );
    }
  }

  /** Returns if an error is this scope's own cancel, which ends here; throws it, or what else is in it. */
  absorb(error: unknown): void {
    const { rest } = this.scope.part(error);
    if (rest !== NOTHING) throw rest;
  }

  /** Leaves the scope and forgets its deadline. */
  [Symbol.dispose](): void {
    if (this.#timer !== null) this.scope.task.timers.cancel(this.#timer);
    this.#frame.scope = this.scope.parent!;
  }
}
