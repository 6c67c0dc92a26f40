/** A timeline as an SVG picture: no script, names as text, a text alternative. */
import { printable } from "../kernel/printable.ts";
import { type Lane, lanesOf, type LaneState, type Playback, type Stay } from "./lanes.ts";
import type { Timeline } from "./timeline.ts";

const ROW = 20;
const LEFT = 170;
const WIDTH = 1000;
const TOP = 46;
/** Pieces narrower than this are drawn together. */
const LEAST = 0.2;
/** So many tasks and pieces are drawn, so that a browser still opens it. */
const MOST_LANES = 400;
const MOST_PIECES = 12_000;

/** Height and place of a state within its row: it can be told without colour. */
const SHAPES: Record<LaneState, { y: number; height: number; label: string }> = {
  new: { y: 7, height: 4, label: "new" },
  ready: { y: 5, height: 8, label: "ready" },
  running: { y: 2, height: 14, label: "running" },
  waiting: { y: 8, height: 2, label: "waiting" },
};

/**
 * The colours of the states, on light and on dark ground, as CSS for `.new .ready .running .waiting`.
 * Text has a contrast of at least 4.5 to the ground.
 */
export const STATE_STYLE: string = `
.ground{fill:#fff}.word{fill:#1b1f24;font:15px system-ui,sans-serif}.rule{stroke:#d0d7de}
.new{fill:#8250df}.ready{fill:#bf8700}.running{fill:#1a7f37}.waiting{fill:#57606a}
@media screen and (prefers-color-scheme:dark){.ground{fill:#0d1117}.word{fill:#e6edf3}.rule{stroke:#30363d}
.new{fill:#bc8cff}.ready{fill:#d4a72c}.running{fill:#3fb950}.waiting{fill:#8b949e}}`;

/** Text for XML, without what no XML may hold: what is fit to be shown, and not U+FFFE and U+FFFF. */
export function escapeXml(text: string): string {
  return printable(text, Infinity).replaceAll(/[\ufffe\uffff]/g, "?")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/**
 * Draws a timeline as SVG: a row for each task, a bar for each state, tall for running and thin for
 * waiting. Dark on a dark screen.
 *
 * @param timeline A recorded run.
 * @param title What it shows.
 * @returns The picture, at most 2 MB: very many tasks or pieces are left out, and it says so.
 */
export function timelineSvg(timeline: Timeline, title: string = "Timeline of a run"): string {
  return drawSvg(lanesOf(timeline), title);
}

/** Draws what was played back. */
export function drawSvg(playback: Playback, title: string): string {
  const { lanes, from, to, dropped } = playback;
  const shown = lanes.slice(0, MOST_LANES);
  const scale = (WIDTH - LEFT - 10) / Math.max(to - from, 1e-9);
  const x = (at: number): number => LEFT + (at - from) * scale;
  const room = { pieces: MOST_PIECES };
  const rows = shown.map((lane, at) => rowOf(lane, TOP + at * ROW, x, room)).join("");
  const notes = [
    lanes.length > shown.length ? `${lanes.length - shown.length} more tasks` : "",
    room.pieces <= 0 ? "pieces beyond the first twelve thousand left out" : "",
    dropped > 0 ? `${dropped} earlier events dropped` : "",
  ].filter((note) => note !== "").join("; ");
  const height = TOP + shown.length * ROW + 30;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title desc">
<title id="title">${escapeXml(title)}</title><desc id="desc">${escapeXml(describe(playback))}</desc>
<style>${STATE_STYLE}</style><rect class="ground" width="${WIDTH}" height="${height}"/>
${legend()}${rows}
<text class="word" x="${LEFT}" y="${height - 10}">0</text>
<text class="word" x="${WIDTH - 10}" y="${height - 10}" text-anchor="end">${
    (to - from).toFixed(3)
  } ms</text><text class="word" x="${LEFT + 60}" y="${height - 10}">${escapeXml(notes)}</text></svg>
`;
}

/** How much a timeline shows, in words. */
export function summarize({ lanes, from, to, dropped }: Playback): string {
  const note = dropped > 0 ? `, after ${dropped} events that were dropped` : "";
  return `${lanes.length} tasks in ${(to - from).toFixed(3)} ms${note}`;
}

/** What it shows, in words: how long each of the first tasks was in each state. */
export function describe(playback: Playback): string {
  const { lanes } = playback;
  const first = lanes.slice(0, 20).map(({ name, stays }) => {
    const sums = Object.entries(timeInStates(stays))
      .map(([state, ms]) => `${ms.toFixed(3)} ms ${state}`);
    return `${name.slice(0, 60)}: ${sums.join(", ")}`;
  });
  const more = lanes.length > 20 ? `; and ${lanes.length - 20} more` : "";
  return `${summarize(playback)}. ${first.join("; ")}${more}.`;
}

/** How long it was in each state, in milliseconds. */
export function timeInStates(stays: readonly Stay[]): Record<LaneState, number> {
  const sums = { new: 0, ready: 0, running: 0, waiting: 0 };
  for (const { state, from, to } of stays) sums[state] += to - from;
  return sums;
}

function rowOf(lane: Lane, y: number, x: (at: number) => number, room: { pieces: number }): string {
  const pieces: string[] = [];
  for (const { state, from, to } of merged(lane.stays, x)) {
    if (room.pieces-- <= 0) break;
    const { y: inset, height } = SHAPES[state];
    const width = Math.max(x(to) - x(from), LEAST);
    pieces.push(
      `<rect class="${state}" x="${x(from).toFixed(2)}" y="${y + inset}" width="${
        width.toFixed(2)
      }" height="${height}"/>`,
    );
  }
  const name = escapeXml(lane.name.length > 19 ? `${lane.name.slice(0, 18)}…` : lane.name);
  return `<text class="word" x="4" y="${y + 14}">${name}</text><path class="rule" d="M${LEFT} ${
    y + ROW - 1
  }H${WIDTH - 10}"/>${pieces.join("")}\n`;
}

/** Pieces that would be too narrow to see, joined: running shows through. */
function* merged(stays: readonly Stay[], x: (at: number) => number): Generator<Stay> {
  let held: Stay | undefined;
  for (const stay of stays) {
    if (held !== undefined && x(stay.to) - x(held.from) < LEAST) {
      held = { ...(stay.state === "running" ? stay : held), from: held.from, to: stay.to };
      continue;
    }
    if (held !== undefined) yield held;
    held = stay;
  }
  if (held !== undefined) yield held;
}

function legend(): string {
  return Object.entries(SHAPES).map(([state, { y, height, label }], at) => {
    const left = LEFT + at * 110;
    return `<rect class="${state}" x="${left}" y="${14 + y}" width="24" height="${height}"/>` +
      `<text class="word" x="${left + 30}" y="26">${label}</text>`;
  }).join("") + "\n";
}
