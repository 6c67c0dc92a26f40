/** Signals and alarms for tasks: streams of events, and sources for poll. */
import { AlarmOrigin, EventHandle, SignalOrigin } from "../io/events.ts";
import { checkTimeout, type Timeout } from "../io/waiting.ts";
import type { HasHandle } from "../io/pollable.ts";
import { checkMs, checkOptions, checkString } from "../kernel/checks.ts";
import { ClosedError } from "../kernel/errors.ts";
import { nextName } from "../kernel/printable.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";

/**
 * A stream of events. One task waits at a time; a cancelled `next` has taken none.
 *
 * Made by {@linkcode signals} and {@linkcode alarm}. `using` closes it. `for await` in an
 * `async function*` goes through the events until it is closed.
 * `timeout` can be set: the most milliseconds that `next` waits; `undefined` for no limit.
 *
 * @typeParam E The events' type.
 */
export class EventStream<E> implements HasHandle, Disposable {
  readonly #handle: EventHandle<E>;
  #timeout: Timeout;

  /** Made by {@linkcode signals} and {@linkcode alarm}. */
  constructor(handle: EventHandle<E>) {
    this.#handle = handle;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#handle.closed;
  }

  /** How many milliseconds `next` may wait before it throws `TimeoutError`; `undefined` for no limit. */
  get timeout(): number | undefined {
    return this.#timeout;
  }

  set timeout(ms: number | undefined) {
    this.#timeout = checkTimeout(ms, "the timeout of an event stream");
  }

  /** The handle, for the poll layer. */
  get handle(): EventHandle<E> {
    return this.#handle;
  }

  /** Waits for the next event and takes it. */
  next(): Operation<E> {
    const handle = this.#handle;
    return operation(`${handle}.next()`, (wait: Wait<E>) => handle.begin(wait, this.#timeout));
  }

  /**
   * Takes an event that has come, without waiting. Never a checkpoint.
   *
   * @throws {WouldBlock} If none has.
   */
  tryNext(): E {
    return this.#handle.tryTake();
  }

  /** Closes it: a task that waits gets `ClosedError`. Closing again has no effect. */
  close(): void {
    this.#handle.close();
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#handle.close();
  }

  /** Goes through the events; ends when it is closed. */
  async *[Symbol.asyncIterator](): AsyncIterator<E> {
    for (;;) {
      let event: E;
      try {
        event = await this.next();
      } catch (error) {
        if (error instanceof ClosedError && this.closed) return;
        throw error;
      }
      yield event;
    }
  }

  /** Its name in reports. */
  toString(): string {
    return String(this.#handle);
  }
}

/**
 * Listens for signals of the operating system: from now on, and until it is closed, they do nothing else.
 * The same signal twice before it was taken is one event.
 *
 * While somebody waits for the next one, the process stays alive.
 *
 * @example A signal to oneself
 * ```ts
 * import { run, signals } from "@weft/weft";
 * const name = await run(async function* () {
 *   using stream = signals("SIGUSR1", "SIGUSR2");
 *   Deno.kill(Deno.pid, "SIGUSR2");
 *   return yield* stream.next();
 * });
 * if (name !== "SIGUSR2") throw new Error(name);
 * ```
 *
 * @param names At least one signal.
 * @returns The stream; it belongs to the run of the current task, if there is one.
 * @throws {TypeError} If there is no such signal, or it cannot be listened for (`SIGKILL`, `SIGSTOP`).
 */
export function signals(...names: [Deno.Signal, ...Deno.Signal[]]): EventStream<Deno.Signal> {
  if (names.length === 0) {
    throw new TypeError("Cannot listen for no signal: name one, such as SIGINT");
  }
  for (const name of names) checkString(name, "a signal");
  const name = `signals(${names.join(", ")})`;
  return new EventStream(new EventHandle(name, (came) => new SignalOrigin(names, came)));
}

/** How an alarm goes on. */
export interface AlarmOptions {
  /** Expires again and again, each time so many milliseconds after the last. @default once only */
  every?: number;
}

/**
 * An alarm, as a stream of events and as a source for poll (like Linux's timerfd). An event is the
 * number of expirations since the last one was taken; the beat does not drift.
 *
 * In a run it goes by that run's clock.
 *
 * @example Three ticks
 * ```ts
 * import { alarm, run } from "@weft/weft";
 * import { VirtualClock } from "@weft/weft/testing";
 * const ticks = await run(async function* () {
 *   using beat = alarm(10, { every: 10 });
 *   let ticks = 0;
 *   while (ticks < 3) ticks += yield* beat.next();
 *   return ticks;
 * }, { clock: new VirtualClock() });
 * if (ticks !== 3) throw new Error(String(ticks));
 * ```
 *
 * @param ms When it expires first, in milliseconds from now.
 * @param options Whether it goes on.
 * @returns The stream; it belongs to the run of the current task, if there is one.
 * @throws {RangeError} If a time is negative, not a number, or `every` is 0.
 */
export function alarm(ms: number, options: AlarmOptions = {}): EventStream<number> {
  checkMs(ms, "the time of an alarm");
  const { every } = checkOptions(options, "alarm()");
  if (every !== undefined && checkMs(every, "the period of an alarm") === 0) {
    throw new RangeError(
      "Cannot use 0 as the period of an alarm: it must be more than 0 milliseconds",
    );
  }
  return new EventStream(
    new EventHandle(nextName("Alarm"), (came) => new AlarmOrigin(ms, every, came)),
  );
}
