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
import {
  type ActivityListener,
  ignoreActivity,
  type Instrument,
  listenToActivity,
} from "../kernel/instrument.ts";
import { checkOptions, checkWhole, COUNT } from "../kernel/checks.ts";
import { printable } from "../kernel/printable.ts";
import { type Scheduler, schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { WaitSource } from "../kernel/wait.ts";

/** Levels of bytes are noted at most this often, in milliseconds. */
const BYTES_MS = 0.5;

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
  #scheduler: Scheduler | undefined;
  /** The scheduler's count of pauses at the step before. */
  #pauses = -1;
  #live = 0;
  #ready = 0;
  #tasks = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  /** When the levels of bytes were last noted. */
  #bytesAt = -Infinity;
  /** The time of the latest event. */
  #lastAt = 0;
  readonly #sources = new WeakMap<WaitSource, number>();
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
    const { capacity = 200_000, sample = 1 } = checkOptions(options, "Timeline");
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
    const clock = this.#scheduler?.clock;
    return clock?.exact === true ? clock.now() : performance.now();
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
    if (this.#isLeftOut(task)) return;
    // One that cedes is ready when its step is over, and that is told next.
    if (by === task) this.#write(this.#lastAt, Kind.ready, task.id, task.id);
    else this.#note(Kind.ready, task.id, by?.id ?? 0);
  }

  /** A step begins. */
  stepBegin(task: Task): void {
    this.#ready--;
    if (this.#isLeftOut(task)) return;
    // To read the clock costs as much as all the rest, and one step follows another at once.
    const { pauses } = this.#scheduler!;
    const at = pauses === this.#pauses ? this.#lastAt : this.now();
    this.#pauses = pauses;
    this.#write(at, Kind.begin, task.id, 0);
  }

  /** A step is over. */
  stepEnd(task: Task): void {
    if (!this.#isLeftOut(task)) this.#note(Kind.ends, task.id, task.done ? 1 : 0);
  }

  /** It waits; what on is named once for each source. */
  parked(task: Task, source: WaitSource): void {
    if (this.#isLeftOut(task)) return;
    let word = this.#sources.get(source);
    if (word === undefined) {
      word = this.#words.add(printable(source));
      this.#sources.set(source, word);
    }
    this.#write(this.#lastAt, Kind.waits, task.id, word);
  }

  /** It has ended. */
  exited(task: Task): void {
    if (!this.#isLeftOut(task)) {
      this.#names.set(task.id, task.name);
      this.#note(Kind.exited, task.id, 0);
    }
    if (--this.#live > 0) return;
    ignoreActivity(this.#activity);
    this.#noteBytes(this.now());
  }

  // -- What goes on beside the tasks --

  #begin(task: Task): void {
    this.#scheduler = schedulerOf(task);
    listenToActivity(this.#activity);
  }

  /** Only counts: a level each half millisecond draws the same curve. */
  #moved(direction: "in" | "out", bytes: number): void {
    if (direction === "in") this.#bytesIn += bytes;
    else this.#bytesOut += bytes;
    if (this.#lastAt - this.#bytesAt >= BYTES_MS) this.#noteBytes(this.#lastAt);
  }

  #noteBytes(at: number): void {
    this.#bytesAt = at;
    this.#write(at, Kind.bytesIn, 0, this.#bytesIn);
    this.#write(at, Kind.bytesOut, 0, this.#bytesOut);
  }

  /** Something that took its time elsewhere; on a virtual clock it takes none. */
  #aside(kind: number, began: number, ended: number, what: string): void {
    const detail = this.#words.add(what);
    if (this.#scheduler?.clock.exact === true) this.#write(this.now(), kind, this.now(), detail);
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
    this.#lastAt = at;
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

/** So many different words are told apart; what comes after is one word. */
const MOST = 20_000;
/** And so many characters of each. */
const LONGEST = 200;

/** Gives each word a number. */
class WordTable {
  readonly #numbers = new Map<string, number>();
  readonly #words: string[] = ["…"];

  /** The number of a word; the same for the same word. */
  add(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    if (this.#words.length > MOST) return 0;
    const number = this.#words.push(word.length > LONGEST ? `${word.slice(0, LONGEST)}…` : word) -
      1;
    this.#numbers.set(word.length > LONGEST ? word.slice(0, LONGEST) : word, number);
    return number;
  }

  /** The word of a number. */
  get(number: number): string {
    return this.#words[number] ?? "…";
  }
}
