/**
 * The calls in a worker that are not over at once: of functions that have to be loaded, that return
 * promises, or that have a time limit; and whose an error is that comes up outside of every call: out of a
 * timer, an event, a promise nobody awaits.
 *
 * There is one such call at a time. While it waits it must hear of its own errors, or it would wait for
 * ever; and must not hear of what a job before it left behind. The host carries an `AsyncLocalStorage`
 * along into microtasks, operations and events, and tells it with the error. It has let go of it when a
 * timer threw, so a hook notes it as the timer begins. For an immediate neither works (measured on
 * Deno 2.9): a job that uses some is taken to own what has no owner. Loading this takes 2 ms of a
 * worker's start, so it waits for the first async function.
 */
import type { AsyncLocalStorage } from "node:async_hooks";
import { TimeoutError } from "../../kernel/errors.ts";
import { abortJob, cancelledEarly, isTold } from "./current_job.ts";
import type { LimitedRow, RowBatch } from "./limited_row.ts";
import type { Outbox } from "./outbox.ts";
import type { TimeLimits } from "./time_limit.ts";
import type { WorkerFunction } from "./worker_function.ts";

/** Stands for one call of an async function, wherever its code goes on. */
export class JobOwner {
  /** Whether it has set an immediate. */
  usesImmediates = false;
}

let loading: Promise<OwnerWatch> | null = null;

/** Tells owners apart. */
export class OwnerWatch {
  static #loaded: OwnerWatch | null = null;
  readonly #storage: AsyncLocalStorage<JobOwner>;
  readonly #currentId: () => number;
  #timer: { readonly id: number; readonly owner: JobOwner | undefined } | null = null;

  private constructor(hooks: typeof import("node:async_hooks")) {
    this.#storage = new hooks.AsyncLocalStorage();
    this.#currentId = hooks.executionAsyncId;
    hooks.createHook({
      init: (_id, type) => {
        const owner = type === "Immediate" ? this.#storage.getStore() : undefined;
        if (owner !== undefined) owner.usesImmediates = true;
      },
      before: (id) => {
        this.#timer = { id, owner: this.#storage.getStore() };
      },
    }).enable();
  }

  /** Loads what it takes. */
  static load(): Promise<OwnerWatch> {
    return loading ??= import("node:async_hooks").then((hooks) =>
      OwnerWatch.#loaded = new OwnerWatch(hooks)
    );
  }

  /** The one of this realm, if it has been loaded. */
  static get loaded(): OwnerWatch | null {
    return OwnerWatch.#loaded;
  }

  /** Calls `f` so that whatever it sets going belongs to `owner`. */
  run<T>(owner: JobOwner, f: () => T): T {
    return this.#storage.run(owner, f);
  }

  /** Whose the error is that is being told of; `undefined` if that cannot be said. */
  ownerOfError(): JobOwner | undefined {
    const timer = this.#timer;
    this.#timer = null;
    return this.#storage.getStore() ??
      (timer?.id === this.#currentId() ? timer.owner : undefined);
  }
}

/** One call. */
export interface JobCall {
  /** The function. */
  readonly f: WorkerFunction;
  /** Its batch. */
  readonly slot: number;
  /** Its place there. */
  readonly index: number;
  /** How many milliseconds it may take; 0 for any time. */
  readonly limit: number;
  /** Its arguments. */
  readonly args: readonly unknown[];
}

/** A call that is waiting for something. */
interface Pending {
  /** Whose errors are its own; `null` if that could not be arranged. */
  readonly owner: JobOwner | null;
  readonly slot: number;
  readonly index: number;
  readonly fail: (error: unknown) => void;
}

/** Makes such calls. */
export class AsyncCalls {
  readonly #words: Int32Array;
  readonly #outbox: Outbox;
  readonly #loadLimits: () => Promise<TimeLimits>;
  readonly #failTask: (owner: JobOwner, error: unknown) => boolean;
  #pending: Pending | null = null;
  /** Whether a function has been called here, which may have left something behind. */
  #hasCalled = false;
  #limits: TimeLimits | null = null;
  /** The jobs that are called under one limit. */
  #row: LimitedRow | null = null;

  /** None yet. What is held in the outbox is sent before a call waits. */
  constructor(
    words: Int32Array,
    outbox: Outbox,
    loadLimits: () => Promise<TimeLimits>,
    failTask: (owner: JobOwner, error: unknown) => boolean,
  ) {
    this.#words = words;
    this.#outbox = outbox;
    this.#loadLimits = loadLimits;
    this.#failTask = failTask;
  }

  /** Whether a call that was interrupted has left a shared lock taken. */
  get hasLeftLocks(): boolean {
    return this.#limits?.hasLeftLocks ?? false;
  }

  /** Calls. `begins` is told when, because what has to be loaded first is not the function's time. */
  async call(call: JobCall, begins: (now: number) => void): Promise<unknown> {
    const { f, args, limit } = call;
    if (f.call === null) await f.load();
    // The very first function needs no owner to be told apart: nothing was left behind before it.
    if ((f.isAsync || this.#hasCalled) && OwnerWatch.loaded === null) await OwnerWatch.load();
    this.#hasCalled = true;
    if (limit > 0) this.#limits ??= await this.#loadLimits();
    // Told while something was loaded: the message found no call that waits, so the word tells.
    if (isTold({ words: this.#words, slot: call.slot, index: call.index })) throw cancelledEarly();
    const now = performance.now();
    begins(now);
    const plain = (): unknown => f.call!(...args);
    const limited = limit === 0 ? plain : (): unknown => this.#limits!.call(limit, f.name, plain);
    const owners = OwnerWatch.loaded;
    const owner = owners === null ? null : new JobOwner();
    const value = owner === null ? limited() : owners!.run(owner, limited);
    return isThenable(value) ? await this.settled(value, call, owner, now) : value;
  }

  /** A row that begins with the job at `index`; `null` before the first job with a limit has been called. */
  openRow(batch: RowBatch, index: number): LimitedRow | null {
    return this.#row = this.#limits?.openRow(batch, index) ?? null;
  }

  /** Calls jobs in a row. If the last one came to more than a primitive value, that is to be waited for. */
  callRow(
    f: WorkerFunction,
    slot: number,
    limit: number,
    row: LimitedRow,
  ): Promise<unknown> | null {
    try {
      const { value } = this.#limits!.callRow(limit, f.name, row);
      this.leaveRow();
      if (isThenable(value)) {
        return this.settled(value, { f, slot, index: row.index, limit }, null, row.began);
      }
      if (typeof value === "object" && value !== null) return Promise.resolve(value);
      this.#outbox.add(value);
      return null;
    } catch (error) {
      this.leaveRow();
      return Promise.reject(error);
    }
  }

  /** Hands on what has been returned in a row. */
  leaveRow(): void {
    for (const value of this.#row?.values.splice(0) ?? []) this.#outbox.add(value);
  }

  /** Waits for a call: until it settles, its time is up, or an error of its own comes up elsewhere. */
  async settled(
    value: PromiseLike<unknown>,
    { f, slot, index, limit }: Omit<JobCall, "args">,
    owner: JobOwner | null,
    began: number,
  ): Promise<unknown> {
    f.isAsync = true;
    this.#outbox.flush();
    try {
      return await new Promise((resolve, reject) => {
        this.#pending = { owner, slot, index, fail: reject };
        value.then(resolve, reject);
        if (limit === 0) return;
        this.#limits!.clock.setAlarm(began + limit, () => {
          const late = new TimeoutError(limit, `job "${f.name}"`);
          abortJob(late);
          reject(late);
        });
      });
    } finally {
      this.#pending = null;
      this.#limits?.clock.clearAlarm();
    }
  }

  /** The call is to stop, if it is the one that waits. */
  abort(slot: number, index: number, reason: unknown): void {
    if (this.#pending?.slot === slot && this.#pending.index === index) abortJob(reason);
  }

  /** An error came up outside of every call. Ends the one it belongs to; returns whether there is one. */
  stray(error: unknown): boolean {
    const pending = this.#pending;
    const owner = OwnerWatch.loaded?.ownerOfError();
    if (owner !== undefined && this.#failTask(owner, error)) return true;
    // When in doubt, it is that of the call that waits, which otherwise might wait for ever.
    const isItsOwn = pending !== null &&
      (pending.owner === null || owner === pending.owner ||
        (owner === undefined && pending.owner.usesImmediates));
    if (isItsOwn) pending.fail(error);
    return isItsOwn;
  }
}

/** Whether a value is one to wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}
