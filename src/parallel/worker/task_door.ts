/**
 * Where tasks come into a worker.
 *
 * What runs them is loaded with the first one: it brings in the scheduler, and a worker that never gets
 * a task starts faster without.
 */
import { type JobOwner, OwnerWatch } from "./job_owner.ts";
import type { TaskHost, TaskRunner } from "./task_runner.ts";
import { packError } from "../transported_error.ts";
import { at, type BatchMessage, claimWord } from "../thread/wire.ts";
import { loadError } from "../worker_error.ts";

/** Lets tasks in. */
export class TaskDoor {
  readonly #host: Omit<TaskHost, "owners">;
  #loading: Promise<TaskRunner> | null = null;
  #runner: TaskRunner | null = null;

  /** One that nobody has come to. */
  constructor(host: Omit<TaskHost, "owners">) {
    this.#host = host;
  }

  /** What runs tasks. */
  open(): Promise<TaskRunner> {
    return this.#loading ??= (async () => {
      const owners = await OwnerWatch.load();
      const { TaskRunner } = await import("./task_runner.ts");
      return this.#runner = new TaskRunner({ ...this.#host, owners });
    })();
  }

  /** A task has come. It is claimed at once, so that the pool can tell a slow start from a stuck worker. */
  begin(batch: BatchMessage): void {
    const slot = batch[1];
    const isTakenBack = Atomics.add(this.#host.words, claimWord(slot), 1) > 0;
    if (isTakenBack) return this.#host.post(["results", slot, 0, [], true]);
    this.open().then(
      (runner) => runner.begin(batch),
      (error) => this.#refuse(batch, error),
    );
  }

  /** A task is to stop. */
  abort(slot: number, reason: unknown): void {
    this.#loading?.then((runner) => runner.abort(slot, reason), () => {});
  }

  /** Ends the task that an error belongs to. Returns whether there is one. */
  fail(owner: JobOwner, error: unknown): boolean {
    return this.#runner !== null && this.#runner.fail(owner, error);
  }

  /** What runs tasks cannot be loaded, as where the worker must not read weft's own files. */
  #refuse([, slot, , functions]: BatchMessage, cause: unknown): void {
    const { name } = this.#host.find(at(functions, 0));
    const failure = [0, packError(loadError(name, cause))] as const;
    this.#host.post(["results", slot, 0, [undefined], true, null, [failure]]);
  }
}
