/**
 * The worker's side of tasks: jobs that are task bodies run here, many at once.
 *
 * They come as batches of one, begin as their message arrives, and are answered by themselves, in
 * whatever order they end. A plain job that computes holds them up; one that waits does not. Loading
 * this brings in the scheduler, so a worker that never gets such a job goes without.
 *
 * Each is a run of its own. A run each, not one for all: so a job is over when everything it has spawned is over, what it left
 * open is closed then, an error that nobody looked at is its own, and its locks and events still work
 * across the jobs of a worker, because waking a task of another run is no different. What a run of its
 * own cannot know is whether another job will wake it; so it counts as deadlocked only if its tasks wait
 * for one another in a circle.
 */
import { isGenerator } from "../../kernel/checks.ts";
import { currentScope } from "../../kernel/context.ts";
import type { Task } from "../../kernel/task.ts";
import { type JobCall, JobOwner, type OwnerWatch } from "./async_calls.ts";
import { makeJobSignal, type RunningJob, taskSignal } from "./current_job.ts";
import type { Outbox } from "./outbox.ts";
import type { StopSignal } from "../thread/realm.ts";
import { at, type BatchMessage, callWord } from "../thread/wire.ts";
import type { WorkerFunction } from "./worker_function.ts";
import { Entered } from "../../kernel/scope.ts";
import { deadlockError } from "../../kernel/deadlock.ts";
import { TimeoutError } from "../../kernel/errors.ts";
import { sequence } from "../../kernel/operation.ts";
import { RunLife } from "../../kernel/run_life.ts";
import { type EitherGenerator, perform } from "../../tasks/perform.ts";

taskSignal.find = () => localOf<StopSignal>(signalKey);
taskSignal.job = () => localOf<RunningJob>(jobKey);

function localOf<T>(key: object): T | null {
  const task = currentScope()?.task;
  return task?.locals?.get(key) as T | undefined ?? null;
}

/** What a task runner shares with the rest of its worker. */
export interface JobTaskHost {
  /** The words shared with the pool. */
  readonly words: Int32Array;
  /** Tells whose an error is. */
  readonly owners: OwnerWatch;
  /** Sends what there is to say. */
  readonly outbox: Outbox;
  /** Finds a function by its number. */
  find(id: number): WorkerFunction;
  /** Puts shared primitives in the place of their handles. */
  unpack(args: readonly unknown[], packed: Iterable<number>): Promise<void>;
}

/** Stands for the slot of what gets the worker ready. */
const SET_UP = -1;

/** Runs the tasks of one worker. */
export class TaskRunner {
  readonly #host: JobTaskHost;
  readonly #going = new Map<number, TaskJob>();

  /** One that has nothing to do. */
  constructor(host: JobTaskHost) {
    this.#host = host;
  }

  /** Begins a task that has been claimed, and answers when it has ended. */
  async begin(batch: BatchMessage): Promise<void> {
    const [, slot, , functions, , args, , limits = 0, packed = null] = batch;
    const { words, outbox } = this.#host;
    const f = this.#host.find(at(functions, 0));
    const limit = at(limits, 0);
    const job = this.#enter(slot, { words, slot, index: 0 });
    try {
      if (packed !== null) await this.#host.unpack(args, packed);
      if (f.call === null) await f.load();
      if (limit > 0) Atomics.store(words, callWord(slot), 1);
      const value = await this.#perform(job, { f, slot, index: 0, limit, args });
      outbox.answer(slot, f.name, value);
    } catch (error) {
      outbox.refuse(slot, error);
    } finally {
      this.#going.delete(slot);
    }
  }

  /** Runs what gets the worker ready to its end. */
  async setUp(call: JobCall): Promise<void> {
    const job = this.#enter(SET_UP, null);
    try {
      await this.#perform(job, call);
    } finally {
      this.#going.delete(SET_UP);
    }
  }

  #enter(slot: number, words: RunningJob | null): TaskJob {
    const job = new TaskJob(words);
    this.#going.set(slot, job);
    return job;
  }

  #perform(job: TaskJob, call: JobCall): Promise<unknown> {
    return this.#host.owners.run(job.owner, () => job.run(call));
  }

  /** Tells a task to stop. */
  abort(slot: number, reason: unknown): void {
    const job = this.#going.get(slot);
    if (job === undefined) return;
    this.#host.outbox.post(["heard", slot]);
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
}

/** Under these keys the tasks of a job find its signal, and the job, among their locals. */
const signalKey: object = {};
const jobKey: object = {};

class JobLife extends RunLife<unknown> {
  override stuck(): boolean {
    return deadlockError(this.scheduler.tasks()).cycles.length > 0 && super.stuck();
  }
}

/** A task body on its way. */
export class TaskJob {
  /** Whose errors are its own. */
  readonly owner: JobOwner = new JobOwner();
  readonly #signal: StopSignal | null;
  readonly #words: RunningJob | null;
  #main: Task | null = null;
  #fail: ((error: unknown) => void) | null = null;
  #cancel: { readonly reason: unknown } | null = null;

  /** One that has not begun, and the words that speak of it, if any do. */
  constructor(words: RunningJob | null) {
    this.#words = words;
    this.#signal = words === null ? null : makeJobSignal(words);
  }

  /** Runs it to the end of everything it has spawned. */
  async run(call: JobCall): Promise<unknown> {
    if (this.#cancel !== null) throw this.#cancel.reason;
    const { f, args, limit } = call;
    const { name } = f;
    const made = f.call!(...args);
    if (!isGenerator(made)) return await made;
    const life = new JobLife();
    const main = this.#main = life.begin(limit === 0 ? made : this.#within(limit, name, made));
    main.name = name;
    if (this.#signal !== null) {
      main.locals = new Map<object, unknown>([[signalKey, this.#signal], [jobKey, this.#words]]);
    }
    try {
      return await new Promise((resolve, reject) => {
        this.#fail = reject;
        life.toEnd().then(resolve, reject);
      });
    } finally {
      this.#main = null;
      this.#signal?.end();
    }
  }

  /** Throws a `Cancelled` at what it waits for, and fires its signal. */
  cancel(reason: unknown): void {
    this.#cancel ??= { reason };
    this.#signal?.abort(reason);
    this.#main?.abort("explicit", reason);
  }

  /** An error of its own came up outside of every call: it fails with that, and stops. */
  fail(error: unknown): void {
    this.#fail?.(error);
    this.#main?.abort("explicit", error, error);
  }

  *#within(
    ms: number,
    name: string,
    work: EitherGenerator<unknown>,
  ): Generator<unknown, unknown, never> {
    const signal = this.#signal;
    return yield* sequence(name, function* (): Generator<unknown, unknown, unknown> {
      using entered = new Entered({ ms });
      try {
        return yield* perform(work);
      } catch (error) {
        entered.absorb(error);
        const late = new TimeoutError(ms, `job "${name}"`);
        signal?.abort(late);
        throw late;
      }
    }) as Iterable<unknown, unknown, never>;
  }
}
