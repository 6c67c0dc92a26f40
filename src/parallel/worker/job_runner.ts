/**
 * The worker's side of the wire: does the jobs of its batches one after another.
 *
 * One at a time also if they are async: as many jobs run at once as there are workers, whatever they do. Only task
 * bodies run beside them (see task_runner.ts). The clock is read every few calls only: a look costs as much as a job.
 *
 * What runs task bodies, unpacks shared primitives and keeps time limits is loaded when it is first needed. An
 * `import("./part.ts")` with the path written out belongs to the module graph, which Deno reads whole at the start
 * of each worker: a hundred files where twenty are run, a sixth of the processor time that the start of a pool
 * takes (measured). A path that is worked out is followed only when it is asked for, and then takes the
 * permission to read it; a worker that may lack that starts with whole_entry.ts.
 */
import { AsyncCalls, isThenable, type JobCall, OwnerWatch } from "./async_calls.ts";
import {
  cancelledEarly,
  captureConsole,
  enterJob,
  isTold,
  leaveJob,
  reportTo,
} from "./current_job.ts";
import type { LimitedRow } from "./limited_row.ts";
import { Outbox } from "./outbox.ts";
import type { TaskRunner } from "./task_runner.ts";
import { awaitFirst, watchErrors, watchLeaving } from "../thread/realm.ts";
import { packError, unpackError } from "../transported_error.ts";
import {
  at,
  type BatchMessage,
  callWord,
  claimWord,
  type FunctionDefinition,
  isUniform,
  type SetUp,
  skipWord,
  type StartMessage,
  type ToWorker,
} from "../thread/wire.ts";
import { apply, WorkerFunction } from "./worker_function.ts";
import { loadError } from "../worker_error.ts";

/** Between two looks at the clock there should pass about this long, in milliseconds. */
const LOOK_MS = 0.05;
/** And never more than this many calls. */
const MOST_CALLS = 64;
/** Why a worker ends that cannot tell any more what it has to do. */
const GARBLED = "it heard a message that cannot be understood";

function load<T>(path: string): Promise<T> {
  return import(import.meta.resolve(path));
}

/** What a worker loads when it first meets what it is for. */
export interface WorkerParts {
  /** What runs task bodies: the scheduler, too. */
  taskRunner(): Promise<typeof import("./task_runner.ts")>;
  /** What unpacks shared primitives: their classes, too. */
  unpacking(): Promise<typeof import("../shared/unpack.ts")>;
  /** What holds calls to their time limits. */
  timeLimits(): Promise<typeof import("./time_limit.ts")>;
}

const partsByPath: WorkerParts = {
  taskRunner: () => load("./task_runner.ts"),
  unpacking: () => load("../shared/unpack.ts"),
  timeLimits: () => load("./time_limit.ts"),
};

/** Does jobs. */
class JobRunner {
  readonly #words: Int32Array;
  readonly #parts: WorkerParts;
  readonly #outbox: Outbox;
  readonly #functions: WorkerFunction[] = [];
  readonly #batches: BatchMessage[] = [];
  #loadingTasks: Promise<TaskRunner> | null = null;
  #tasks: TaskRunner | null = null;
  readonly #asyncCalls: AsyncCalls;
  #isReady = false;
  #batch: BatchMessage | null = null;
  /** The function that was called last. */
  #last: WorkerFunction | null = null;
  /** How often since the last look at the clock. */
  #calls = 0;
  #lookedAt = 0;
  #untilLook = 0;

  /** A runner that has nothing to do. */
  constructor(port: MessagePort, words: Int32Array, parts: WorkerParts) {
    this.#words = words;
    this.#parts = parts;
    this.#outbox = new Outbox(
      port,
      words,
      (index) => this.#functions[at(this.#batch![3], index)]!.name,
    );
    reportTo((message) => this.#outbox.post(message));
    this.#asyncCalls = new AsyncCalls(
      words,
      this.#outbox,
      async () => await (await parts.timeLimits()).TimeLimits.load(),
      (owner, error) => this.#tasks?.fail(owner, error) ?? false,
    );
  }

  /** Gets the worker ready, tells the pool, and begins with what has come meanwhile. */
  async begin(setUp: SetUp | null): Promise<void> {
    try {
      if (setUp !== null) await this.#setUp(setUp);
    } catch (error) {
      return this.#outbox.post(["unfit", packError(error)]);
    }
    this.#isReady = true;
    this.#outbox.post(["hello"]);
    const waiting = this.#batches.splice(0);
    try {
      for (const batch of waiting) this.#take(batch);
    } catch {
      this.#end(GARBLED);
    }
  }

  /** Takes a message. What no pool says ends this worker: it would not know what it has to answer. */
  hear(message: ToWorker): void {
    try {
      this.#hear(message);
    } catch {
      this.#end(GARBLED);
    }
  }

  #hear(message: ToWorker): void {
    if (message[0] === "batch") {
      if (message[6] !== undefined) this.#learn(message[6]);
      if (this.#isReady) this.#take(message);
      else this.#batches.push(message);
      return;
    }
    if (message[0] !== "abort") throw new TypeError("this is no message of a pool");
    const [, slot, index, reason] = message;
    const why = unpackError(reason);
    this.#asyncCalls.abort(slot, index, why);
    this.#loadingTasks?.then((tasks) => tasks.abort(slot, why), () => {});
  }

  /** The worker is about to go: sends the results that are held back, and why no more will come. */
  leave(why: string): void {
    this.#asyncCalls.leaveRow();
    this.#outbox.leave(why);
  }

  /** An error came up outside of every call. It ends the job it belongs to, or else is passed on. */
  stray(error: unknown): void {
    if (!this.#asyncCalls.stray(error)) this.#outbox.post(["stray", packError(error)]);
  }

  #take(batch: BatchMessage): void {
    if (this.#functionOf(batch).isTaskBody) return this.#beginTask(batch);
    this.#batches.push(batch);
    if (this.#batch === null) this.#work().catch(() => this.#end(GARBLED));
  }

  /** The function of the first job of a batch. */
  #functionOf(batch: BatchMessage): WorkerFunction {
    return this.#functions[at(batch[3], 0)]!;
  }

  /**
   * A task has come, as a batch of one. It is claimed at once, so that the pool can tell a slow start
   * from a stuck worker.
   */
  #beginTask(batch: BatchMessage): void {
    const slot = batch[1];
    const isTakenBack = Atomics.add(this.#words, claimWord(slot), 1) > 0;
    if (isTakenBack) this.#outbox.post(["results", slot, 0, [], true]);
    else if (this.#isSkipped(slot, 0)) this.#outbox.refuse(slot, cancelledEarly());
    else this.#runTask(batch);
  }

  /** Runs a task that has been claimed. It holds no turn. */
  async #runTask(batch: BatchMessage): Promise<void> {
    const f = this.#functionOf(batch);
    const slot = batch[1];
    if (!f.declared) this.#outbox.post(["taskBody", f.id, slot]);
    let tasks: TaskRunner;
    try {
      tasks = await this.#openTasks();
    } catch (cause) {
      // What runs tasks cannot be loaded, as where the worker must not read weft's own files.
      return this.#outbox.refuse(slot, loadError(f.name, cause));
    }
    // Told while its module was loaded, when nobody knew yet that it is a task: the message found none.
    if (isTold({ words: this.#words, slot, index: 0 })) this.#outbox.refuse(slot, cancelledEarly());
    else tasks.begin(batch);
  }

  /** Whether a job that was moved was cancelled before it began. */
  #isSkipped(slot: number, index: number): boolean {
    return (Atomics.load(this.#words, skipWord(slot)) >> index & 1) === 1;
  }

  /** What runs tasks. It brings in the scheduler, so a worker that never gets one goes without. */
  #openTasks(): Promise<TaskRunner> {
    return this.#loadingTasks ??= (async () => {
      const owners = await OwnerWatch.load();
      const { TaskRunner } = await this.#parts.taskRunner();
      return this.#tasks = new TaskRunner({
        words: this.#words,
        owners,
        find: (id) => this.#functions[id]!,
        outbox: this.#outbox,
        unpack: (args, packed) => this.#unpack(args, packed),
      });
    })();
  }

  /** Does one batch after another, each as far as the pool does not take it back. */
  async #work(): Promise<void> {
    const words = this.#words;
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      const [, slot, count, functions, arity, args, , limits = 0, packed = null, isMoved] = batch;
      const claim = claimWord(slot);
      if (this.#functionOf(batch).isTaskBody) {
        this.#beginTask(batch); // known since it came
        continue;
      }
      this.#batch = batch;
      let isTask = false;
      const unpacked = packed === null ? null : await settle(this.#unpack(args, packed));
      this.#lookedAt = performance.now();
      this.#outbox.open(slot, this.#lookedAt);
      let offset = 0;
      for (let index; (index = Atomics.add(words, claim, 1)) < count;) {
        const f = this.#functions[at(functions, index)]!;
        const size = at(arity, index);
        if (isMoved === true && this.#isSkipped(slot, index)) {
          this.#outbox.fail(cancelledEarly());
          offset += size;
          continue;
        }
        const limit = at(limits, index);
        // A function that is not known yet comes by itself, because it may be a task body.
        const isNew = f.call === null;
        if (isNew && count === 1) {
          await settle(f.load());
          isTask = f.isTaskBody;
          if (isTask) break;
        }
        if (f !== this.#last || --this.#untilLook <= 0 || f.careful) this.#look(f);
        enterJob(words, slot, index);
        const row = limit > 0 && unpacked?.status !== "rejected" && isUniform(batch)
          ? this.#openRow(batch, f, index, size)
          : null;
        const going = unpacked?.status === "rejected"
          ? Promise.reject(unpacked.reason)
          : row !== null
          ? this.#asyncCalls.callRow(f, slot, limit, row)
          : isNew || f.isAsync || limit > 0
          ? this.#callLater({ f, slot, index, limit, args: args.slice(offset, offset + size) })
          : this.#callNow(f, slot, index, offset, size);
        if (going !== null) await this.#finish(going, limit);
        if (this.#outbox.hasLeft) return; // the host is a little late to end this thread
        const calls = row === null ? 1 : row.index - index + 1;
        if (row !== null) this.#untilLook = 0;
        this.#calls += calls;
        offset += size * calls;
      }
      this.#look(null);
      leaveJob();
      if (isTask) this.#runTask(batch);
      else this.#outbox.close();
    }
    this.#batch = null;
  }

  /** A row that begins with this job, if it may share its limit with those behind it: it has been short so far. */
  #openRow(batch: BatchMessage, f: WorkerFunction, index: number, size: number): LimitedRow | null {
    const [, slot, count, , , args] = batch;
    if (f.isAsync || f.careful || index + 1 === count) return null;
    const call = (at: number) => apply(f.call!, args, at * size, size);
    return this.#asyncCalls.openRow({ words: this.#words, slot, count, call }, index);
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
      const value = apply(f.call!, this.#batch![5], offset, size);
      if (isThenable(value)) {
        return this.#asyncCalls.settled(value, { f, slot, index, limit: 0 }, null, 0);
      }
      this.#outbox.add(value);
    } catch (error) {
      this.#outbox.fail(error);
    }
    return null;
  }

  /**
   * Waits for a job that was not over at once. What it returns may have a getter that never ends. With a
   * limit, the result is sent while the words still name the job, so that the pool sees which one is late.
   */
  async #finish(going: Promise<unknown>, limit: number): Promise<void> {
    try {
      const value = await going;
      this.#outbox.add(value);
      if (limit > 0 && typeof value === "object" && value !== null) this.#outbox.flush();
    } catch (error) {
      this.#outbox.fail(error);
      if (this.#asyncCalls.hasLeftLocks) {
        await this.#end("it was interrupted while it had a shared lock");
      }
    }
    this.#untilLook = 0;
  }

  /** Tells what is known, and ends this thread. */
  #end(why: string): Promise<never> {
    this.leave(why);
    (globalThis as unknown as { close(): void }).close();
    return new Promise(() => {});
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

  #learn(definitions: readonly FunctionDefinition[]): void {
    for (const definition of definitions) {
      this.#functions[definition[0]] = new WorkerFunction(definition);
    }
  }

  /** Calls the function that gets the worker ready. */
  async #setUp({ url, name, args }: SetUp): Promise<void> {
    const f = new WorkerFunction([-1, url, name, false]);
    if (args.length > 0) await this.#unpack(args, args.keys());
    await f.load();
    const call = { f, slot: -1, index: -1, limit: 0, args };
    if (f.isTaskBody) await (await this.#openTasks()).setUp(call);
    else await this.#asyncCalls.call(call, () => {});
  }

  /** Loads what unpacks shared primitives with the first that may have come, and unpacks. */
  async #unpack(args: readonly unknown[], packed: Iterable<number>): Promise<void> {
    const { unpackArguments } = await this.#parts.unpacking();
    unpackArguments(args, packed);
  }

  /** Calls a function that is new, async, or has a time limit. */
  async #callLater(call: JobCall): Promise<unknown> {
    return await this.#asyncCalls.call(call, (now) => {
      this.#lookedAt = now;
      // From now on its time runs, and the pool is its judge if this thread cannot be.
      if (call.limit > 0) Atomics.store(this.#words, callWord(call.slot), call.index + 1);
    });
  }
}

async function settle<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  return (await Promise.allSettled([promise]))[0];
}

/** Waits for the first message of the pool, and serves it from then on. */
export function awaitStart(parts: WorkerParts = partsByPath): void {
  awaitFirst<StartMessage>("weft.start", ({ port, words, setUp, log }) => {
    const runner = new JobRunner(port, words, parts);
    watchLeaving((how) => runner.leave(`it called ${how}`));
    watchErrors((error) => runner.stray(error));
    port.onmessage = (event: MessageEvent<ToWorker>) => runner.hear(event.data);
    if (log) captureConsole();
    runner.begin(setUp);
  });
}
