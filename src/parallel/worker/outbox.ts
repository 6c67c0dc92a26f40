/**
 * Results on their way out of a worker.
 *
 * They are held back for up to a millisecond of work, so that tiny jobs share a reply. But a job cannot
 * be interrupted to send what finished before it. So whatever is held is also sent before a job that
 * may be long, before one waits, and before the worker exits.
 */
import { cloneCost, isMoved, type Movable, movablesOf, movesItself } from "../transfer.ts";
import { packError } from "../transported_error.ts";
import { callWord, type Failure, type ResultsMessage, type ToPool } from "../thread/wire.ts";
import { unsendable } from "../worker_error.ts";
import type { WorkerFunction } from "./worker_function.ts";

/** Results are held back no longer than this much work, in milliseconds. */
const HOLD_MS = 1;
/** How precisely the pool needs to know what calls take, in milliseconds. */
const REPORT_MS = 0.1;
/** Sends are counted up to here, and then from 1 again. */
const MOST_SENDS = 0x3fffffff;

/** Collects the results of one batch at a time, and posts them. */
export class Outbox {
  readonly #port: MessagePort;
  readonly #nameOf: (index: number) => string;
  #slot = -1;
  #first = 0;
  #values: unknown[] = [];
  #failures: Failure[] | null = null;
  #called: WorkerFunction[] = [];
  #sentAt = 0;
  #weight = 0;
  /** Whether what is held is moved. */
  #moves = false;
  /** How often results were sent. */
  #sends = 0;
  readonly #words: Int32Array;
  /** Whether no more is sent. */
  hasLeft = false;

  /**
   * An empty box; `words` are shared with the pool, `nameOf` names the job at some index of the batch that
   * is open.
   */
  constructor(port: MessagePort, words: Int32Array, nameOf: (index: number) => string) {
    this.#port = port;
    this.#words = words;
    this.#nameOf = nameOf;
  }

  /** Begins a batch. */
  open(slot: number, now: number): void {
    this.#slot = slot;
    this.#first = 0;
    this.#sentAt = now;
  }

  /**
   * The next job returned. What is moved goes by itself, or with its like: the host empties all buffers
   * of a message before it finds that one of its values cannot be cloned.
   */
  add(value: unknown): void {
    this.#weight += cloneCost(value);
    const moves = typeof value === "object" && value !== null && isMoved(value);
    const alone = moves && !movesItself(value);
    if (alone || moves !== this.#moves) this.flush();
    this.#moves = moves;
    this.#values.push(value);
    if (alone) this.flush();
  }

  /** The next job failed. */
  fail(error: unknown): void {
    (this.#failures ??= []).push([this.#first + this.#values.length, packError(error)]);
    this.#values.push(undefined);
  }

  /** Takes note of what some calls took, and sends if enough has come together. */
  count(f: WorkerFunction, calls: number, ms: number, now: number): void {
    if (f.calls === 0) this.#called.push(f);
    f.took(calls, ms);
    if (now - this.#sentAt + this.#weight < HOLD_MS) return;
    this.flush();
    this.#sentAt = now;
  }

  /** Sends what is held, if anything is. */
  flush(): void {
    if (this.#values.length > 0) this.#send(false);
  }

  /** Ends the batch. */
  close(): void {
    this.#send(true);
    this.#slot = -1;
  }

  /**
   * Sends what is held, and that no more will come. A job that ends its worker goes on until the host ends
   * the thread, which may be a while (measured on a loaded machine: it returned): its result is not sent
   * then, and the end of the port tells the pool.
   */
  leave(why: string): void {
    if (this.hasLeft) return;
    this.flush();
    this.post(["leaving", why]);
    this.hasLeft = true;
    this.#port.close();
  }

  /** Answers a task, which is a batch by itself. */
  answer(slot: number, name: string, value: unknown): void {
    try {
      this.post(["results", slot, 0, [value], true], movablesOf([value]));
    } catch (cause) {
      this.refuse(slot, unsendable(name, "result", cause));
    }
  }

  /** A task has failed, or is not begun at all. */
  refuse(slot: number, error: unknown): void {
    this.post(["results", slot, 0, [undefined], true, null, [[0, packError(error)]]]);
  }

  /** Posts any message. */
  post(message: ToPool, movables: readonly Movable[] | null = null): void {
    if (this.hasLeft) return;
    if (movables === null) this.#port.postMessage(message);
    else this.#port.postMessage(message, [...movables]);
  }

  #send(end: boolean): void {
    const slot = this.#slot;
    const first = this.#first;
    const values = this.#values;
    const failures = this.#failures;
    const spent = this.#spent();
    this.#first += values.length;
    this.#values = [];
    this.#failures = null;
    this.#weight = 0;
    const message: ResultsMessage = failures !== null
      ? ["results", slot, first, values, end, spent, failures]
      : spent !== null
      ? ["results", slot, first, values, end, spent]
      : ["results", slot, first, values, end];
    const word = callWord(slot);
    this.#sends = this.#sends % MOST_SENDS + 1;
    const called = Atomics.exchange(this.#words, word, -this.#sends);
    try {
      this.post(message, movablesOf(values));
    } catch {
      this.#sendSingly(message);
    }
    Atomics.store(this.#words, word, called);
  }

  /** Something in the message cannot be cloned: sends each result by itself, and an error for the culprit. */
  #sendSingly([, slot, first, values, end, spent = null, failures = []]: ResultsMessage): void {
    for (const [i, value] of values.entries()) {
      const index = first + i;
      const own = failures.filter(([failed]) => failed === index);
      try {
        this.post(["results", slot, index, [value], false, null, own], movablesOf([value]));
      } catch (cause) {
        const error = packError(unsendable(this.#nameOf(index), "result", cause));
        this.post(["results", slot, index, [undefined], false, null, [[index, error]]]);
      }
    }
    this.post(["results", slot, first + values.length, [], end, spent]);
  }

  /** What calls took, of the functions that it is worth telling about. */
  #spent(): number[] | null {
    let spent: number[] | null = null;
    let left: WorkerFunction[] | null = null;
    for (const f of this.#called) {
      if (f.reported && f.ms < REPORT_MS) {
        (left ??= []).push(f);
      } else {
        (spent ??= []).push(f.id, f.calls, f.ms);
        f.report();
      }
    }
    if (spent !== null) this.#called = left ?? [];
    return spent;
  }
}
