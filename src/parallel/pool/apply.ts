/** `pool.apply`: a job that belongs to whoever waits for it, so that a cancel of the wait stops the job. */
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait, WaitSource } from "../../kernel/wait.ts";
import type { Job } from "./job.ts";
import { type Addressed, addressOf, type AnyFunction } from "../jobs.ts";

/** Submits a job each time it is waited for, and waits for it. */
export function application(
  job: Addressed<AnyFunction>,
  submit: () => Job,
): Operation<unknown> {
  const { name } = addressOf(job);
  return operation(`apply(${name})`, (wait: Wait<unknown>) => void new Application(submit(), wait));
}

/** One wait for a job of its own. */
class Application implements WaitSource {
  readonly host = "bound";
  readonly #job: Job;
  readonly #wait: Wait<unknown>;
  #given = true;

  constructor(job: Job, wait: Wait<unknown>) {
    this.#job = job;
    this.#wait = wait;
    wait.park(this);
    job.link(() => this.#settled());
  }

  abandon(wait: Wait): boolean {
    this.#given = false;
    this.#job.cancel(wait.scope?.pending?.reason);
    return true;
  }

  toString(): string {
    return String(this.#job);
  }

  #settled(): void {
    if (!this.#given) return;
    const { value, error, successful } = this.#job;
    if (successful) this.#wait.settle(value);
    else this.#wait.fail(error);
  }
}
