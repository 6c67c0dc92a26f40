/**
 * What a job reports on its way, as its caller reads it.
 *
 * A job is never held up by a reader, who may be slow or not there at all; so what is held is bounded,
 * and the oldest go first: of a progress, the latest says most. Hardly any job reports anything, and there
 * may be a hundred thousand of them, so what it takes is kept beside the job, not in it.
 */
import { Deque } from "../../internal/deque.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";

/** So many reports that nobody has read are held. */
const HELD = 64;

/**
 * The reports of one job, in their order: what it gave to `progress`.
 *
 * - A stream begins with the latest report that came before it, if any did, and ends when the future
 *   settles, in whatever way: what was held is read first. It never throws what the job threw.
 * - Up to 64 reports that were not read are held. The job is not held up: of more, the oldest are dropped
 *   and counted in {@linkcode missed}.
 * - A cancelled `next` has taken nothing. Several tasks may read one stream: each report goes to one of
 *   them, first come first served. Several streams of a future each get every report.
 *
 * @typeParam P What is reported.
 */
export interface ProgressStream<P> extends AsyncIterable<P, undefined>, Disposable {
  /** Waits for the next report; `{ done: true }` after the last. */
  next(): Operation<IteratorResult<P, undefined>>;
  /** How many reports were dropped because they were not read in time. */
  readonly missed: number;
  /** For `for await`; leaving the loop ends the stream. The job goes on. */
  [Symbol.asyncIterator](): AsyncIterator<P, undefined>;
  /** Ends the stream: nothing more is held for it, and those who wait see the end. The job goes on. */
  [Symbol.dispose](): void;
  /** As in `progress of fib(…)`. */
  toString(): string;
}

type Step = IteratorResult<unknown, undefined>;

const end: Step = Object.freeze({ done: true, value: undefined });

/** One reader's side. */
class ProgressRun implements ProgressStream<unknown> {
  readonly #name: string;
  readonly #waits: WaitQueue<Step> = new WaitQueue<Step>(this, "next", "bound");
  readonly #held = new Deque<unknown>();
  #missed = 0;
  #isOver = false;

  constructor(name: string) {
    this.#name = name;
  }

  get missed(): number {
    return this.#missed;
  }

  next(): Operation<Step> {
    return operation(this.#waits, (wait: Wait<Step>) => {
      if (this.#held.size > 0) wait.settle({ done: false, value: this.#held.shift() });
      else if (this.#isOver) wait.settle(end);
      else this.#waits.park(wait);
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    return {
      next: () => new Promise((resolve, reject) => void this.next().then(resolve, reject)),
      return: () => {
        this[Symbol.dispose]();
        return Promise.resolve(end);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#held.clear();
    this.end();
  }

  toString(): string {
    return `progress of ${this.#name}`;
  }

  /** Whether nothing more will be held. */
  get over(): boolean {
    return this.#isOver;
  }

  /** Something was reported. */
  put(value: unknown): void {
    if (this.#isOver) return;
    const wait = this.#waits.shift();
    if (wait !== null) return wait.settle({ done: false, value });
    if (this.#held.size === HELD) {
      this.#held.shift();
      this.#missed++;
    }
    this.#held.push(value);
  }

  /** Nothing more will come. */
  end(): void {
    this.#isOver = true;
    this.#waits.wakeAll(end);
  }
}

/** What a feed needs of a job. */
interface Reporting {
  readonly done: boolean;
  watch(fn: () => void): void;
}

/** Who hears of reports. */
interface Reader {
  /** Whether it wants no more. */
  readonly over: boolean;
  /** Hears of one. */
  put(value: unknown): void;
}

/** The reports of one job, and those who read them. */
interface Feed {
  latest: { readonly value: unknown } | null;
  readers: Reader[];
}

const feeds = new WeakMap<object, Feed>();

function feedOf(job: object): Feed {
  let feed = feeds.get(job);
  if (feed === undefined) feeds.set(job, feed = { latest: null, readers: [] });
  return feed;
}

/** Takes a report of a job in. One that comes after its future has settled counts no more. */
export function report(job: Reporting, value: unknown): void {
  if (job.done) return;
  const feed = feedOf(job);
  feed.latest = { value };
  feed.readers = feed.readers.filter((reader) => !reader.over);
  for (const reader of feed.readers) reader.put(value);
}

/** Begins to read what a job reports. */
export function progressOf(job: Reporting): ProgressStream<unknown> {
  const feed = feedOf(job);
  const reader = new ProgressRun(String(job));
  if (feed.latest !== null) reader.put(feed.latest.value);
  feed.readers.push(reader);
  job.watch(() => reader.end());
  return reader;
}

/** Calls `fn` with each report of a future, as it comes: for who hands it on. It must not throw. */
export function onReport(future: object, fn: (value: unknown) => void): void {
  feedOf(future).readers.push({ over: false, put: fn });
}
