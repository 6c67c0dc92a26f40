/**
 * One worker, from this side: its thread, the words shared with it, its batches.
 *
 * Batches of plain jobs stand in line; how long that line is decides who gets the next. A job that is a
 * task body stands in no line: it waits, most of the time, beside everything else its worker does. So
 * the two are kept apart, and only their number limits tasks.
 */
import { activity } from "../../kernel/instrument.ts";
import type { Batch, BatchCarrier } from "./batch.ts";
import type { JobLogLine, WorkerTerms } from "./options.ts";
import { packError, unpackError } from "../transported_error.ts";
import { checkedMessage, type Speaker } from "./message_check.ts";
import { type Failure, makeWords, type ResultsMessage, SLOTS } from "../thread/wire.ts";
import { type ThreadState, WorkerThread } from "../thread/worker_thread.ts";

const entry = new URL("../worker_entry.ts", import.meta.url);
/** For workers with permissions of their own: see there. */
const wholeEntry = new URL("../worker/whole_entry.ts", import.meta.url);

/** Who looks after a worker. */
export interface WorkerOwner {
  /** It has answered some jobs: `spent` is for the estimates. */
  answered(handle: WorkerHandle, spent: readonly number[] | null): void;
  /** The function of this number is a task body. */
  isTaskBody(id: number): void;
  /** An error came up that belongs to no running job. */
  strayed(error: unknown): void;
  /** Something was written to its console; only if its terms say so. */
  logged(line: JobLogLine): void;
  /** What was to get it ready has failed. */
  unfit(handle: WorkerHandle, error: unknown): void;
  /** It cannot be relied on any more. */
  giveUp(handle: WorkerHandle, cause: Error): void;
  /** It is gone, and nobody asked it to go. */
  crashed(handle: WorkerHandle, cause: unknown): void;
  /** It is gone, as it was told. */
  ended(handle: WorkerHandle): void;
}

/** One worker. */
export class WorkerHandle implements BatchCarrier, Speaker {
  /** The words it shares with its worker. */
  readonly words: Int32Array<SharedArrayBuffer>;
  /** Set when jobs were taken back from it because it was slow, until it answers again. */
  stalled = false;
  /** Set when tasks were taken back from it because they could not begin, until it says something. */
  stuck = false;
  /** Set when it is to go once it has nothing to do. */
  retiring = false;
  /** How many jobs it was ever sent. */
  sent = 0;
  readonly #name: string;
  readonly #owner: WorkerOwner;
  readonly #thread: WorkerThread;
  readonly #known = new Set<number>();
  readonly #free: number[];
  readonly #mostTasks: number;
  readonly #tasks = new Map<number, Batch>();
  #batches: Batch[] = [];
  #heardAt = 0;
  readonly #startedAt = performance.now();
  #upAt = Infinity;
  /** When it last answered a batch in line; kept only while somebody draws. */
  #answeredAt = 0;
  /** What it said of its end. */
  #farewell: Error | undefined = undefined;

  /** Starts a worker. This blocks for some milliseconds, as `new Worker` does. */
  constructor(name: string, terms: WorkerTerms, owner: WorkerOwner) {
    this.#name = name;
    this.#owner = owner;
    this.words = makeWords(terms.tasks);
    this.#mostTasks = terms.tasks;
    const slots = SLOTS + terms.tasks;
    this.#free = Array.from({ length: slots }, (_, slot) => slots - 1 - slot);
    const start = {
      entry: terms.permissions === null ? entry : wholeEntry,
      name,
      permissions: terms.permissions,
      words: this.words,
      message: { kind: "weft.start", setUp: terms.setUp, log: terms.log },
      movables: [],
    };
    this.#thread = new WorkerThread(start, {
      hear: (data) => this.#hear(data),
      gone: (asked, cause) => {
        if (asked) owner.ended(this);
        else owner.crashed(this, cause ?? this.#farewell);
      },
    });
  }

  /** Where it stands. */
  get state(): ThreadState {
    return this.#thread.state;
  }

  /** How long it took to start, in milliseconds; `Infinity` while it is not up. */
  get startMs(): number {
    return this.#upAt - this.#startedAt;
  }

  /** Its batches in line, in the order in which they were sent. */
  get batches(): readonly Batch[] {
    return this.#batches;
  }

  /** Those, and its tasks, each a batch by itself. */
  get allBatches(): readonly Batch[] {
    return this.#tasks.size === 0 ? this.#batches : [...this.#batches, ...this.#tasks.values()];
  }

  /** How many tasks it has. */
  get tasks(): number {
    return this.#tasks.size;
  }

  /** Whether it can take another batch in line, or another task. */
  hasSlot(isTask: boolean): boolean {
    if (this.#free.length === 0) return false;
    return isTask ? this.#tasks.size < this.#mostTasks : this.#batches.length < SLOTS;
  }

  /** How long it has had a task that it could have begun, and has not, in milliseconds; -1 if there is none. */
  get taskDelay(): number {
    let since = Infinity;
    for (const batch of this.#tasks.values()) {
      if (batch.idle > 0) since = Math.min(since, batch.sentAt);
    }
    return since === Infinity ? -1 : performance.now() - Math.max(since, this.#upAt);
  }

  /** Takes back the tasks that it has not begun; it is stuck until it says something again. */
  takeTasksBack(): boolean {
    for (const batch of this.#tasks.values()) this.stuck = batch.takeBack() || this.stuck;
    return this.stuck;
  }

  /** Whether it has anything to do. */
  get busy(): boolean {
    return this.#tasks.size > 0 || this.owed > 0;
  }

  /** How many jobs in line it owes. */
  get owed(): number {
    let owed = 0;
    for (const batch of this.#batches) owed += batch.owed;
    return owed;
  }

  /** How long these should take, in milliseconds. */
  get load(): number {
    let load = 0;
    for (const batch of this.#batches) if (batch.owed > 0) load += batch.owed * batch.content.cost;
    return load;
  }

  /** Whether it is at some job in line at this moment. */
  get working(): boolean {
    for (const batch of this.#batches) if (batch.owed > batch.idle) return true;
    return false;
  }

  /** The same, or at some task: one that is not may just be slow to wake up. */
  get atWork(): boolean {
    if (this.working) return true;
    for (const batch of this.#tasks.values()) if (batch.idle === 0) return true;
    return false;
  }

  /** How much longer it has been silent than its jobs explain, in milliseconds. */
  get late(): number {
    let explained = 0;
    for (const batch of this.#batches) {
      if (batch.owed > 0) explained += (batch.owed - batch.idle) * batch.content.cost;
    }
    return this.silence - explained;
  }

  /** How long ago it was last heard, or given something to do, in milliseconds. */
  get silence(): number {
    return performance.now() - this.#heardAt;
  }

  /** How long the jobs it has not begun should take; -1 if there are none to take back. */
  get idleWork(): number {
    let jobs = 0;
    let ms = 0;
    for (const batch of this.#batches) {
      const { idle } = batch;
      jobs += idle;
      if (idle > 0) ms += idle * batch.content.cost;
    }
    return jobs > 0 ? ms : -1;
  }

  /**
   * Sends a batch.
   *
   * @throws {DOMException} If some argument in it cannot be cloned; then nothing was sent.
   */
  send(batch: Batch): void {
    const idle = this.owed === 0;
    const message = batch.address(this, this.#free.at(-1)!, this.#known);
    this.#thread.post(message, batch.content.movables as Transferable[] | null);
    for (const [id] of message[6] ?? []) this.#known.add(id);
    this.#free.pop();
    this.sent += batch.count;
    if (activity.listener !== null) batch.sentAt = performance.now();
    if (batch.kindAt(0).isTaskBody) return this.#holdNoTurn(batch);
    if (idle) this.#heardAt = performance.now();
    this.#batches.push(batch);
  }

  /** A batch of one, a task body: it stands in no line. */
  #holdNoTurn(batch: Batch): void {
    batch.isTask = true;
    batch.sentAt = performance.now();
    this.#tasks.set(batch.slot, batch);
  }

  /** Tells a running job to stop. */
  abort(slot: number, index: number, reason: unknown): void {
    this.#thread.post(["abort", slot, index, packError(reason)]);
  }

  /** Takes back whatever it has not begun: the last first, so that it can go on to nothing. */
  takeBack(): void {
    for (const batch of this.allBatches.toReversed()) batch.takeBack();
  }

  /** Whether the worker keeps the process alive. */
  hold(held: boolean): void {
    this.#thread.hold(held);
  }

  /** Ends the worker. Its owner hears of it soon, whether the thread obeys or not. */
  end(): void {
    this.#batches = [];
    this.#tasks.clear();
    this.#thread.end();
  }

  /** Whether it was told of the function with this number. */
  knows(id: number): boolean {
    return this.#known.has(id);
  }

  #hear(data: unknown): void {
    if (this.state === "ending") return;
    this.#heardAt = performance.now();
    this.stuck = false;
    const message = checkedMessage(data, this);
    if (message === null) {
      return this.#owner.giveUp(this, new Error("it sent a message that cannot be understood"));
    }
    switch (message[0]) {
      case "results":
        return this.#take(message);
      case "hello":
        this.#thread.state = "up";
        this.#upAt = this.#heardAt;
        this.stalled = false;
        return this.#owner.answered(this, null);
      case "heard": {
        const batch = this.batchAt(message[1]);
        if (batch?.isTask === true) batch.heard = true;
        return;
      }
      case "taskBody": {
        const [, id, slot] = message;
        const place = this.#batches.findIndex((batch) => batch.slot === slot);
        if (place >= 0) this.#holdNoTurn(...this.#batches.splice(place, 1) as [Batch]);
        return this.#owner.isTaskBody(id);
      }
      case "progress":
        // What a job left behind may report when its batch is over.
        return this.batchAt(message[1])?.report(message[2], message[3]);
      case "log": {
        const [, slot, index, level, text] = message;
        const job = this.batchAt(slot)?.nameAt(index) ?? null;
        return this.#owner.logged({ job, worker: this.#name, level, text });
      }
      case "stray":
        return this.#owner.strayed(unpackError(message[1]));
      case "leaving":
        this.#farewell ??= new Error(message[1]);
        return;
      case "unfit":
        return this.#owner.unfit(this, unpackError(message[1]));
    }
  }

  #take([, slot, first, values, end, spent, failures]: ResultsMessage): void {
    const batch = this.batchAt(slot)!;
    if (!batch.isTask) this.stalled = false;
    if (activity.listener !== null && values.length > 0) {
      this.#tellWork(batch, first, values.length);
    }
    if (end) {
      if (!this.#tasks.delete(slot)) this.#batches.splice(this.#batches.indexOf(batch), 1);
      this.#free.push(slot);
    }
    const errors = failures === undefined ? null : new Map(failures.map(unpackFailure));
    if (values.length > 0) batch.answer(first, values, errors);
    this.#owner.answered(this, spent ?? null);
  }

  /**
   * Tells who draws when these jobs were done, as this side knows it: since the batch was sent or the one
   * before was answered. Tasks go on side by side, so each has a lane of its own.
   */
  #tellWork(batch: Batch, first: number, count: number): void {
    const { name } = batch.kindAt(first);
    const what = count === 1 ? name : `${name} × ${count}`;
    const lane = batch.isTask ? `${this.#name}, task ${batch.slot}` : this.#name;
    const began = batch.isTask ? batch.sentAt : Math.max(batch.sentAt, this.#answeredAt);
    if (!batch.isTask) this.#answeredAt = this.#heardAt;
    activity.listener?.worked(lane, what, Math.min(began, this.#heardAt), this.#heardAt);
  }

  /** The batch with this slot. */
  batchAt(slot: number): Batch | undefined {
    return this.#tasks.get(slot) ?? this.#batches.find((batch) => batch.slot === slot);
  }
}

function unpackFailure([index, error]: Failure): [number, unknown] {
  return [index, unpackError(error)];
}
