/**
 * The life of a submitter: it takes jobs; it finishes those it has; it has ended. Or it is broken, and
 * every job fails with the same error.
 */
import { ClosedError } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import { hold, letGo, type Resource } from "../../kernel/resource.ts";
import type { Scheduler } from "../../kernel/scheduler.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import { currentRun, FailureLog } from "../../parallel/pool/failure_log.ts";
import type { ClusterError } from "../link/errors.ts";
import type { ClusterState } from "./options.ts";

/** Where one submitter stands. */
export class RemoteLife {
  /** Where it stands. */
  state: ClusterState = "open";
  /** Why it is broken; `null` if it is not. */
  error: ClusterError | null = null;
  /** The run it was made in, which will end it; `null` for none. */
  readonly run: Scheduler | null = currentRun();
  readonly #name: string;
  readonly #resource: Resource;
  readonly #joins: WaitQueue<void>;

  /** A submitter that takes jobs; `release` ends it. */
  constructor(name: string, release: () => Promise<void>) {
    this.#name = name;
    this.#resource = { release, toString: () => name };
    this.#joins = new WaitQueue({ toString: () => name }, "join", "bound");
    if (this.run !== null) FailureLog.after(this.#resource, this.run);
  }

  /** It has a connection, or makes one. */
  held(): void {
    hold(this.#resource);
  }

  /**
   * Does nothing if jobs are taken.
   *
   * @throws {ClosedError} If not any more.
   */
  refuseIfClosed(verb: string): void {
    if (this.state === "closing" || this.state === "ended") throw this.closedError(verb);
  }

  /** The error of those who come too late. */
  closedError(verb: string): ClosedError {
    return new ClosedError(`Cannot ${verb} ${this.#name}: it has been closed`);
  }

  /** It cannot go on. Returns whether that is news. */
  broke(error: ClusterError): boolean {
    if (this.error !== null || this.state === "ended") return false;
    this.error = error;
    if (this.state === "open") this.state = "broken";
    return true;
  }

  /** Waits for the end. */
  join(): Operation<void> {
    return operation(this.#joins, (wait: Wait<void>) => {
      if (this.state === "open" || this.state === "broken") {
        throw new Error(`Cannot join ${this.#name}: it is open; close() it first`);
      }
      if (this.state === "ended") wait.settle();
      else this.#joins.park(wait);
    });
  }

  /** Nothing of it is left. */
  end(): void {
    this.state = "ended";
    letGo(this.#resource);
    this.run?.resources.delete(this.#resource);
    this.#joins.wakeAll();
  }
}
