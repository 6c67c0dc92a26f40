/**
 * The realm of a thread that weft started, as its own code sees it: how it begins, what it hears of errors that
 * nobody caught, how it is told to stop, and how it ends.
 *
 * A thread that ends loses what it has not sent. `Deno.exit` and `process.exit` announce themselves by `unload`;
 * `self.close` does not, so it is wrapped.
 */
import { takeTicket } from "./table.ts";
import type { ThreadParts } from "./wire.ts";

/** What a worker's global object has besides; the library types cover the main thread. */
const realm = globalThis as unknown as EventTarget & { close(): void };

/** Waits for the first message, which is of this kind, and takes this thread's place among those that share memory. */
export function awaitFirst<M extends ThreadParts & { readonly kind: string }>(
  kind: M["kind"],
  take: (message: M) => void,
): void {
  const hear = (event: Event): void => {
    const { data } = event as MessageEvent<M | null>;
    if (data?.kind !== kind) return;
    realm.removeEventListener("message", hear);
    takeTicket(data.ticket);
    take(data);
  };
  realm.addEventListener("message", hear);
}

/** Hears of errors that nobody caught. Unhandled, one would end this thread, with a report that nobody can act on. */
export function watchErrors(told: (error: unknown) => void): void {
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    told(event.error ?? new Error(event.message));
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    told(event.reason);
  });
}

/** Calls `leave` when this thread is about to end by its own doing, with what it called. Returns what ends it. */
export function watchLeaving(leave: (how: string) => void): () => void {
  const close = realm.close;
  realm.close = () => {
    leave("self.close()");
    close.call(realm);
  };
  realm.addEventListener("unload", () => leave(`Deno.exit(${Deno.exitCode})`));
  return () => close.call(realm);
}

const nativeAborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted")!.get!;

/**
 * An AbortSignal that code which never waits can poll: a message cannot reach code that computes. So a thread
 * that wants it to stop also writes a word of shared memory, and the signal looks at that word whenever its
 * `aborted` is read. Where the code waits for something instead, the message arrives and fires the signal as
 * usual.
 */
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
