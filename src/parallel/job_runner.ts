/**
 * The worker's side of the wire: does the jobs of its batches one after another.
 *
 * One at a time also if they are async: as many jobs run at once as there are workers, whatever they
 * do. The clock is read every few calls only, because a look costs as much as a tiny job.
 */
import { SystemClock } from "../kernel/clock.ts";
import { TimeoutError } from "../kernel/errors.ts";
import { JobOwner, OwnerWatch } from "./job_owner.ts";
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

/** Between two looks at the clock there should pass about this long, in milliseconds. */
const LOOK_MS = 0.05;
/** And never more than this many calls. */
const MOST_CALLS = 64;

/** An async job that is waiting for something. */
interface Pending {
  /** Whose errors are its own; `null` if that could not be arranged. */
  readonly owner: JobOwner | null;
  readonly index: number;
  readonly fail: (error: unknown) => void;
}

/** A job that is not a plain call. */
interface JobCall {
  readonly f: WorkerFunction;
  readonly slot: number;
  readonly index: number;
  readonly limit: number;
  readonly args: readonly unknown[];
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
  #owners: OwnerWatch | null = null;
  #callWithin: CallWithin | null = null;
  /** The function that was called last. */
  #last: WorkerFunction | null = null;
  /** How often since the last look at the clock. */
  #calls = 0;
  #lookedAt = 0;
  #untilLook = 0;

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
      if (this.#batch?.[1] === slot && this.#pending?.index === index) abortJob(unpackError(reason));
    }
  }

  /** Sends the results that are held back: the worker is about to go. */
  flush(): void {
    this.#outbox.flush();
  }

  /** An error came up outside of every call. It ends the job it belongs to, or else is passed on. */
  stray(error: unknown): void {
    const pending = this.#pending;
    // When in doubt, it is that of the job that waits, which otherwise might wait for ever.
    const isItsOwn = pending !== null &&
      (pending.owner === null || this.#owners!.isErrorOf(pending.owner));
    if (isItsOwn) pending.fail(error);
    else this.#outbox.post(["stray", packError(error)]);
  }

  /** Does one batch after another, each as far as the pool does not take it back. */
  async #work(): Promise<void> {
    const words = this.#words;
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      const [, slot, count, functions, arity, args, define, limits = 0] = batch;
      const claim = claimWord(slot);
      if (define !== undefined) this.#learn(define);
      this.#batch = batch;
      this.#lookedAt = performance.now();
      this.#outbox.open(slot, this.#lookedAt);
      let offset = 0;
      for (let index; (index = Atomics.add(words, claim, 1)) < count;) {
        const f = this.#functions[at(functions, index)]!;
        const size = at(arity, index);
        const limit = at(limits, index);
        if (f !== this.#last || --this.#untilLook <= 0 || f.careful) this.#look(f);
        enterJob(words, slot, index);
        const going = f.call === null || f.isAsync || limit > 0
          ? this.#prepareAndCall({ f, slot, index, limit, args: args.slice(offset, offset + size) })
          : this.#callNow(f, slot, index, offset, size);
        if (going !== null) await this.#finish(going);
        this.#calls++;
        offset += size;
      }
      this.#look(null);
      leaveJob();
      this.#outbox.close();
    }
    this.#batch = null;
  }

  /** Calls a plain function. As a rule that is all; if it returns a promise, that is to be waited for. */
  #callNow(
    f: WorkerFunction,
    slot: number,
    index: number,
    offset: number,
    size: number,
  ): Promise<unknown> | null {
    try {
      if (this.#isCancelled(slot, index)) throw cancelledEarly();
      const args = this.#batch![5];
      const value = apply(f.call!, args, offset, size);
      if (isThenable(value)) return this.#settled(value, { f, slot, index, limit: 0, args }, null);
      this.#outbox.add(value);
    } catch (error) {
      this.#outbox.fail(error);
    }
    return null;
  }

  /** Waits for a job that was not over at once. */
  async #finish(going: Promise<unknown>): Promise<void> {
    try {
      this.#outbox.add(await going);
    } catch (error) {
      this.#outbox.fail(error);
    }
    this.#untilLook = 0;
  }

  /**
   * Reads the clock: accounts for the calls since the last look, sends what has been held long enough,
   * and decides after how many calls to look again. `next` is the function that is called next.
   */
  #look(next: WorkerFunction | null): void {
    const now = performance.now();
    const passed = now - this.#lookedAt;
    const calls = this.#calls;
    if (calls > 0) this.#outbox.count(this.#last!, calls, passed, now);
    if (next?.careful === true) this.#outbox.flush();
    this.#untilLook = Math.min(MOST_CALLS, Math.max(1, Math.floor(calls * LOOK_MS / passed)));
    this.#lookedAt = now;
    this.#calls = 0;
    this.#last = next;
  }

  /** A job whose arguments were moved stays in its batch when it is cancelled, and is passed over here. */
  #isCancelled(slot: number, index: number): boolean {
    return Atomics.load(this.#words, cancelWord(slot)) === index + 1;
  }

  #learn(definitions: readonly FunctionDefinition[]): void {
    for (const definition of definitions) {
      this.#functions[definition[0]] = new WorkerFunction(definition);
    }
  }

  /** Calls a function that is new, async, or has a time limit. What has to be loaded is not its time. */
  async #prepareAndCall(call: JobCall): Promise<unknown> {
    const { f, slot, index, args, limit } = call;
    if (this.#isCancelled(slot, index)) throw cancelledEarly();
    if (f.call === null) await f.load();
    if (f.isAsync) this.#owners ??= await OwnerWatch.load();
    if (limit > 0) this.#callWithin ??= await loadCallWithin();
    this.#lookedAt = performance.now();
    const plain = (): unknown => f.call!(...args);
    const limited = limit === 0 ? plain : (): unknown => this.#callWithin!(limit, f.name, plain);
    const owner = this.#owners === null ? null : new JobOwner();
    const value = owner === null ? limited() : this.#owners!.run(owner, limited);
    return isThenable(value) ? await this.#settled(value, call, owner) : value;
  }

  /** Waits for an async job: until it settles, its time is up, or an error of its own comes up elsewhere. */
  async #settled(
    value: PromiseLike<unknown>,
    { f, slot, index, limit }: JobCall,
    owner: JobOwner | null,
  ): Promise<unknown> {
    f.isAsync = true;
    this.#outbox.flush();
    if (limit > 0) this.#outbox.post(["waiting", slot, index]);
    try {
      return await new Promise((resolve, reject) => {
        this.#pending = { owner, index, fail: reject };
        value.then(resolve, reject);
        if (limit === 0) return;
        this.#clock.setAlarm(this.#lookedAt + limit, () => {
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
