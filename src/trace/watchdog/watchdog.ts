/**
 * The watchdog: says which task blocks the loop, while it does.
 *
 * A thread that is blocked cannot say so, and afterwards it is too late for a loop that never ends. So a worker
 * watches, over shared memory, and the main thread pays one store at the begin and one at the end of a
 * step. Rejected: timers that measure their own delay, which know neither the task nor anything before
 * the block is over; and messages to the worker, which cost a hundred times as much.
 *
 * What is seen: steps, by their task; and code of tasks that are out in a foreign `await`, which runs
 * outside of steps. For these the main thread shows by an alarm that its loop still turns, but only while
 * one is out: an idle program stays idle. Code of no task (a listener of the host's) is not seen.
 */
import { show } from "../../kernel/printable.ts";
import {
  checkOptionalFunction,
  checkOptions,
  checkWhole,
  COUNT_OR_NONE,
} from "../../kernel/checks.ts";
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";
import type { Instrument } from "../../kernel/instrument.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import { hold, letGo, type Resource } from "../../kernel/resource.ts";
import { schedulerOf } from "../../kernel/scheduler.ts";
import type { Task } from "../../kernel/task.ts";
import type { Wait, WaitSource } from "../../kernel/wait.ts";
import { BlockLog, type BlockReport } from "./block_log.ts";
import { AWAY_SLOT, NO_SLOT, TaskSlots, WatchMemory } from "./watch_memory.ts";
import { lookEvery } from "./block_detector.ts";
import type { WatchMessage, WatchReply } from "./worker.ts";

/** How long an ending worker may take, in milliseconds: it may be stuck writing to a full pipe. */
const LINGER_MS = 1000;

/** How a watchdog is to watch. */
export interface WatchdogOptions {
  /** A step that takes so many milliseconds is blocking. @default {100} */
  threshold?: number;
  /** How many lines may go to stderr in a minute; 0 for none at all. @default {30} */
  linesPerMinute?: number;
  /** Called after each block, when the loop goes on, in no task. It must not throw. @default nothing */
  onReport?: (report: BlockReport) => void;
}

/** What a watchdog has seen. */
export interface WatchdogStatistics {
  /** Whether its worker is watching. */
  readonly watching: boolean;
  /** How many blocks there were. */
  readonly blocks: number;
  /** The longest of them, in milliseconds. */
  readonly longestMs: number;
  /** How many tasks are out in a foreign `await`, as far as it knows. */
  readonly away: number;
}

type State = "starting" | "watching" | "ending" | "ended";

/**
 * An instrument that reports blocked loops. Give it to any number of runs; `await using` ends it.
 *
 * - While a step lasts longer than the threshold, a line goes to stderr: at the threshold, then each time
 *   the time has doubled, and when it is over.
 * - Each block becomes a record in {@linkcode reports} once the loop goes on.
 * - Time in which the whole process stood still is counted for no task.
 *
 * Made by {@linkcode watchdog}.
 */
export class Watchdog implements Instrument, Resource, Disposable, AsyncDisposable {
  readonly #threshold: number;
  readonly #linesPerMinute: number;
  readonly #log: BlockLog;
  readonly #memory = new WatchMemory();
  readonly #slots = new TaskSlots(this.#memory);
  readonly #clock = new SystemClock({ idle: true });
  readonly #linger = new SystemClock();
  readonly #away = new Set<Task>();
  readonly #gone = Promise.withResolvers<void>();
  /** The task whose step goes on, and those whose steps it interrupts: other runs', or async ones. */
  #running: Task | null = null;
  readonly #interrupted: Task[] = [];
  #worker: Worker | null = null;
  #state: State = "starting";

  /** Made by {@linkcode watchdog}; it has no worker yet. */
  constructor(options: WatchdogOptions = {}) {
    const { threshold = 100, linesPerMinute = 30 } = checkOptions(options, "Watchdog");
    this.#threshold = checkThreshold(threshold);
    this.#linesPerMinute = checkLines(linesPerMinute);
    this.#log = new BlockLog(options.onReport);
  }

  /** The latest blocks that are over, at most a thousand, in the order in which they ended. */
  get reports(): readonly BlockReport[] {
    return this.#log.reports;
  }

  /** A frozen record of what it has seen. */
  statistics(): WatchdogStatistics {
    return Object.freeze({
      watching: this.#state === "watching",
      blocks: this.#log.blocks,
      longestMs: this.#log.longestMs,
      away: this.#away.size,
    });
  }

  /**
   * Whether the worker has reported the step that goes on now: for code that computes for long and would
   * rather `yield` then. Costs some nanoseconds.
   */
  get barking(): boolean {
    return this.#memory.flagged;
  }

  /** Starts the worker; `settled` hears whether it watches. For {@linkcode watchdog}. */
  start(settled: (error?: Error) => void): void {
    hold(this);
    const worker = this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: "weft watchdog",
    });
    worker.onmessage = ({ data }: MessageEvent<WatchReply>) => {
      if (data === "gone") return this.#ended();
      if (this.#state === "starting") this.#state = "watching";
      settled();
    };
    worker.onerror = (event) => {
      event.preventDefault(); // or it would end this thread, too
      this.#ended();
      settled(new Error(`Cannot start the watchdog: ${event.message}`));
    };
    const message: WatchMessage = {
      kind: "weft.watch",
      buffer: this.#memory.buffer,
      threshold: this.#threshold,
      linesPerMinute: this.#linesPerMinute,
    };
    worker.postMessage(message);
  }

  /** A step begins. */
  stepBegin(task: Task): void {
    this.#turnTo(this.#slots.of(task));
    if (this.#running !== null) this.#interrupted.push(this.#running);
    this.#running = task;
  }

  /** A step is over. */
  stepEnd(task: Task): void {
    const next = this.#running === task ? this.#interrupted.pop() ?? null : this.#overtaken(task);
    this.#turnTo(next === null ? NO_SLOT : this.#slots.of(next));
    this.#running = next;
    if (task.isAway) this.#left(task);
  }

  /** A task waits: if it was out in a foreign `await`, its code has just left that. */
  waiting(task: Task): void {
    if (this.#running === null && this.#away.has(task)) this.#cameBack(task);
  }

  /** A task is ready; by its own doing, it cedes. */
  ready(task: Task, by: Task | undefined): void {
    if (task === by) this.waiting(task);
  }

  /** A task has ended: its slot is free. */
  exited(task: Task): void {
    this.waiting(task);
    this.#slots.leave(task);
  }

  /**
   * Ends the watch, at once: its instrument goes on and reports nothing. Closing again has no effect.
   *
   * @returns Waits until the worker is gone; nobody needs to wait for it.
   */
  close(): Operation<void> {
    const gone = this.release();
    const source: WaitSource = {
      host: "bound",
      abandon: () => true,
      toString: () => "Watchdog.close()",
    };
    return operation(source, (wait: Wait<void>) => {
      wait.park(source);
      gone.then(() => wait.settle());
    }, { optional: true });
  }

  /** Ends the watch, and resolves when the worker is gone. */
  release(): Promise<void> {
    if (this.#state === "starting" || this.#state === "watching") {
      this.#state = "ending";
      this.#clock.clearAlarm();
      this.#memory.stop();
      if (this.#worker === null) this.#ended();
      else {withScope(null, () => {
          this.#linger.setAlarm(this.#linger.now() + LINGER_MS, () => this.#ended());
        });}
    }
    return this.#gone.promise;
  }

  /** Ends the watch. */
  [Symbol.dispose](): void {
    this.release();
  }

  /** Ends the watch, and resolves when the worker is gone. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** Its name in reports. */
  toString(): string {
    return "watchdog";
  }

  /** Says what goes on from now on, and keeps a record if what went on until now was a block. */
  #turnTo(slot: number): void {
    if (!this.#memory.turnTo(slot) || this.#state !== "watching") return;
    if (this.#running !== null) this.#record(this.#running, "step");
    else if (this.#lastAway !== undefined) this.#record(this.#lastAway, "foreign await");
  }

  #record(task: Task, where: BlockReport["where"]): void {
    this.#log.add({
      task: task.name,
      spawnSite: this.#slots.siteOf(task),
      where,
      ms: this.#memory.blockedMs,
    });
  }

  /** The step of an async task ends during a step of another run, which goes on. */
  #overtaken(task: Task): Task | null {
    const place = this.#interrupted.lastIndexOf(task);
    if (place !== -1) this.#interrupted.splice(place, 1);
    return this.#running;
  }

  /** A task has left for a foreign `await`. */
  #left(task: Task): void {
    this.#away.delete(task); // so that it is the latest
    this.#away.add(task);
    this.#memory.away = this.#away.size;
    this.#memory.copySlot(this.#slots.of(task), AWAY_SLOT);
    if (this.#away.size === 1) this.#showLife();
  }

  /** A task is at a checkpoint again. If the loop was blocked until now, it was by this one. */
  #cameBack(task: Task): void {
    this.#away.delete(task);
    this.#away.add(task); // the latest: the one the record names
    this.#turnTo(NO_SLOT);
    this.#away.delete(task);
    this.#memory.away = this.#away.size;
  }

  /** The one that left last. */
  get #lastAway(): Task | undefined {
    return [...this.#away].at(-1);
  }

  /** Shows the worker, again and again while somebody is away, that the loop turns. */
  #showLife(): void {
    if (this.#state !== "watching") return;
    withScope(null, () => {
      this.#clock.setAlarm(this.#clock.now() + lookEvery(this.#threshold), () => {
        if (this.#running === null) this.#turnTo(NO_SLOT);
        for (const task of this.#away) if (!task.isAway) this.#away.delete(task);
        this.#memory.away = this.#away.size;
        const last = this.#lastAway;
        if (last === undefined) return;
        this.#slots.show(last, AWAY_SLOT);
        this.#showLife();
      });
    });
  }

  #ended(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#clock.clearAlarm();
    this.#linger.clearAlarm();
    this.#worker?.terminate(); // none, if it was released before it started
    letGo(this);
    this.#gone.resolve();
  }
}

/**
 * Starts a watchdog: an instrument for {@linkcode run}, with a worker that watches it.
 *
 * Starting takes some ten milliseconds, in which the thread stands still. Until it is closed, the
 * watchdog keeps the process alive. One that was made in a task is closed at the end of its run. The worker
 * needs read permission for this package's files where they are on disk, and no other.
 *
 * A step costs 60 ns more than with an instrument that does nothing, and 100 ns more than with none. A task
 * whose spawn site was noted (the first thousand of a run) costs some 100 µs once, to put that into words.
 *
 * @example A loop that does not let go
 * ```ts
 * import { run, spawn, watchdog } from "@weft/weft";
 * await using dog = await watchdog({ threshold: 20, linesPerMinute: 0 });
 * await run(async function* () {
 *   spawn(function* crunch() {
 *     const until = performance.now() + 200;
 *     while (performance.now() < until);
 *   });
 * }, { instruments: [dog] });
 * if (!dog.reports[0]?.task.startsWith("crunch")) throw new Error("not seen");
 * ```
 *
 * @param options Threshold, limit, callback.
 * @returns An operation that evaluates to the watchdog, once its worker watches.
 * @throws {RangeError} If the threshold is not above 0, or the limit not a whole number of at least 0.
 * @throws {Error} If the worker cannot be started.
 */
export function watchdog(options: WatchdogOptions = {}): Operation<Watchdog> {
  checkOptions(options, "watchdog()");
  checkOptionalFunction(options.onReport, "onReport");
  checkThreshold(options.threshold ?? 1);
  checkLines(options.linesPerMinute ?? 0);
  return operation("watchdog()", (wait: Wait<Watchdog>) => {
    const dog = new Watchdog(options);
    const { resources } = schedulerOf(wait.task);
    const source: WaitSource = {
      host: "bound",
      abandon: () => {
        dog.release();
        return true;
      },
      toString: () => "watchdog()",
    };
    resources.add(dog);
    wait.park(source);
    // In nobody's scope: the worker's messages are not part of the task that asked for it.
    withScope(null, () =>
      dog.start((error) => {
        if (error === undefined) return wait.settle(dog);
        resources.delete(dog);
        wait.fail(error);
      }));
  });
}

function checkThreshold(ms: number): number {
  if (typeof ms === "number" && ms > 0 && ms < Infinity) return ms;
  throw new RangeError(
    `Cannot use ${show(ms)} as a watchdog's threshold: it must be milliseconds, more than 0`,
  );
}

function checkLines(count: number): number {
  return checkWhole(count, "use", "as a watchdog's lines per minute", COUNT_OR_NONE);
}
