/**
 * What `then` leaves behind: two handlers that wait for a result, and the promise of what they return.
 *
 * `await` and `Promise.all` call `then` and drop what it returns. So that promise is made only if
 * somebody asks for it, which halves the memory of an awaited future. Handlers run in a microtask, all
 * those of one message in one, in the order a promise would have run them in.
 */

/** A handler as `then` takes it. */
export type Handler = ((result: never) => unknown) | null | undefined;

/**
 * Two handlers, and what comes of them.
 *
 * Its private methods are static: others would cost every reaction a hidden slot.
 */
export class Reaction implements PromiseLike<unknown> {
  /** The one that was attached before it. */
  readonly before: Reaction | null;
  readonly #onValue: Handler;
  readonly #onError: Handler;
  #ran = false;
  #result: unknown = undefined;
  #deferred: PromiseWithResolvers<unknown> | null = null;

  /** Handlers as `then` takes them. */
  constructor(before: Reaction | null, onValue: Handler, onError: Handler) {
    this.before = before;
    this.#onValue = onValue;
    this.#onError = onError;
  }

  /** Waits for what the handlers return. */
  then<A = unknown, B = never>(
    onValue?: ((value: unknown) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    if (this.#deferred === null) {
      this.#deferred = Promise.withResolvers();
      if (this.#ran) this.#deferred.resolve(this.#result);
    }
    return this.#deferred.promise.then(onValue, onError);
  }

  /** Calls the handler for what has come. */
  run(failed: boolean, result: unknown): void {
    try {
      const handler = failed ? this.#onError : this.#onValue;
      if (typeof handler === "function") Reaction.#end(this, handler(result as never));
      else if (failed) Reaction.#fail(this, result);
      else Reaction.#end(this, result);
    } catch (error) {
      Reaction.#fail(this, error);
    }
  }

  static #end(reaction: Reaction, value: unknown): void {
    reaction.#ran = true;
    reaction.#result = value;
    reaction.#deferred?.resolve(value);
  }

  /** An error that nobody handles is an unhandled rejection, as with any promise. */
  static #fail(reaction: Reaction, error: unknown): void {
    reaction.#ran = true;
    reaction.#deferred ??= Promise.withResolvers();
    reaction.#deferred.reject(error);
  }
}

/** Something that has reactions to run. */
export interface Reactor {
  /** Runs them. */
  react(): void;
}

/** A microtask by way of a promise: Deno's own `queueMicrotask` takes three times as long. */
const settled = Promise.resolve();

let due: Reactor[] = [];

/** Runs reactions in a microtask, along with all others that are due by then. */
export function reactSoon(reactor: Reactor): void {
  if (due.push(reactor) === 1) settled.then(reactNow);
}

function reactNow(): void {
  const reactors = due;
  due = [];
  for (const reactor of reactors) reactor.react();
}
