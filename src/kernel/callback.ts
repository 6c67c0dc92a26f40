/**
 * Code of a user that is called where nobody waits for it: by a signal, a timer, the end of a task.
 *
 * What such a callback throws would end the run, or the process, and so would the rejection of the
 * promise that an async one gives; neither harms others that listen. It is reported, and so not lost.
 *
 * Links are called for the end of something, in the order in which they were made. A server's main task or a
 * long job lives through a million `waitFirst`, each of which links and unlinks. So to forget one must neither
 * leave anything behind nor look through all the others. Most have one link or none, and a map for each would
 * cost every joined task 400 bytes: the index is made by the first who forgets one of many.
 *
 * The signals of the operating system are asked of the host here and nowhere else.
 */
import { errorText, messageText, show } from "./printable.ts";
import { checkString } from "./checks.ts";

/** Calls a function of a user's; what it throws, or what its promise rejects with, goes to `failed`. */
export function callSafely(f: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = f();
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/**
 * Makes a callback that never throws. Only its first failure is reported: a printer that fails fails each time.
 *
 * @param f The user's function.
 * @param what Names it in the warning, as in `The printer of dumpOn(SIGUSR1)`.
 * @param warn Hears of the first failure; what it throws itself is dropped.
 * @returns A function that calls `f`.
 */
export function guarded<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  what: string,
  warn: (message: string) => unknown,
): (...args: A) => void {
  let hasFailed = false;
  const failed = (error: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    callSafely(() => warn(thrownText(what, error)), () => {});
  };
  return (...args) => callSafely(() => f(...args), failed);
}

/** Makes a `warn` that never throws: what the user's fails to take goes to the console. */
export function safeWarn(warn: (message: string) => unknown): (message: string) => void {
  return (message) => {
    callSafely(() => warn(message), (error) => {
      callSafely(() => console.warn(`${message}\n  (warn threw: ${errorText(error)})`), () => {});
    });
  };
}

/**
 * Fires a signal. The host calls every listener, and would end the process for one that throws; instead
 * each error goes to `failed`.
 */
export function abortSafely(
  controller: AbortController,
  reason: unknown,
  failed: (error: unknown) => void,
): void {
  const caught = (event: ErrorEvent): void => {
    event.preventDefault();
    event.stopImmediatePropagation();
    failed(event.error);
  };
  globalThis.addEventListener("error", caught, true);
  try {
    controller.abort(reason);
  } finally {
    globalThis.removeEventListener("error", caught, true);
  }
}

/** The warning about a callback that threw. */
export function thrownText(what: string, error: unknown): string {
  return `${what} threw: ${errorText(error)}`;
}

/** A function somebody gave, and what is called for it. */
interface LinkNode<C> {
  /** By what it is forgotten again. */
  readonly given: unknown;
  readonly call: C;
}

/** So many are looked through faster than an index is made. */
const FEW = 8;

/** Callbacks in order. */
export class Links<C> {
  /** In order; `null` where one was forgotten. */
  #list: (LinkNode<C> | null)[] = [];
  #forgotten = 0;
  /** Where each function stands in the list; `null` until it is worth making. */
  #places: Map<unknown, number[]> | null = null;
  #isCalling = false;

  /** Adds one at the end; the same function may be there several times. */
  add(given: unknown, call: C): void {
    if (this.#places !== null) note(this.#places, given, this.#list.length);
    this.#list.push({ given, call });
  }

  /** Forgets all that were added for `given`, also while they are being called. */
  delete(given: unknown): void {
    for (const at of this.#placesOf(given)) {
      this.#list[at] = null;
      this.#forgotten++;
    }
    if (this.#isCalling || this.#forgotten * 2 <= this.#list.length) return;
    this.#list = this.#list.filter((link) => link !== null);
    this.#forgotten = 0;
    this.#places = null;
  }

  /** Gives each to `follow`, once; it must not throw. */
  callAll(follow: (call: C) => void): void {
    this.#isCalling = true;
    for (let at = 0; at < this.#list.length; at++) {
      const link = this.#list[at] ?? null;
      this.#list[at] = null;
      if (link !== null) follow(link.call);
    }
    this.#list = [];
  }

  #placesOf(given: unknown): readonly number[] {
    if (this.#list.length <= FEW) {
      return [...this.#list.keys()].filter((at) => this.#list[at]?.given === given);
    }
    if (this.#places === null) {
      this.#places = new Map();
      for (const [at, link] of this.#list.entries()) {
        if (link !== null) note(this.#places, link.given, at);
      }
    }
    const places = this.#places.get(given) ?? [];
    this.#places.delete(given);
    return places;
  }
}

function note(places: Map<unknown, number[]>, given: unknown, at: number): void {
  const known = places.get(given);
  if (known === undefined) places.set(given, [at]);
  else known.push(at);
}

/**
 * Calls `came` each time the signal comes, which from now on does nothing else. The host allows several
 * listeners to a signal, and calls each.
 *
 * @returns Ends that.
 * @throws {TypeError} If there is no such signal, or it cannot be listened for.
 */
export function listenForSignal(name: Deno.Signal, came: () => void): () => void {
  checkString(name, "a signal");
  try {
    Deno.addSignalListener(name, came);
  } catch (cause) {
    throw new TypeError(`Cannot listen for ${show(name)}: ${messageText(cause)}`, { cause });
  }
  return () => Deno.removeSignalListener(name, came);
}
