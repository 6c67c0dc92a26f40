/**
 * Where single jobs are handed in: each gets its terms and goes into the queue.
 *
 * `submit` never waits, because a future must be there at once; so a bound on the queue cannot be kept
 * by `submit` alone. It is kept by those who ask: `trySubmit` refuses, `ready` waits.
 */
import { WouldBlock } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { FailureLog } from "./failure_log.ts";
import { currentRun, type PoolLife } from "./pool_life.ts";
import { Job, type JobDemand, type JobTerms } from "./job.ts";
import { type Addressed, addressOf, type AnyFunction } from "../jobs.ts";
import { keepShared } from "../shared/pack.ts";

/** The desk of one pool. */
export class JobDesk {
  /** How jobs are treated that demand nothing else. */
  readonly usual: JobDemand;
  /** How many jobs were ever handed in. */
  submitted = 0;
  readonly #name: string;
  readonly #bound: number;
  readonly #life: PoolLife;
  readonly #dispatcher: Dispatcher;
  readonly #ready: WaitQueue<void>;
  #terms: JobTerms | null = null;
  #demand: JobDemand | null = null;

  /** A desk that takes jobs for a dispatcher; up to `bound` of them should wait. */
  constructor(
    name: string,
    { bound, usual }: { readonly bound: number; readonly usual: JobDemand },
    life: PoolLife,
    dispatcher: Dispatcher,
  ) {
    this.#name = name;
    this.#bound = bound;
    this.usual = usual;
    this.#life = life;
    this.#dispatcher = dispatcher;
    this.#ready = new WaitQueue({ toString: () => name }, "ready", "bound");
  }

  /** Whether as many jobs wait as should. */
  get full(): boolean {
    return this.#dispatcher.waiting >= this.#bound;
  }

  /** Takes a job. */
  submit(
    job: Addressed<AnyFunction>,
    args: readonly unknown[],
    demand: JobDemand = this.usual,
  ): Job {
    this.#life.refuseIfClosed("submit to");
    const kind = this.#dispatcher.kindOf(addressOf(job));
    const made = new Job(kind, keepShared(args), this.#termsFor(demand));
    this.submitted++;
    this.#dispatcher.submit(made);
    return made;
  }

  /**
   * Does nothing if there is room.
   *
   * @throws {WouldBlock} If the queue is full.
   */
  refuseIfFull(): void {
    if (!this.#isFullNow()) return;
    throw new WouldBlock(
      `Cannot submit to ${this.#name} now: ${this.#dispatcher.waiting} jobs wait, and ${this.#bound} may`,
    );
  }

  /** Waits until there is room. */
  ready(): Operation<void> {
    return operation(this.#ready, (wait: Wait<void>) => {
      if (this.#isFullNow()) this.#ready.park(wait);
      else wait.settle();
    });
  }

  /** Jobs have been dealt: those who wait for room go on, one for each place. */
  dealt(): void {
    for (
      let room = this.#bound - this.#dispatcher.waiting;
      room > 0 && this.#ready.wake();
      room--
    );
  }

  /** The pool was terminated: there will never be room. */
  shut(): void {
    this.#ready.failAll(this.#life.closedError("wait for"));
  }

  /** The terms for a job submitted here and now; as a rule the same as for the last one. */
  #termsFor(demand: JobDemand): JobTerms {
    const run = currentRun() ?? this.#life.run;
    const log = run === null ? null : FailureLog.of(run);
    const last = this.#terms;
    if (last !== null && this.#demand === demand && last.log === log) return last;
    const dispatcher = this.#dispatcher;
    this.#demand = demand;
    return this.#terms = {
      ...demand,
      log,
      withdraw: (job, reason, policy) => dispatcher.withdraw(job, reason, policy),
    };
  }

  /** Whether the queue is full even after what a worker has room for was dealt. */
  #isFullNow(): boolean {
    if (this.full) this.#dispatcher.deal();
    return this.full;
  }
}
