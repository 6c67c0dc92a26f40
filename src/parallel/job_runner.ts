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
import {
  at,
  type BatchMessage,
  cancelWord,
  claimWord,
  type FunctionDefinition,
  type ToWorker,
} from "./wire.ts";
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
  /** When the job at hand began. */
  #now = 0;
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

  /** Does one batch after another, each as far as the pool does not take it back. */
  async #work(): Promise<void> {
    const words = this.#words;
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      const [, slot, count, functions, arity, , define, limits = 0] = batch;
      const claim = claimWord(slot);
      if (define !== undefined) this.#learn(define);
      this.#batch = batch;
      this.#now = performance.now();
      this.#outbox.open(slot, this.#now);
      let offset = 0;
      for (let index; (index = Atomics.add(words, claim, 1)) < count;) {
        const f = this.#functions[at(functions, index)]!;
        const size = at(arity, index);
        const call = { f, slot, index, offset, size, limit: at(limits, index) };
        const going = this.#start(call);
        if (going !== null) await this.#finish(call, going);
        offset += size;
      }
      leaveJob();
      this.#outbox.close();
    }
    this.#batch = null;
  }

  /** Begins a job. As a rule that is all; what must be waited for is returned. */
  #start(call: JobCall): Promise<unknown> | null {
    const { f, slot, index, offset, size, limit } = call;
    if (f.careful) this.#outbox.flush();
    enterJob(this.#words, slot, index);
    try {
      if (Atomics.load(this.#words, cancelWord(slot)) === index + 1) throw cancelledEarly();
      if (f.call === null || f.isAsync || limit > 0) return this.#prepareAndCall(call);
      const value = apply(f.call, this.#batch![5], offset, size);
      if (isThenable(value)) return this.#settled(value, call);
      this.#outbox.add(value);
    } catch (error) {
      this.#outbox.fail(error);
    }
    this.#count(f);
    return null;
  }

  /** Waits for a job that was not over at once. */
  async #finish({ f }: JobCall, going: Promise<unknown>): Promise<void> {
    try {
      this.#outbox.add(await going);
    } catch (error) {
      this.#outbox.fail(error);
    }
    this.#count(f);
  }

  #count(f: WorkerFunction): void {
    const began = this.#now;
    this.#now = performance.now();
    this.#outbox.count(f, this.#now - began, this.#now);
  }

  #learn(definitions: readonly FunctionDefinition[]): void {
    for (const definition of definitions) {
      this.#functions[definition[0]] = new WorkerFunction(definition);
    }
  }

  /** Calls a function that is new, async, or has a time limit. What has to be loaded is not its time. */
  async #prepareAndCall(call: JobCall): Promise<unknown> {
    const { f, offset, size, limit } = call;
    if (f.call === null) await f.load();
    if (f.isAsync) this.#owner ??= new (await import("node:async_hooks")).AsyncLocalStorage();
    if (limit > 0) this.#callWithin ??= await loadCallWithin();
    this.#now = performance.now();
    this.#era = {};
    const plain = (): unknown => apply(f.call!, this.#batch![5], offset, size);
    const limited = limit === 0 ? plain : (): unknown => this.#callWithin!(limit, f.name, plain);
    const value = this.#owner === null ? limited() : this.#owner.run(this.#era, limited);
    return isThenable(value) ? await this.#settled(value, call) : value;
  }

  /** Waits for an async job: until it settles, its time is up, or an error of its own comes up elsewhere. */
  async #settled(
    value: PromiseLike<unknown>,
    { f, slot, index, limit }: JobCall,
  ): Promise<unknown> {
    f.isAsync = true;
    this.#outbox.flush();
    if (limit > 0) this.#outbox.post(["waiting", slot, index]);
    try {
      return await new Promise((resolve, reject) => {
        this.#pending = { owner: this.#era, index, fail: reject };
        value.then(resolve, reject);
        if (limit === 0) return;
        this.#clock.setAlarm(this.#now + limit, () => {
          const late = new TimeoutError(limit, `job "${f.name}"`);
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

/** A job of the batch at hand. */
interface JobCall {
  readonly f: WorkerFunction;
  readonly slot: number;
  readonly index: number;
  readonly offset: number;
  readonly size: number;
  readonly limit: number;
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
