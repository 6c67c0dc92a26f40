/**
 * An AbortSignal that code which never waits can poll.
 *
 * A message cannot reach code that computes. So a thread that wants it to stop also writes a word of shared
 * memory, and the signal looks at that word whenever its `aborted` is read. Where the code waits for
 * something instead, the message arrives and fires the signal as usual.
 */

/** Index of the shared word that is 1 once a thread is to stop whatever it does. */
export const STOP_WORD = 0;

const nativeAborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted")!.get!;

/** One signal. */
export class StopSignal {
  readonly #isTold: () => boolean;
  readonly #told: () => void;
  readonly #controller = new AbortController();
  #state: "waiting" | "fired" | "over" = "waiting";

  /** A signal that asks `isTold` when it is read, and then calls `told`, which is to fire it. */
  constructor(isTold: () => boolean, told: () => void) {
    this.#isTold = isTold;
    this.#told = told;
    const { signal } = this.#controller;
    Object.defineProperty(signal, "aborted", { get: () => this.aborted });
    Object.defineProperty(signal, "throwIfAborted", {
      value: () => {
        if (this.aborted) throw signal.reason;
      },
    });
  }

  /** What the code gets to see. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it has fired; looks whether it should. */
  get aborted(): boolean {
    if (this.#state === "waiting" && this.#isTold()) this.#told();
    return nativeAborted.call(this.signal) as boolean;
  }

  /** Fires it. */
  abort(reason: unknown): void {
    if (this.#state !== "waiting") return;
    this.#state = "fired"; // first, because aborting reads `aborted`
    this.#controller.abort(reason);
  }

  /** Never fires it from now on. */
  end(): void {
    this.#state = "over";
  }
}
