/**
 * One worker, from this side: its thread, the port to it, the words shared with it, its batches.
 *
 * Everything goes through one port, which is also the life line. A Deno worker that calls
 * `self.close()` or `Deno.exit()` just disappears, without any event; but its end of the port closes,
 * and, because it is the same port, only after its last message has arrived. Only ports made by
 * `node:worker_threads` tell of that (measured on 2.9: within 1 to 15 ms).
 *
 * Ending a worker is cooperative on this Deno: `terminate()` does not interrupt a loop, and a worker
 * that computes would keep the process from ending (denoland/deno#35657). So its handle lets the host
 * forget the thread as well ({@linkcode unrefHost}). What computes on does so until the process ends,
 * and can do no harm: none of its batches has a job left to begin, and nobody reads its messages.
 */
import { MessageChannel as WatchedChannel } from "node:worker_threads";
import { SystemClock } from "../kernel/clock.ts";
import type { Batch, BatchCarrier } from "./batch.ts";
import { packError, unpackError } from "./transported_error.ts";
import {
  type Failure,
  makeWords,
  type ResultsMessage,
  SLOTS,
  type StartMessage,
  STOP_WORD,
  type ToPool,
  type ToWorker,
} from "./wire.ts";

/** How long the thread of an ended worker gets to say goodbye, in milliseconds. */
const LINGER_MS = 50;

/**
 * The web's own way of posting. Ports of `node:worker_threads` carry another one, which looks at each
 * message for a transfer list first and takes three times as long.
 */
const plainPost = MessagePort.prototype.postMessage;

/** Where a worker stands: its module loads, it works, it was told to end, its thread is gone. */
export type WorkerState = "starting" | "up" | "ending" | "ended";

/** Who looks after a worker. */
export interface WorkerOwner {
  /** It has answered some jobs: `spent` is for the estimates. */
  answered(handle: WorkerHandle, spent: readonly number[] | null): void;
  /** A job with a time limit waits for something. */
  isWaiting(batch: Batch, index: number): void;
  /** An error came up that belongs to no running job. */
  strayed(error: unknown): void;
  /** It is gone, and nobody asked it to go. */
  crashed(handle: WorkerHandle, cause: unknown): void;
  /** It is gone, as it was told. */
  ended(handle: WorkerHandle): void;
}

/** One worker. */
export class WorkerHandle implements BatchCarrier {
  /** The words it shares with its worker. */
  readonly words: Int32Array<SharedArrayBuffer> = makeWords();
  /** Where it stands. */
  state: WorkerState = "starting";
  /** Set when jobs were taken back from it because it was slow, until it answers again. */
  stalled = false;
  /** Whether its module ever was up. */
  wasUp = false;
  /** How many jobs it was ever sent. */
  sent = 0;
  readonly #owner: WorkerOwner;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #known = new Set<number>();
  readonly #free: number[] = Array.from({ length: SLOTS }, (_, slot) => SLOTS - 1 - slot);
  #batches: Batch[] = [];
  readonly #clock = new SystemClock();
  #heardAt = 0;
  #held = true;

  /** Starts a worker. This blocks for some milliseconds, as `new Worker` does. */
  constructor(name: string, owner: WorkerOwner) {
    this.#owner = owner;
    this.#worker = new Worker(new URL("./worker_entry.ts", import.meta.url), {
      type: "module",
      name,
    });
    const { port1, port2 } = new WatchedChannel() as unknown as MessageChannel;
    this.#port = port1;
    port1.onmessage = (event) => this.#hear(event.data as ToPool);
    port1.addEventListener("close", () => this.#lost(undefined));
    this.#worker.onerror = (event) => {
      event.preventDefault(); // or it would end this thread, too
      this.#lost(new Error(event.message));
    };
    const start: StartMessage = { kind: "weft.start", port: port2, words: this.words };
    this.#worker.postMessage(start, [port2]);
  }

  /** Its batches, in the order in which they were sent. */
  get batches(): readonly Batch[] {
    return this.#batches;
  }

  /** Whether it can take another batch at all. */
  get hasSlot(): boolean {
    return this.#free.length > 0;
  }

  /** How many jobs it owes. */
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

  /** Whether it is at some job at this moment. */
  get working(): boolean {
    for (const batch of this.#batches) if (batch.owed > batch.idle) return true;
    return false;
  }

  /** How much longer it has been silent than its jobs explain, in milliseconds. */
  get late(): number {
    let explained = 0;
    for (const batch of this.#batches) {
      if (batch.owed > 0) explained += (batch.owed - batch.idle) * batch.content.cost;
    }
    return performance.now() - this.#heardAt - explained;
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
    const slot = this.#free.at(-1)!;
    const message = batch.address(this, slot, this.#known);
    this.#post(message, batch.content.movables as Transferable[] | null);
    for (const [id] of message[6] ?? []) this.#known.add(id);
    this.#free.pop();
    if (this.owed === 0) this.#heardAt = performance.now();
    this.#batches.push(batch);
    this.sent += batch.count;
  }

  /** Tells a running job to stop. */
  abort(slot: number, index: number, reason: unknown): void {
    this.#post(["abort", slot, index, packError(reason)], null);
  }

  /** Whether the worker keeps the process alive. */
  hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    unrefHost(this.#worker, held);
    const port = this.#port as MessagePort & { ref(): void; unref(): void };
    if (held) port.ref();
    else port.unref();
  }

  /** Ends the worker. Its owner hears of it soon, whether the thread obeys or not. */
  end(): void {
    if (this.state === "ending" || this.state === "ended") return;
    this.hold(true);
    this.state = "ending";
    this.#batches = [];
    Atomics.store(this.words, STOP_WORD, 1);
    Atomics.notify(this.words, STOP_WORD);
    this.#worker.terminate();
    this.#clock.setAlarm(this.#clock.now() + LINGER_MS, () => this.#lost(undefined));
  }

  #post(message: ToWorker, movables: Transferable[] | null): void {
    if (movables === null) plainPost.call(this.#port, message);
    else this.#port.postMessage(message, movables);
  }

  #hear(message: ToPool): void {
    if (this.state === "ending" || this.state === "ended") return;
    this.#heardAt = performance.now();
    switch (message[0]) {
      case "results":
        return this.#take(message);
      case "hello":
        this.state = "up";
        this.wasUp = true;
        this.stalled = false;
        return this.#owner.answered(this, null);
      case "waiting": {
        const [, slot, index] = message;
        const batch = this.#batches.find((one) => one.slot === slot);
        if (batch !== undefined) this.#owner.isWaiting(batch, index);
        return;
      }
      case "stray":
        return this.#owner.strayed(unpackError(message[1]));
    }
  }

  #take([, slot, first, values, end, spent, failures]: ResultsMessage): void {
    const place = this.#batches.findIndex((batch) => batch.slot === slot);
    const batch = this.#batches[place]!;
    this.stalled = false;
    if (end) {
      this.#batches.splice(place, 1);
      this.#free.push(slot);
    }
    const errors = failures === undefined ? null : new Map(failures.map(unpackFailure));
    if (values.length > 0) batch.answer(first, values, errors);
    this.#owner.answered(this, spent ?? null);
  }

  /** The thread is gone, or is taken for gone. */
  #lost(cause: unknown): void {
    if (this.state === "ended") return;
    const asked = this.state === "ending";
    this.state = "ended";
    this.#clock.clearAlarm();
    this.#port.close();
    this.#worker.terminate();
    unrefHost(this.#worker, false);
    if (asked) this.#owner.ended(this);
    else this.#owner.crashed(this, cause);
  }
}

function unpackFailure([index, error]: Failure): [number, unknown] {
  return [index, unpackError(error)];
}

/**
 * Lets the host end although this worker lives, or not. Deno's workers can do that, but only its own
 * code knows the key: the one method of the prototype whose symbol has no description. On a Deno
 * that has it no more, an idle pool must be closed by hand, and a job that computes for ever keeps
 * the process alive.
 */
const refKey = Object.getOwnPropertySymbols(Worker.prototype).find((key) =>
  !key.description && typeof Reflect.get(Worker.prototype, key) === "function"
);

function unrefHost(worker: Worker, held: boolean): void {
  if (refKey !== undefined) Reflect.get(worker, refKey).call(worker, held);
}
