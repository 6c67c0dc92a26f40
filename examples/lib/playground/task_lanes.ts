/** What of a round of tasks is shown: lanes of some of them, and how many were ready. */
import { chromeTrace, type SchedulingPolicy, type Task, Timeline } from "@weft/weft";
import type { Instrument } from "@weft/weft/lowlevel";
import { type Level, MOST_ROWS, type Piece, type Row } from "./picture.ts";

/** Events kept of the tasks that are drawn. */
const CAPACITY = 6000;
/** How many steps of the ready queue's length are kept. */
const MOST_LEVELS = 4000;
/** Priorities that tasks are given in turn, where a policy asks for some. */
const PRIORITIES = 3;

/** A round of tasks as it can be sent to be drawn. */
export interface Round {
  readonly rows: readonly Row[];
  readonly ready: readonly Level[];
  readonly length: number;
}

/** Counts the tasks that are ready. */
class ReadyCount implements Instrument {
  readonly levels: Level[] = [];
  readonly #began = performance.now();
  #count = 0;

  ready(): void {
    this.#count++;
    this.#note();
  }

  stepBegin(): void {
    this.#count--;
    this.#note();
  }

  #note(): void {
    if (this.levels.length >= MOST_LEVELS) return;
    this.levels.push({ at: performance.now() - this.#began, value: this.#count });
  }
}

/** Watches one run of so many tasks. */
export class RoundWatch {
  readonly #began = performance.now();
  readonly #timeline: Timeline;
  readonly #ready = new ReadyCount();
  /** For the run's options. */
  readonly instruments: Instrument[];

  /** `policy`, if there is one, is told a priority for each task, 0 to 2 in turn. */
  constructor(tasks: number, policy: SchedulingPolicy | null) {
    const sample = Math.max(1, Math.ceil(tasks / MOST_ROWS));
    this.#timeline = new Timeline({ capacity: CAPACITY, sample });
    let spawned = 0;
    const declaring: Instrument = {
      spawned: (task: Task) => policy?.declare(task, { priority: spawned++ % PRIORITIES }),
    };
    this.instruments = [declaring, this.#timeline, this.#ready];
  }

  /** What was seen so far. */
  look(): Round {
    const names = new Map<number, string>();
    const pieces = new Map<number, Piece[]>();
    for (
      const { ph, cat, pid, tid, ts, dur = 0, name, args } of chromeTrace(this.#timeline)
        .traceEvents
    ) {
      if (pid !== 1) continue;
      if (ph === "M" && name === "thread_name") names.set(tid, String(args?.name));
      if (ph !== "X" || cat !== "state") continue;
      const own = pieces.get(tid) ?? [];
      own.push({ state: name as Piece["state"], from: ts / 1000, to: (ts + dur) / 1000 });
      pieces.set(tid, own);
    }
    return {
      rows: [...pieces].map(([tid, own]) => ({
        name: names.get(tid) ?? `task#${tid}`,
        pieces: own,
      })),
      ready: this.#ready.levels.slice(),
      length: performance.now() - this.#began,
    };
  }
}
