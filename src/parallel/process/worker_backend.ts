/**
 * A process that is a worker: a thread of this process with memory of its own.
 *
 * A Deno worker that calls `Deno.exit` or `self.close` disappears without an event; but its end of a
 * port closes, after its last message has arrived. So everything goes through one port, which is also
 * the life line. Only ports made by `node:worker_threads` tell of that.
 *
 * Ending one by force is cooperative on this Deno: `terminate()` does not interrupt a loop
 * (denoland/deno#35657). A worker that does not go is taken for gone after a moment and forgotten by
 * the host; what it computes, it computes unheard until the process ends.
 */
import { MessageChannel as WatchedChannel } from "node:worker_threads";
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";
import { identWord } from "./current.ts";
import {
  type Departure,
  garbledEnding,
  isEndMessage,
  KILLED,
  type ProcessBody,
  type ProcessEnding,
  type StopMessage,
  TERMINATED,
  type WorkerBeginMessage,
} from "./wire.ts";
import { enrolThread, stopThread, strikeThread, type ThreadTicket } from "../thread/thread_id.ts";
import { movablesOf } from "../transfer.ts";
import { packError, unpackError } from "../transported_error.ts";
import { WorkerCrashedError } from "../worker_error.ts";
import { holdWorker } from "../worker_ref.ts";

/** How long the thread of a terminated worker gets to say goodbye, in milliseconds. */
const LINGER_MS = 50;

const entry = new URL("./entry.ts", import.meta.url);

/**
 * Starts a worker. This blocks for some milliseconds, as `new Worker` does.
 *
 * @throws {DOMException} If the arguments or fields cannot be cloned; then nothing was started.
 */
export function startWorker(departure: Departure): ProcessBody {
  return withScope(null, () => new WorkerBody(departure));
}

/** A port of `node:worker_threads`. */
type HostPort = MessagePort & { ref(): void; unref(): void };

/** One worker that is a process. */
class WorkerBody implements ProcessBody {
  readonly pid: number = Deno.pid;
  readonly ident: number;
  readonly #departure: Departure;
  readonly #worker: Worker;
  readonly #port: HostPort;
  readonly #stopWord = new Int32Array(new SharedArrayBuffer(4));
  readonly #thread: ThreadTicket;
  readonly #clock = new SystemClock();
  /** What it said of its end. */
  #said: ProcessEnding | null = null;
  /** How it ended if it does not say so; as if by that signal, once it was sent. */
  #silent: ProcessEnding;
  #held = true;
  #state: "alive" | "ending" | "ended" = "alive";

  constructor(departure: Departure) {
    this.#departure = departure;
    const { begin } = departure;
    const why = `Cannot finish "${begin.name}": its worker ended without a word`;
    this.#silent = { code: 1, error: new WorkerCrashedError(begin.name, why) };
    this.ident = begin.ident;
    this.#thread = enrolThread(begin.name);
    const { port1, port2 } = new WatchedChannel() as unknown as MessageChannel;
    this.#port = port1 as HostPort;
    const message: WorkerBeginMessage = {
      ...begin,
      port: port2,
      stopWord: this.#stopWord,
      idents: identWord(),
      thread: this.#thread,
    };
    const movables = movablesOf([...begin.args, ...Object.values(begin.fields)]) ?? [];
    let worker: Worker | undefined;
    try {
      worker = new Worker(entry, { type: "module", name: begin.name });
      worker.postMessage(message, [port2, ...movables]);
    } catch (error) {
      strikeThread(this.#thread);
      worker?.terminate();
      port1.close();
      throw error;
    }
    this.#worker = worker;
    port1.onmessage = (event: MessageEvent<unknown>) => this.#hear(event.data);
    port1.onmessageerror = () => this.#hear(undefined);
    port1.addEventListener("close", () => this.#closed());
    worker.onerror = (event) => {
      event.preventDefault(); // or it would end this thread, too
      this.#said ??= { code: 1, error: new Error(event.message) };
      this.#lost();
    };
  }

  stop(reason: unknown): void {
    if (this.#state === "ended") return;
    this.#raiseFlag();
    const message: StopMessage = { kind: "weft.stop", reason: packError(reason) };
    this.#port.postMessage(message);
  }

  terminate(): void {
    if (this.#state !== "alive") return;
    this.stop(`${this.#departure.begin.name} was terminated`);
    this.#endAfter(this.#departure.grace, TERMINATED);
  }

  kill(): void {
    if (this.#state === "ended") return;
    this.#raiseFlag();
    this.#endAfter(0, KILLED);
    this.#said ??= this.#silent; // it is not heard any more
  }

  hold(held: boolean): void {
    if (held === this.#held) return; // the host counts
    this.#held = held;
    holdWorker(this.#worker, held);
    if (held) this.#port.ref();
    else this.#port.unref();
  }

  /** Seen at the next look, also by a thread that is blocked on shared memory. */
  #raiseFlag(): void {
    Atomics.store(this.#stopWord, 0, 1);
    Atomics.notify(this.#stopWord, 0);
    stopThread(this.#thread);
  }

  #endAfter(grace: number, code: number): void {
    this.#state = "ending";
    this.#silent = { code, error: undefined };
    const end = (): void => {
      this.#worker.terminate();
      this.#clock.setAlarm(this.#clock.now() + LINGER_MS, () => this.#lost());
    };
    if (grace === 0) end();
    else this.#clock.setAlarm(this.#clock.now() + grace, end);
  }

  #hear(data: unknown): void {
    if (this.#said !== null) return;
    if (isEndMessage(data)) {
      const { code, error } = data;
      this.#said = { code, error: error === null ? undefined : unpackError(error) };
    } else {
      this.#said = garbledEnding(this.#departure.begin.name);
      this.kill();
    }
  }

  /** Its end of the port is closed. One that never got up has an error to tell, which comes later. */
  #closed(): void {
    if (this.#state === "ended") return;
    if (this.#said !== null || this.#state === "ending") return this.#lost();
    this.#clock.setAlarm(this.#clock.now() + LINGER_MS, () => this.#lost());
  }

  /** The thread is gone, or is taken for gone. */
  #lost(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    strikeThread(this.#thread);
    this.#clock.clearAlarm();
    this.#worker.terminate();
    this.hold(false);
    this.#port.close();
    this.#departure.ended(this.#said ?? this.#silent);
  }
}
