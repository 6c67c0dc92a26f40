/** What a comparison has to show at any moment: lanes, the ready queue, curves. */
import type { EngineName, Workload } from "../throughput/plan.ts";
import type { Moment } from "./curves.ts";
import { drawLanes, drawLevels, type Level, type Piece } from "./picture.ts";
import type { CellLine } from "./cell_child.ts";
import { tell } from "./events.ts";
import type { Round } from "./task_lanes.ts";

/** How often the pictures are drawn anew. */
const DRAW_MS = 250;
/** Most moments of one curve: then every second one goes. */
const MOST_MOMENTS = 400;

/** The engine that is at work. */
interface Current {
  readonly engine: EngineName;
  readonly began: number;
  busyMs: number;
  round: Round | null;
  readonly left: Level[];
}

/** Draws a comparison while it goes on. */
export class Show implements Disposable {
  readonly #began = performance.now();
  readonly #workload: Workload;
  readonly #tasks: number;
  readonly #turns = new Map<EngineName, { from: number; to: number | null }>();
  readonly #engines: readonly EngineName[];
  readonly #curves = new Map<EngineName, Moment[]>();
  readonly #timer = setInterval(() => this.draw(), DRAW_MS);
  #drawCurves: typeof import("./curves.ts").drawCurves | null = null;
  #current: Current | null = null;

  /** Begins to draw. */
  constructor(workload: Workload, engines: readonly EngineName[], tasks: number) {
    this.#workload = workload;
    this.#engines = engines;
    this.#tasks = tasks;
    this.draw();
    // Loaded only now: the first pictures do not wait for it.
    void import("./curves.ts").then(({ drawCurves }) => this.#drawCurves = drawCurves);
  }

  /** An engine has its turn. */
  begin(engine: EngineName): void {
    this.#turns.set(engine, { from: this.#now(), to: null });
    this.#current = {
      engine,
      began: performance.now(),
      busyMs: 0,
      round: null,
      left: [{ at: 0, value: this.#tasks }],
    };
    this.draw();
  }

  /** It has done some tasks. */
  take(line: CellLine): void {
    const current = this.#current;
    if (current === null || line.kind === "end") return;
    current.busyMs += line.ms;
    current.round = line.round ?? current.round;
    current.left.push({
      at: performance.now() - current.began,
      value: this.#tasks - 1 - (line.done - 1) % this.#tasks,
    });
    const curve = this.#curves.get(current.engine) ?? [];
    curve.push([current.busyMs / 1000, line.ops / Math.max(line.ms, 0.001) * 1000]);
    this.#curves.set(
      current.engine,
      curve.length < MOST_MOMENTS ? curve : curve.filter((_, at) => at % 2 === 1),
    );
  }

  /** Its turn is over. */
  end(): void {
    const turn = this.#turns.get(this.#current!.engine)!;
    turn.to = this.#now();
    this.draw();
  }

  /** Sends the pictures as they are now. */
  draw(): void {
    const round = this.#current?.round ?? null;
    if (round === null) this.#drawTurns();
    else this.#drawRound(this.#current!.engine, round);
    if (this.#drawCurves !== null && this.#curves.size > 0) {
      tell({ kind: "picture", name: "curves", ...this.#drawCurves(this.#curves) });
    }
  }

  /** Draws no more. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #now(): number {
    return (performance.now() - this.#began) / 1000;
  }

  #drawRound(engine: EngineName, { rows, ready, length }: Round): void {
    const title = `Tasks of ${engine}, the latest round`;
    const lanes = { title, unit: "ms", rows, from: 0, to: length };
    tell({ kind: "picture", name: "lanes", ...drawLanes(lanes) });
    tell({
      kind: "picture",
      name: "ready",
      ...drawLevels(`Ready queue of ${engine}, the latest round`, ready, length),
    });
  }

  /** Engines without tasks of weft's have no lanes: what can be seen is whose turn it is. */
  #drawTurns(): void {
    const now = this.#now();
    const rows = this.#engines.map((name) => {
      const turn = this.#turns.get(name);
      const pieces: Piece[] = [{ state: "ready", from: 0, to: turn?.from ?? now }];
      if (turn !== undefined) {
        pieces.push({ state: "running", from: turn.from, to: turn.to ?? now });
      }
      return { name, pieces };
    });
    const title = `Engines in turn, ${this.#workload}`;
    tell({
      kind: "picture",
      name: "lanes",
      ...drawLanes({ title, unit: "s", rows, from: 0, to: now }),
    });
    const current = this.#current;
    const levels = current?.left ?? [{ at: 0, value: this.#tasks }];
    const began = current?.began ?? this.#began;
    const who = current === null ? "the first engine" : current.engine;
    tell({
      kind: "picture",
      name: "ready",
      ...drawLevels(`Tasks not begun by ${who}`, levels, performance.now() - began),
    });
  }
}
