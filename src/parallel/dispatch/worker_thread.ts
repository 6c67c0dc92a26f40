/**
 * A worker's thread and the port to it: started, heard, kept from ending or not, ended.
 *
 * Everything goes through one port, which is also the life line. A Deno worker that calls
 * `self.close()` or `Deno.exit()` just disappears, without any event; but its end of the port closes,
 * and, because it is the same port, only after its last message has arrived. Only ports made by
 * `node:worker_threads` tell of that (measured on 2.9: within 1 to 15 ms).
 *
 * Ending a worker is cooperative on this Deno: `terminate()` does not interrupt a loop, and a worker
 * that computes would keep the process from ending (denoland/deno#35657). So the host is told to forget
 * the thread as well. What computes on does so until the process ends, and can
 * do no harm: none of its batches has a job left to begin, and nobody reads its messages.
 */
import { MessageChannel as WatchedChannel } from "node:worker_threads";
import { SystemClock } from "../../kernel/clock.ts";
import { enrolThread, type PartyTicket, stopThread, strikeThread } from "../shared/shared_party.ts";
import { type SetUp, type StartMessage, STOP_WORD, type ToWorker } from "./wire.ts";
import { holdWorker } from "../worker_ref.ts";

/** How long the thread of an ended worker gets to say goodbye, in milliseconds. */
const LINGER_MS = 50;

/**
 * The web's own way of posting. Ports of `node:worker_threads` carry another one, which looks at each
 * message for a transfer list first and takes three times as long.
 */
const plainPost = MessagePort.prototype.postMessage;

/** Where a worker stands: its module loads, it works, it was told to end, its thread is gone. */
export type WorkerState = "starting" | "up" | "ending" | "ended";

/** What every worker of a pool is started with. */
export interface WorkerTerms {
  /** What is to be called before the first job. */
  readonly setUp: SetUp | null;
  /** What it may do; `null` for all that this thread may. */
  readonly permissions: Deno.PermissionOptions | null;
  /** How many tasks it may have at a time. */
  readonly tasks: number;
}

/** Who listens to a thread. */
export interface ThreadOwner {
  /** It says something, which may be anything. */
  hear(data: unknown): void;
  /** It is gone; `asked` tells whether it was told to go. */
  gone(asked: boolean, cause: unknown): void;
}

/** One thread. */
export class WorkerThread {
  /** Where it stands. */
  state: WorkerState = "starting";
  readonly #owner: ThreadOwner;
  readonly #words: Int32Array;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #party: PartyTicket;
  readonly #clock = new SystemClock();
  #held = true;

  /** Starts it. This blocks for some milliseconds, as `new Worker` does. */
  constructor(name: string, terms: WorkerTerms, words: Int32Array, owner: ThreadOwner) {
    this.#owner = owner;
    this.#words = words;
    this.#party = enrolThread(name);
    const options = {
      type: "module",
      name,
      ...(terms.permissions === null ? {} : { deno: { permissions: terms.permissions } }),
    } as const;
    this.#worker = new Worker(new URL("../worker_entry.ts", import.meta.url), options);
    const { port1, port2 } = new WatchedChannel() as unknown as MessageChannel;
    this.#port = port1;
    port1.onmessage = (event) => {
      if (this.state === "starting" || this.state === "up") owner.hear(event.data);
    };
    port1.onmessageerror = () => owner.hear(undefined);
    port1.addEventListener("close", () => this.#closed());
    this.#worker.onerror = (event) => {
      event.preventDefault(); // or it would end this thread, too
      this.#lost(new Error(event.message));
    };
    const start: StartMessage = {
      kind: "weft.start",
      port: port2,
      words,
      setUp: terms.setUp,
      party: this.#party,
    };
    this.#worker.postMessage(start, [port2]);
  }

  /**
   * Says something to it.
   *
   * @throws {DOMException} If it cannot be cloned.
   */
  post(message: ToWorker, movables: Transferable[] | null): void {
    if (movables === null) plainPost.call(this.#port, message);
    else this.#port.postMessage(message, movables);
  }

  /** Whether it keeps the process alive. */
  hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    holdWorker(this.#worker, held);
    const port = this.#port as MessagePort & { ref(): void; unref(): void };
    if (held) port.ref();
    else port.unref();
  }

  /** Ends it. Its owner hears of it soon, whether the thread obeys or not. */
  end(): void {
    if (this.state === "ending" || this.state === "ended") return;
    this.hold(true);
    this.state = "ending";
    Atomics.store(this.#words, STOP_WORD, 1);
    Atomics.notify(this.#words, STOP_WORD);
    stopThread(this.#party);
    this.#worker.terminate();
    this.#clock.setAlarm(this.#clock.now() + LINGER_MS, () => this.#lost(undefined));
  }

  /** Its end of the port is closed. One that never got up may have an error to tell, which comes later. */
  #closed(): void {
    if (this.state !== "starting") return this.#lost(undefined);
    this.#clock.setAlarm(this.#clock.now() + LINGER_MS, () => this.#lost(undefined));
  }

  /** The thread is gone, or is taken for gone. */
  #lost(cause: unknown): void {
    if (this.state === "ended") return;
    const asked = this.state === "ending";
    this.state = "ended";
    strikeThread(this.#party);
    this.#clock.clearAlarm();
    this.#port.close();
    this.#worker.terminate();
    holdWorker(this.#worker, false);
    this.#owner.gone(asked, cause);
  }
}
