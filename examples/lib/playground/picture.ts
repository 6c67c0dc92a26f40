/**
 * The pictures of the playground, as SVG that fits any width: places are percentages and text has its
 * size in pixels, so nothing is ever scaled down to be unreadable. A state has a height of its own, so
 * colour is not the only carrier.
 */
import { escape } from "../page.ts";

/** A picture, and what it shows in words. */
export interface Picture {
  readonly svg: string;
  readonly text: string;
}

/** A stretch of time in some state. */
export interface Piece {
  readonly state: "new" | "ready" | "running" | "waiting";
  readonly from: number;
  readonly to: number;
}

/** A row of a picture. */
export interface Row {
  readonly name: string;
  readonly pieces: readonly Piece[];
}

/** Rows on one time axis. */
export interface Lanes {
  readonly title: string;
  readonly unit: string;
  readonly rows: readonly Row[];
  readonly from: number;
  readonly to: number;
}

/** So many rows are drawn. */
export const MOST_ROWS = 24;
const ROW = 20;
const LEGEND = 24;
const AXIS = 20;
/** Pieces narrower than this, in per cent, are drawn together. */
const LEAST = 0.25;
/** Longest name that is drawn, in characters. */
const NAME = 13;
/** Where the bars begin and how wide they are, in per cent. */
const LEFT = 28;
const WIDE = 71;

const SHAPES = {
  running: { y: 2, height: 15 },
  ready: { y: 5, height: 9 },
  new: { y: 8, height: 4 },
  waiting: { y: 9, height: 2 },
} as const;

/** A name on one line, of at most so many characters. */
export function oneLine(name: string, most: number = NAME): string {
  const plain = [...name.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "·")];
  return plain.length > most ? `${plain.slice(0, most - 1).join("")}…` : plain.join("");
}

/** A number with three figures at most behind the point. */
function amount(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)));
}

/** Pieces too narrow to be seen, joined: running shows through. */
function* joined(pieces: readonly Piece[], least: number): Generator<Piece> {
  let held: Piece | undefined;
  for (const piece of pieces) {
    if (held !== undefined && piece.to - held.from < least) {
      const state = piece.state === "running" ? piece.state : held.state;
      held = { state, from: held.from, to: piece.to };
      continue;
    }
    if (held !== undefined) yield held;
    held = piece;
  }
  if (held !== undefined) yield held;
}

/** Draws rows of states. */
export function drawLanes(lanes: Lanes): Picture {
  const { title, unit, from } = lanes;
  const rows = lanes.rows.slice(0, MOST_ROWS);
  const length = Math.max(lanes.to - from, 1e-9);
  const per = (time: number): number => Math.min(100, Math.max(0, (time - from) / length * 100));
  const names = rows.map(({ name }, at) =>
    `<text x="0" y="${LEGEND + at * ROW + 14}">${escape(oneLine(name))}</text>`
  );
  const bars = rows.flatMap(({ pieces }, at) =>
    [...joined(pieces, length * LEAST / 100)].map(({ state, from: begin, to: end }) => {
      const { y, height } = SHAPES[state];
      const width = Math.max(per(end) - per(begin), LEAST);
      return `<rect class="${state}" x="${Math.min(per(begin), 100 - LEAST).toFixed(2)}%" width="${
        width.toFixed(2)
      }%" y="${LEGEND + at * ROW + y}" height="${height}"/>`;
    })
  );
  const used = new Set(rows.flatMap(({ pieces }) => pieces.map(({ state }) => state)));
  const legend = (Object.keys(SHAPES) as Piece["state"][]).filter((state) => used.has(state)).map(
    (state, at) =>
      `<rect class="${state}" x="${at * 25}%" width="14" y="${SHAPES[state].y}" height="${
        SHAPES[state].height
      }"/><text x="${at * 25}%" dx="18" y="14">${state}</text>`,
  );
  const height = LEGEND + rows.length * ROW + AXIS;
  const svg = `<svg aria-hidden="true" width="100%" height="${height}">${legend.join("")}${
    names.join("")
  }<svg class="bars" data-top="${LEGEND}" x="${LEFT}%" width="${WIDE}%" height="${height}">${
    bars.join("")
  }</svg><text x="${LEFT}%" y="${height - 4}">${amount(from)}</text><text x="99%" y="${
    height - 4
  }" text-anchor="end">${amount(lanes.to)} ${unit}</text></svg>`;
  const more = lanes.rows.length > rows.length
    ? `; and ${lanes.rows.length - rows.length} more`
    : "";
  const words = rows.map(({ name, pieces }) => `${oneLine(name, 60)} ${inWords(pieces, unit)}`);
  return {
    svg,
    text: `${title}, ${amount(from)} to ${amount(lanes.to)} ${unit}: ${words.join("; ")}${more}`,
  };
}

function inWords(pieces: readonly Piece[], unit: string): string {
  const sums = new Map<string, number>();
  for (const { state, from, to } of pieces) sums.set(state, (sums.get(state) ?? 0) + to - from);
  return [...sums].map(([state, sum]) => `${state} ${amount(sum)} ${unit}`).join(", ") ||
    "nothing yet";
}

/** A value from some moment on. */
export interface Level {
  readonly at: number;
  readonly value: number;
}

const COLUMNS = 60;
const HIGH = 90;

/** Draws how a number went up and down, as columns: the most in each stretch of time. */
export function drawLevels(title: string, levels: readonly Level[], to: number): Picture {
  const from = levels[0]?.at ?? 0;
  const length = Math.max(to - from, 1e-9);
  const tops = new Array<number>(COLUMNS).fill(0);
  levels.forEach(({ at, value }, n) => {
    const end = levels[n + 1]?.at ?? to;
    const first = Math.min(COLUMNS - 1, Math.floor((at - from) / length * COLUMNS));
    const last = Math.min(COLUMNS - 1, Math.floor((end - from) / length * COLUMNS));
    for (let i = first; i <= last; i++) tops[i] = Math.max(tops[i]!, value);
  });
  const most = Math.max(0, ...tops);
  const columns = tops.map((top, i) => {
    const height = most === 0 ? 0 : Math.max(top > 0 ? 1 : 0, top / most * HIGH);
    return `<rect class="ready" x="${(i * 100 / COLUMNS).toFixed(2)}%" width="${
      (100 / COLUMNS - 0.2).toFixed(2)
    }%" y="${(HIGH + 4 - height).toFixed(1)}" height="${height.toFixed(1)}"/>`;
  });
  const now = levels.at(-1)?.value ?? 0;
  const height = HIGH + AXIS + 6;
  const svg =
    `<svg aria-hidden="true" width="100%" height="${height}"><text x="0" y="14">most ${most}</text><text x="0" y="32">now ${now}</text><svg class="bars" x="${LEFT}%" width="${WIDE}%" height="${height}">${
      columns.join("")
    }</svg><text x="${LEFT}%" y="${height - 4}">${amount(from)}</text><text x="99%" y="${
      height - 4
    }" text-anchor="end">${amount(to)} ms</text></svg>`;
  return {
    svg,
    text: `${title}, ${amount(from)} to ${amount(to)} ms: at most ${most}, now ${now}`,
  };
}
