/**
 * The worker's side of the wire: does the jobs of its batches one after another.
 *
 * One at a time also if they are async: as many jobs run at once as there are workers, whatever they
 * do. While an async job waits, errors that come up outside of every call are told apart by an
 * `AsyncLocalStorage`. It is loaded with the first async function and entered for such alone: loading
 * it takes 2 ms of a worker's start, and entering it as long as a tiny job.
 */
import type { AsyncLocalStorage } from "node:async_hooks";
import { SystemClock } from "../kernel/clock.ts";
import { TimeoutError } from "../kernel/errors.ts";
import { abortJob, enterJob, leaveJob } from "./job_signal.ts";
import { Outbox } from "./outbox.ts";
import { type CallWithin, loadCallWithin } from "./time_limit.ts";
import { packError, unpackError } from "./transported_error.ts";
import { at, type BatchMessage, cancelWord, claimWord, type ToWorker } from "./wire.ts";
import { type Call, WorkerFunction } from "./worker_function.ts";

/** An async job that is waiting for something. */
interface Pending {
  readonly owner: object;
  readonly index: number;
  readonly fail: (error: unknown) => void;
}

/** Does jobs. */
export class JobRunner {
  readonly #words: Int32Array;
  readonly #outbox: Outbox;
  readonly #functions: WorkerFunction[] = [];
  readonly #batches: BatchMessage[] = [];
  readonly #clock = new SystemClock();
  #batch: BatchMessage | null = null;
  #pending: Pending | null = null;
  /** Stands for the async job that was called last. */
  #era: object = {};
  #owner: AsyncLocalStorage<object> | null = null;
  #callWithin: CallWithin | null = null;

  /** A runner that has nothing to do. */
  constructor(port: MessagePort, words: Int32Array) {
    this.#words = words;
    this.#outbox = new Outbox(port, (index) => this.#functions[at(this.#batch![3], index)]!.name);
  }

  /** Takes a message. */
  hear(message: ToWorker): void {
    if (message[0] === "batch") {
      this.#batches.push(message);
      if (this.#batch === null) this.#work();
    } else {
      const [, slot, index, reason] = message;
      if (this.#batch?.[1] === slot && this.#pending?.index === index) {
        abortJob(unpackError(reason));
      }
    }
  }

  /** Sends the results that are held back: the worker is about to go. */
  flush(): void {
    this.#outbox.flush();
  }

  /** An error came up outside of every call. It ends the job it belongs to, or else is passed on. */
  stray(error: unknown): void {
    const pending = this.#pending;
    const owner = this.#owner?.getStore();
    // Out of a timer it has lost its owner; and if that is the job that waits, it would wait for ever.
    if (pending !== null && (owner === undefined || owner === pending.owner)) pending.fail(error);
    else this.#outbox.post(["stray", packError(error)]);
  }

  async #work(): Promise<void> {
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      this.#batch = batch;
      for (const definition of batch[6] ?? []) {
        this.#functions[definition[0]] = new WorkerFunction(definition);
      }
      await this.#do(batch);
      this.#outbox.close();
    }
    this.#batch = null;
  }

  /** Does the jobs of a batch, as far as the pool does not take them back. */
  async #do([, slot, count, functions, arity, args, , limits = 0]: BatchMessage): Promise<void> {
    const words = this.#words;
    const outbox = this.#outbox;
    const claim = claimWord(slot);
    const job = { words, slot, index: 0 };
    let now = performance.now();
    let offset = 0;
    outbox.open(slot, now);
    for (let index; (index = Atomics.add(words, claim, 1)) < count;) {
      const f = this.#functions[at(functions, index)]!;
      const size = at(arity, index);
      const limit = at(limits, index);
      if (f.careful) outbox.flush();
      job.index = index;
      enterJob(job);
      let began = now;
      try {
        if (Atomics.load(words, cancelWord(slot)) === index + 1) throw cancelledEarly();
        if (f.call === null || f.isAsync || limit > 0) {
          await this.#prepare(f, limit);
          began = performance.now();
        }
        let value = f.isAsync || limit > 0
          ? this.#call(f, limit, args.slice(offset, offset + size))
          : apply(f.call!, args, offset, size);
        if (isThenable(value)) {
          f.isAsync = true;
          value = await this.#settled(value, { slot, index, limit, began, name: f.name });
        }
        outbox.add(value);
      } catch (error) {
        outbox.fail(error);
      }
      offset += size;
      now = performance.now();
      outbox.count(f, now - began, now);
    }
    leaveJob();
  }

  /** Loads what the job needs, so that neither counts as its time. */
  async #prepare(f: WorkerFunction, limit: number): Promise<void> {
    if (f.call === null) await f.load();
    if (f.isAsync) this.#owner ??= new (await import("node:async_hooks")).AsyncLocalStorage();
    if (limit > 0) this.#callWithin ??= await loadCallWithin();
  }

  /** Calls a function that is async, or must not take longer than `limit`. */
  #call({ call, name }: WorkerFunction, limit: number, args: readonly unknown[]): unknown {
    const run = (): unknown => call!(...args);
    const limited = limit === 0 ? run : (): unknown => this.#callWithin!(limit, name, run);
    this.#era = {};
    return this.#owner === null ? limited() : this.#owner.run(this.#era, limited);
  }

  /** Waits for an async job: until it settles, its time is up, or an error of its own comes up elsewhere. */
  async #settled(value: PromiseLike<unknown>, job: Started): Promise<unknown> {
    const { slot, index, limit, began, name } = job;
    this.#outbox.flush();
    if (limit > 0) this.#outbox.post(["waiting", slot, index]);
    try {
      return await new Promise((resolve, reject) => {
        this.#pending = { owner: this.#era, index, fail: reject };
        value.then(resolve, reject);
        if (limit === 0) return;
        this.#clock.setAlarm(began + limit, () => {
          const late = new TimeoutError(limit, `job "${name}"`);
          abortJob(late);
          reject(late);
        });
      });
    } finally {
      this.#pending = null;
      this.#clock.clearAlarm();
    }
  }
}

/** An async job that has begun. */
interface Started {
  readonly slot: number;
  readonly index: number;
  readonly limit: number;
  readonly began: number;
  readonly name: string;
}

function apply(f: Call, args: readonly unknown[], offset: number, size: number): unknown {
  switch (size) {
    case 0:
      return f();
    case 1:
      return f(args[offset]);
    case 2:
      return f(args[offset], args[offset + 1]);
    default:
      return f(...args.slice(offset, offset + size));
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

function cancelledEarly(): DOMException {
  return new DOMException("The job was cancelled before it began", "AbortError");
}
