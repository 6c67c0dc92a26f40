/**
 * The worker's side of tasks: jobs that are task bodies run here, many at once.
 *
 * They come as batches of one, begin as their message arrives, and are answered by themselves, in
 * whatever order they end. A plain job that computes holds them up; one that waits does not. Loading
 * this brings in the scheduler, so a worker that never gets such a job goes without.
 */
import { currentScope } from "../../kernel/context.ts";
import type { Task } from "../../kernel/task.ts";
import type { JobOwner, OwnerWatch } from "./job_owner.ts";
import { taskSignal } from "./job_signal.ts";
import type { StopSignal } from "../thread/stop_signal.ts";
import { signalKey, type TaskCall, TaskJob } from "./task_job.ts";
import { unpackArguments } from "../shared/unpack.ts";
import { type Movable, movablesOf } from "../transfer.ts";
import { packError } from "../transported_error.ts";
import { at, type BatchMessage, callWord, type ToPool } from "../dispatch/wire.ts";
import { unsendable } from "../worker_error.ts";
import type { WorkerFunction } from "./worker_function.ts";

taskSignal.find = () => {
  const task = currentScope()?.task as Task | undefined;
  return task?.locals?.get(signalKey) as StopSignal | undefined ?? null;
};

/** What a task runner shares with the rest of its worker. */
export interface TaskHost {
  /** The words shared with the pool. */
  readonly words: Int32Array;
  /** Tells whose an error is. */
  readonly owners: OwnerWatch;
  /** Finds a function by its number. */
  find(id: number): WorkerFunction;
  /** Sends a message to the pool. */
  post(message: ToPool, movables?: readonly Movable[] | null): void;
}

/** Runs the tasks of one worker. */
export class TaskRunner {
  readonly #host: TaskHost;
  readonly #going = new Map<number, TaskJob>();

  /** One that has nothing to do. */
  constructor(host: TaskHost) {
    this.#host = host;
  }

  /** Begins a task that has been claimed, and answers when it has ended. */
  async begin(batch: BatchMessage): Promise<void> {
    const [, slot, , functions, , args, , limits = 0, packed] = batch;
    const { words } = this.#host;
    const f = this.#host.find(at(functions, 0));
    const limit = at(limits, 0);
    const job = new TaskJob({ words, slot, index: 0 });
    this.#going.set(slot, job);
    try {
      if (packed !== undefined) await unpackArguments(args, packed);
      if (f.call === null) await f.load();
      if (limit > 0) Atomics.store(words, callWord(slot), 1);
      this.#answer(slot, f.name, await this.run(job, { name: f.name, call: f.call!, args, limit }));
    } catch (error) {
      this.#fail(slot, error);
    } finally {
      this.#going.delete(slot);
    }
  }

  /** Makes a task that came as a plain job. */
  adopt(): TaskJob {
    return new TaskJob(null);
  }

  /** Runs a task to its end. */
  run(job: TaskJob, call: TaskCall): Promise<unknown> {
    return this.#host.owners.run(job.owner, () => job.run(call));
  }

  /** Tells a task to stop. */
  abort(slot: number, reason: unknown): void {
    const job = this.#going.get(slot);
    if (job === undefined) return;
    this.#host.post(["heard", slot]);
    job.cancel(reason);
  }

  /** Ends the task that an error belongs to. Returns whether there is one. */
  fail(owner: JobOwner, error: unknown): boolean {
    for (const job of this.#going.values()) {
      if (job.owner !== owner) continue;
      job.fail(error);
      return true;
    }
    return false;
  }

  #answer(slot: number, name: string, value: unknown): void {
    try {
      this.#host.post(["results", slot, 0, [value], true], movablesOf([value]));
    } catch (cause) {
      this.#fail(slot, unsendable(name, "result", cause));
    }
  }

  #fail(slot: number, error: unknown): void {
    this.#host.post(["results", slot, 0, [undefined], true, null, [[0, packError(error)]]]);
  }
}
