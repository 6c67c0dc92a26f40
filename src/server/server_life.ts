/**
 * The life of a server: it serves once, ends when it is told to or cancelled, and whoever asks for its
 * end, from wherever, waits for the same one.
 *
 * The task that serves does the winding up itself. So `shutdown` only leaves word, and may be called from
 * another task, another run, a callback, and from a handler too, which must not wait for it.
 */
import { checkMs } from "../kernel/checks.ts";
import { ClosedError } from "../kernel/errors.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { Event } from "../sync/event.ts";
import { race } from "../tasks/race.ts";
import { shield } from "../tasks/cancel_scope.ts";

/** How a server ends. */
export interface ShutdownOptions {
  /** How many milliseconds those being served get. @default the server's `grace` */
  grace?: number;
}

/** What a server does while it lives. */
export interface Served {
  /** Begins to serve; gives the task that goes on until `end`. */
  begin(): Generator<unknown, Task, unknown>;
  /** Ends it in order, within `grace` milliseconds. */
  end(grace: number): Generator<unknown, void, unknown>;
  /** Closes what was opened before it served. */
  close(): void;
  /** Its name. */
  toString(): string;
}

/** The life of one server. */
export class ServerLife {
  readonly #served: Served;
  readonly #ready: Event;
  readonly #stop: Event;
  readonly #ends: WaitQueue<void>;
  #state: "new" | "serving" | "ended" = "new";
  #grace: number;

  /** One that has not begun. */
  constructor(served: Served, grace: number) {
    this.#served = served;
    this.#grace = grace;
    this.#ready = new Event(`${served}.ready`);
    this.#stop = new Event(`${served}.stop`);
    this.#ends = new WaitQueue<void>(served, "shutdown", "open");
  }

  /** Waits until it serves. */
  *ready(): Generator<unknown, void, unknown> {
    yield* this.#ready.wait();
    if (this.#state === "ended") {
      throw new ClosedError(`Cannot wait for ${this.#served} to be ready: it has ended`);
    }
  }

  /** Serves until it is shut down; cancelled, it ends in the same order, and then throws the cancel. */
  *serve(): Generator<unknown, void, unknown> {
    if (this.#state !== "new") {
      const why = this.#state === "serving" ? "it serves already" : "it has ended";
      throw new ClosedError(`Cannot serve with ${this.#served}: ${why}`);
    }
    this.#state = "serving";
    const served = this.#served;
    const stop = this.#stop;
    try {
      const task = yield* served.begin();
      this.#ready.set();
      yield* race([task.get(), stop.wait()]);
    } finally {
      const grace = this.#grace;
      yield* shield(() => served.end(grace));
      this.#end();
    }
  }

  /** Leaves word that it is to end; the operation waits until it has, and nobody has to. */
  shutdown({ grace }: ShutdownOptions): Operation<void> {
    if (grace !== undefined) this.#grace = checkMs(grace, "a time of grace");
    this.#stop.set();
    if (this.#state === "new") this.#end();
    return operation(`${this.#served}.shutdown()`, (wait: Wait<void>) => {
      if (this.#state === "ended") wait.settle();
      else this.#ends.park(wait);
    }, { optional: true });
  }

  #end(): void {
    this.#state = "ended";
    this.#served.close();
    this.#ready.set();
    this.#ends.wakeAll();
  }
}
