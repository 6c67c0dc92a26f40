/**
 * The life of a pool: it takes jobs; it finishes those it has; its workers go; they are gone.
 *
 * One place knows where the pool stands, who waits for its end, and whether the process-wide ledger
 * still counts it, so that a verb has nothing to ask but "may I?".
 */
import { SystemClock } from "../../kernel/clock.ts";
import { currentScope } from "../../kernel/context.ts";
import { ClosedError } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import { hold, letGo, type Resource } from "../../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../../kernel/scheduler.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { FailureLog } from "./failure_log.ts";
import { isLoading, loadingError } from "../jobs.ts";
import type { PoolState } from "./options.ts";

/** Where one pool stands. */
export class PoolLife {
  /** Where it stands. */
  state: PoolState = "open";
  /** The run it was made in, which will end it; `null` for none. */
  readonly run: Scheduler | null = currentRun();
  readonly #name: string;
  readonly #dispatcher: Dispatcher;
  readonly #onTerminate: () => void;
  readonly #joins: WaitQueue<void>;
  readonly #resource: Resource = { release: () => this.release(), toString: () => this.#name };
  #ends: (() => void)[] = [];
  #held = false;

  /** A pool that takes jobs; `onTerminate` is called when it drops them all. */
  constructor(name: string, dispatcher: Dispatcher, onTerminate: () => void) {
    this.#name = name;
    this.#dispatcher = dispatcher;
    this.#onTerminate = onTerminate;
    this.#joins = new WaitQueue({ toString: () => name }, "join", "bound");
    if (this.run !== null) FailureLog.after(this.#resource, this.run);
  }

  /**
   * Does nothing if the pool takes jobs.
   *
   * @throws {ClosedError} If it takes none any more.
   */
  refuseIfClosed(verb: string): void {
    if (this.state !== "open") throw this.closedError(verb);
    if (isLoading()) throw loadingError(`${verb} ${this.#name}`);
  }

  /** The error for a call that comes too late. */
  closedError(verb: string): ClosedError {
    const how = this.state === "closing" ? "closed" : "terminated or closed";
    return new ClosedError(`Cannot ${verb} ${this.#name}: it has been ${how}`);
  }

  /** Takes no more jobs. */
  close(): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.#dispatcher.more();
  }

  /** Drops every job and ends the workers. */
  terminate(): void {
    if (this.state === "ending" || this.state === "ended") return;
    this.state = "ending";
    this.#dispatcher.terminate(`${this.#name} was terminated`);
    this.#onTerminate();
    this.dealt();
  }

  /** Waits for the last worker to go. */
  join(): Operation<void> {
    return operation(this.#joins, (wait: Wait<void>) => {
      if (this.state === "open") {
        throw new Error(
          `Cannot join ${this.#name}: it is open, so its workers stay; close() it first`,
        );
      }
      if (this.state === "ended") wait.settle();
      else this.#joins.park(wait);
    });
  }

  /** Terminates the pool; resolves when its workers have gone. */
  release(): Promise<void> {
    this.terminate();
    if (this.state === "ended") return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ends.push(resolve);
    return promise.then(() => new SystemClock().hop(true)); // lets the host be through with closed ports
  }

  /** The dispatcher has changed something: goes on to the next state if that was all it waited for. */
  dealt(): void {
    const { busy, workerSet } = this.#dispatcher;
    if (this.state === "closing" && !busy) {
      this.state = "ending";
      this.#dispatcher.dismiss();
    }
    if (workerSet.empty === this.#held) this.#setHeld(!workerSet.empty);
    if (this.state === "ending" && workerSet.empty) this.#end();
  }

  /** Enters the pool into the ledger of held resources with its first worker, and removes it with the last. */
  #setHeld(held: boolean): void {
    this.#held = held;
    if (held) hold(this.#resource);
    else letGo(this.#resource);
  }

  #end(): void {
    this.state = "ended";
    this.run?.resources.delete(this.#resource);
    this.#joins.wakeAll();
    for (const ended of this.#ends) ended();
    this.#ends = [];
  }
}

/** The run whose code is running, or `null`. */
export function currentRun(): Scheduler | null {
  const scope = currentScope();
  return scope === null ? null : schedulerOf(scope.task);
}
