/**
 * One thread that this one starts: a worker of a pool, or a process.
 *
 * Everything goes through one port, which is also the life line. A Deno worker that calls
 * `self.close()` or `Deno.exit()` just disappears, without any event; but its end of the port closes,
 * and, because it is the same port, only after its last message has arrived. Only ports made by
 * `node:worker_threads` tell of that (measured on 2.9: within 1 to 15 ms).
 *
 * Ending a worker is cooperative on this Deno: `terminate()` does not interrupt a loop, and a worker
 * that computes would keep the process from ending (denoland/deno#35657). So the host is told to forget
 * the thread as well. What computes on does so until the process ends, without effect.
 */
import { MessageChannel as WatchedChannel } from "node:worker_threads";
import { SystemClock } from "../../kernel/clock.ts";
import { enrolThread, removeThread, stopThread, type ThreadTicket } from "./table.ts";
import { STOP_WORD, type ThreadParts } from "./wire.ts";

/** How long the thread of an ended worker gets to send what it holds, in milliseconds. */
const LINGER_MS = 50;

/**
 * The web's own way of posting. Ports of `node:worker_threads` carry another one, which looks at each
 * message for a transfer list first and takes three times as long.
 */
const plainPost = MessagePort.prototype.postMessage;

/**
 * What lets the host end although a worker lives. Deno's workers can do that, but only its own code knows
 * the key: the one method of the prototype whose symbol has no description. On a Deno that has it no
 * more, a worker keeps the process alive until it ends.
 */
const refKey = Object.getOwnPropertySymbols(Worker.prototype).find((key) =>
  !key.description && typeof Reflect.get(Worker.prototype, key) === "function"
);

/** Where a thread stands: its module loads, it works, it was told to end, it is gone. */
export type ThreadState = "starting" | "up" | "ending" | "ended";

/** What a thread is started with. */
export interface ThreadStart {
  /** The module it runs. */
  readonly entry: URL;
  /** Its name. */
  readonly name: string;
  /** What it may do; `null` for all that this thread may. */
  readonly permissions: Deno.PermissionOptions | null;
  /** Words shared with it; {@linkcode STOP_WORD} is among them. */
  readonly words: Int32Array;
  /** What its first message says besides: plain data. */
  readonly message: object;
  /** What is moved with it. */
  readonly movables: readonly Transferable[];
}

/** What is told of a thread. */
export interface ThreadOwner {
  /** It says something, which may be anything. */
  hear(data: unknown): void;
  /** It is gone; `asked` tells whether it was told to go. */
  gone(asked: boolean, cause: unknown): void;
}

/** One thread. */
export class WorkerThread {
  /** Where it stands. Its owner knows when it is up. */
  state: ThreadState = "starting";
  readonly #owner: ThreadOwner;
  readonly #words: Int32Array;
  readonly #worker: Worker;
  readonly #port: MessagePort & { ref(): void; unref(): void };
  readonly #ticket: ThreadTicket;
  readonly #clock = new SystemClock();
  #held = true;

  /**
   * Starts it. This blocks for some milliseconds, as `new Worker` does.
   *
   * @throws {Error} If its first message cannot be cloned, it may not have the permissions, or there are
   *   too many threads; then nothing was started.
   */
  constructor(
    { entry, name, permissions, words, message, movables }: ThreadStart,
    owner: ThreadOwner,
  ) {
    this.#owner = owner;
    this.#words = words;
    this.#ticket = enrolThread(name);
    const { port1, port2 } = new WatchedChannel() as unknown as MessageChannel;
    this.#port = port1 as MessagePort & { ref(): void; unref(): void };
    const rights = permissions === null ? {} : { deno: { permissions } };
    let worker: Worker | null = null;
    try {
      worker = new Worker(entry, { type: "module", name, ...rights });
      const parts: ThreadParts = { port: port2, words, ticket: this.#ticket };
      worker.postMessage({ ...message, ...parts }, [port2, ...movables]);
    } catch (error) {
      removeThread(this.#ticket);
      worker?.terminate();
      port1.close();
      throw error;
    }
    this.#worker = worker;
    port1.onmessage = (event) => this.#hear(event.data);
    port1.onmessageerror = () => this.#hear(undefined);
    port1.addEventListener("close", () => this.#closed());
    worker.onerror = (event) => {
      event.preventDefault(); // or it would end this thread, too
      this.#lost(new Error(event.message));
    };
  }

  /**
   * Says something to it.
   *
   * @throws {DOMException} If it cannot be cloned.
   */
  post(message: unknown, movables: Transferable[] | null = null): void {
    if (movables === null) plainPost.call(this.#port, message);
    else this.#port.postMessage(message, movables);
  }

  /** Whether it keeps the process alive. */
  hold(held: boolean): void {
    if (held === this.#held) return; // the host counts
    this.#held = held;
    if (refKey !== undefined) Reflect.get(this.#worker, refKey).call(this.#worker, held);
    if (held) this.#port.ref();
    else this.#port.unref();
  }

  /** Tells it to stop, by words that are seen also by code that computes or is blocked on shared memory. */
  stop(): void {
    Atomics.store(this.#words, STOP_WORD, 1);
    Atomics.notify(this.#words, STOP_WORD);
    stopThread(this.#ticket);
  }

  /** Ends it, after `grace` milliseconds. Its owner hears of it soon, whether the thread obeys or not. */
  end(grace = 0): void {
    if (this.state === "ended") return;
    this.hold(true);
    this.state = "ending";
    this.stop();
    if (grace === 0) return this.#terminate();
    this.#clock.clearAlarm();
    this.#clock.setAlarm(this.#clock.now() + grace, () => this.#terminate());
  }

  #terminate(): void {
    this.#clock.clearAlarm();
    this.#worker.terminate();
    this.#clock.setAlarm(this.#clock.now() + LINGER_MS, () => this.#lost(undefined));
  }

  #hear(data: unknown): void {
    if (this.state !== "ended") this.#owner.hear(data);
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
    removeThread(this.#ticket);
    this.#clock.clearAlarm();
    this.#port.close();
    this.#worker.terminate();
    this.hold(false);
    this.#owner.gone(asked, cause);
  }
}
