/**
 * The dining philosophers: each takes the fork at the left, thinks about it for a while, and then wants the
 * one at the right. At the end each holds one and waits for one, and weft says who waits for whom.
 */
import { DeadlockError, Lock, run, sleep, spawn } from "@weft/weft";
import { escape } from "../page.ts";
import { tell } from "./events.ts";
import { drawLanes, type Picture } from "./picture.ts";
import { RoundWatch } from "./task_lanes.ts";

const PHILOSOPHERS = ["Plato", "Socrates", "Hypatia", "Laozi", "Avicenna"] as const;
/** Between one philosopher's coming and the next one's. */
const COMING_MS = 250;
/** Between the first fork and the second. */
const HOLDING_MS = 1500;
const DRAW_MS = 200;

/** Runs the dinner to its deadlock. */
export async function runDinner(): Promise<void> {
  const watch = new RoundWatch(PHILOSOPHERS.length + 1, null);
  const draw = (): void => {
    const { rows, length } = watch.look();
    const lanes = { title: "Philosophers at dinner", unit: "ms", rows, from: 0, to: length };
    tell({ kind: "picture", name: "dinner", ...drawLanes(lanes) });
  };
  tell({ kind: "detail", text: "five philosophers, five forks: each takes the left one first" });
  const timer = setInterval(draw, DRAW_MS);
  try {
    await run(dinner, { instruments: watch.instruments, warn: () => {} });
    throw new Error("Nobody starved: the deadlock did not come");
  } catch (error) {
    if (!(error instanceof DeadlockError)) throw error;
    draw();
    tell({ kind: "picture", name: "circle", ...drawCircle(circleOf(error)) });
  } finally {
    clearInterval(timer);
  }
}

function* dinner() {
  const forks = PHILOSOPHERS.map((_, at) => new Lock(`fork ${at + 1}`));
  for (const [at, name] of PHILOSOPHERS.entries()) {
    const [left, right] = [forks[at]!, forks[(at + 1) % forks.length]!];
    spawn(function* () {
      yield* sleep(COMING_MS * at);
      using _left = yield* left.acquire();
      yield* sleep(HOLDING_MS);
      using _right = yield* right.acquire();
    }).name = name;
  }
}

/** The circle as the error says it: `A waits X held by B → B waits Y held by A`. */
function circleOf({ message }: DeadlockError): string {
  const circle = /^ *cycle: (.*)$/m.exec(message)?.[1];
  if (circle === undefined) throw new Error("The deadlock has no circle");
  return circle;
}

const WIDTH = 340;
const HEIGHT = 320;

/** Draws who waits for whom as a ring of arrows. */
function drawCircle(text: string): Picture {
  const links = text.split(" → ").map((link) => {
    const [, name = link, what = ""] = /^(.*?) waits (.*) held by .*$/.exec(link) ?? [];
    return { name, what };
  });
  const place = (at: number, radius: number) => {
    const angle = 2 * Math.PI * at / links.length - Math.PI / 2;
    return [
      (WIDTH / 2 + radius * Math.cos(angle)).toFixed(1),
      (HEIGHT / 2 + radius * 0.92 * Math.sin(angle)).toFixed(1),
    ] as const;
  };
  const parts = links.map(({ name, what }, at) => {
    const [x, y] = place(at, 125);
    const [fromX, fromY] = place(at + 0.3, 122);
    const [toX, toY] = place(at + 0.7, 122);
    const [midX, midY] = place(at + 0.5, 72);
    return `<path class="arrow" d="M${fromX} ${fromY}L${toX} ${toY}" marker-end="url(#tip)"/>` +
      `<ellipse class="node" cx="${x}" cy="${y}" rx="44" ry="18"/>` +
      `<text x="${x}" y="${y}" dy="5" text-anchor="middle">${escape(name)}</text>` +
      `<text x="${midX}" y="${midY}" dy="5" text-anchor="middle">${
        escape(what.replace(".acquire()", ""))
      }</text>`;
  });
  const tip =
    `<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" ` +
    `orient="auto"><path class="tip" d="M0 0L10 5L0 10z"/></marker></defs>`;
  return {
    svg: `<svg aria-hidden="true" width="${WIDTH}" height="${HEIGHT}">${tip}${
      parts.join("")
    }</svg>`,
    text,
  };
}
