/**
 * A timeline: what every task of a run did when, recorded by an instrument.
 *
 * Recording must cost little and stay bounded, drawing may take its time. So an event is four numbers
 * in a ring of typed arrays (when, what, who, and one detail), and nothing is worked out before
 * somebody asks: {@linkcode lanesOf} then plays the ring back into states. A ring that is full drops the
 * oldest events, and says how many.
 *
 * Time is the run's: virtual where its clock is virtual, else of `performance.now()`.
 *
 * Rejected: an object per event (forty times the memory, and the garbage shows up in the run that is
 * being looked at), and slices made while recording (a ring of slices forgets the longest waits first).
 */
import { type ActivityListener, ignoreActivity, listenToActivity } from "../kernel/activity.ts";
import { checkWhole, COUNT } from "../kernel/checks.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Instrument } from "../kernel/instrument.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import { WordTable } from "./word_table.ts";

/** What an event is. */
export const Kind = {
  spawned: 0,
  ready: 1,
  begin: 2,
  waits: 3,
  ends: 4,
  exited: 5,
  bytesIn: 6,
  bytesOut: 7,
  polled: 8,
  worked: 9,
} as const;

/** One event as it was recorded. */
export interface TimelineEvent {
  /** When, in milliseconds. */
  readonly at: number;
  /** One of {@linkcode Kind}. */
  readonly kind: number;
  /** The task's id; of a poll or a job, when it began. */
  readonly who: number;
  /** The id of who woke it, the number of a word, of bytes, of events. */
  readonly detail: number;
}

/** How much is recorded. */
export interface TimelineOptions {
  /** So many events are kept, the latest. One takes 24 bytes. @default {200000} */
  capacity?: number;
  /** Only every so manieth task is recorded. @default {1} */
  sample?: number;
}

/** What a timeline holds. */
export interface TimelineStatistics {
  /** Events kept. */
  readonly events: number;
  /** Events dropped, because the ring was full. */
  readonly dropped: number;
  /** Tasks seen, also those whose events were dropped. */
  readonly tasks: number;
  /** Tasks that were left out by sampling. */
  readonly leftOut: number;
  /** Tasks that are ready now. */
  readonly ready: number;
  /** Bytes that came in and went out meanwhile, in the whole process. */
  readonly bytesIn: number;
  /** Bytes that went out. */
  readonly bytesOut: number;
}

/**
 * Records a run: `run(main, { instruments: [timeline] })`. Then {@linkcode chromeTrace},
 * {@linkcode timelineSvg}, {@linkcode timelineHtml} and {@linkcode ganttChart} draw it, while the run
 * goes on or afterwards.
 *
 * It serves one run at a time. A step of a recorded task costs about half a microsecond more; what goes
 * on beside the tasks (bytes, polls, jobs of workers) is heard as long as tasks of the run live.
 *
 * @example Who did what when
 * ```ts
 * import { ganttChart, run, sleep, spawn, Timeline } from "@weft/weft";
 * const timeline = new Timeline();
 * await run(async function* () {
 *   spawn(async function* () {
 *     yield* sleep(5);
 *   }).name = "sleeper";
 * }, { instruments: [timeline] });
 * if (!ganttChart(timeline).includes("sleeper")) throw new Error("nobody slept");
 * ```
 */
export class Timeline implements Instrument {
  readonly #capacity: number;
  readonly #sample: number;
  readonly #at: Float64Array;
  readonly #who: Float64Array;
  readonly #detail: Float64Array;
  readonly #kind: Uint8Array;
  readonly #names = new Map<number, Task | string>();
  readonly #words = new WordTable();
  #written = 0;
  #clock: Clock | undefined;
  #live = 0;
  #ready = 0;
  #tasks = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  readonly #activity: ActivityListener = {
    moved: (direction, bytes) => this.#moved(direction, bytes),
    polled: (registry, began, ended, events) =>
      this.#aside(Kind.polled, began, ended, `${registry}\n${events} events`),
    worked: (worker, job, began, ended) =>
      this.#aside(Kind.worked, began, ended, `${worker}\n${job}`),
  };

  /**
   * An empty timeline.
   *
   * @param options How much is recorded.
   * @throws {RangeError} If an option is no whole number of at least 1.
   */
  constructor(options: TimelineOptions = {}) {
    const { capacity = 200_000, sample = 1 } = options;
    this.#capacity = checkWhole(capacity, "keep", "events", COUNT);
    this.#sample = checkWhole(sample, "record one of", "tasks", COUNT);
    this.#at = new Float64Array(capacity);
    this.#who = new Float64Array(capacity);
    this.#detail = new Float64Array(capacity);
    this.#kind = new Uint8Array(capacity);
  }

  /** What it holds. */
  statistics(): TimelineStatistics {
    return Object.freeze({
      events: Math.min(this.#written, this.#capacity),
      dropped: Math.max(0, this.#written - this.#capacity),
      tasks: this.#tasks,
      leftOut: this.#tasks - Math.ceil(this.#tasks / this.#sample),
      ready: this.#ready,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    });
  }

  /** The events that are kept, the oldest first. */
  *events(): Generator<TimelineEvent, void, undefined> {
    const end = this.#written;
    for (let n = Math.max(0, end - this.#capacity); n < end; n++) {
      const slot = n % this.#capacity;
      yield {
        at: this.#at[slot]!,
        kind: this.#kind[slot]!,
        who: this.#who[slot]!,
        detail: this.#detail[slot]!,
      };
    }
  }

  /** The name of a task by its id. */
  nameOf(id: number): string {
    const known = this.#names.get(id);
    return known === undefined ? `task#${id}` : typeof known === "string" ? known : known.name;
  }

  /** The word behind a detail. */
  word(number: number): string {
    return this.#words.get(number);
  }

  /** The time now, on the timeline's scale. */
  now(): number {
    return this.#clock?.exact === true ? this.#clock.now() : performance.now();
  }

  // -- What the scheduler tells --

  /** A task was made. */
  spawned(task: Task): void {
    if (this.#live++ === 0) this.#begin(task);
    this.#tasks++;
    if (this.#isLeftOut(task)) return;
    this.#names.set(task.id, task);
    this.#note(Kind.spawned, task.id, 0);
  }

  /** It became ready. */
  ready(task: Task, by: Task | undefined): void {
    this.#ready++;
    if (!this.#isLeftOut(task)) this.#note(Kind.ready, task.id, by?.id ?? 0);
  }

  /** A step begins. */
  stepBegin(task: Task): void {
    this.#ready--;
    if (!this.#isLeftOut(task)) this.#note(Kind.begin, task.id, 0);
  }

  /** A step is over. */
  stepEnd(task: Task): void {
    if (!this.#isLeftOut(task)) this.#note(Kind.ends, task.id, task.done ? 1 : 0);
  }

  /** It waits. */
  waiting(task: Task, on: string): void {
    if (!this.#isLeftOut(task)) this.#note(Kind.waits, task.id, this.#words.add(on));
  }

  /** It has ended. */
  exited(task: Task): void {
    if (!this.#isLeftOut(task)) {
      this.#names.set(task.id, task.name);
      this.#note(Kind.exited, task.id, 0);
    }
    if (--this.#live === 0) ignoreActivity(this.#activity);
  }

  // -- What goes on beside the tasks --

  #begin(task: Task): void {
    this.#clock = schedulerOf(task).clock;
    listenToActivity(this.#activity);
  }

  #moved(direction: "in" | "out", bytes: number): void {
    if (direction === "in") this.#note(Kind.bytesIn, 0, this.#bytesIn += bytes);
    else this.#note(Kind.bytesOut, 0, this.#bytesOut += bytes);
  }

  /** Something that took its time elsewhere; on a virtual clock it takes none. */
  #aside(kind: number, began: number, ended: number, what: string): void {
    const detail = this.#words.add(what);
    if (this.#clock?.exact === true) this.#write(this.now(), kind, this.now(), detail);
    else this.#write(ended, kind, began, detail);
  }

  #isLeftOut(task: Task): boolean {
    return this.#sample > 1 && (task.id - 1) % this.#sample !== 0;
  }

  #note(kind: number, who: number, detail: number): void {
    this.#write(this.now(), kind, who, detail);
  }

  #write(at: number, kind: number, who: number, detail: number): void {
    const slot = this.#written % this.#capacity;
    this.#at[slot] = at;
    this.#kind[slot] = kind;
    this.#who[slot] = who;
    this.#detail[slot] = detail;
    this.#written++;
    if (slot === this.#capacity - 1) this.#forgetNames();
  }

  /** Once per round of the ring: names of ended tasks that no kept event mentions go. */
  #forgetNames(): void {
    const kept = new Set<number>();
    for (const { kind, who } of this.events()) if (kind <= Kind.exited) kept.add(who);
    for (const [id, name] of this.#names) {
      if (typeof name === "string" && !kept.has(id)) this.#names.delete(id);
    }
  }
}
