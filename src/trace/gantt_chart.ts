/** A timeline as a Gantt chart for the terminal. */
import { checkOptions, checkWhole, COUNT, COUNT_OR_NONE } from "../kernel/checks.ts";
import { printable } from "../kernel/printable.ts";
import { lanesOf, type LaneState, type Stay } from "./lanes.ts";
import type { Timeline } from "./timeline.ts";

/** How the chart is drawn. */
export interface GanttOptions {
  /** Columns in all. @default {100} */
  width?: number;
  /** Tasks that get a row; the others are counted. @default {40} */
  rows?: number;
}

/** What a column shows, and which state wins where several fall into one: the rarer the stronger. */
const SIGNS: readonly (readonly [LaneState, string])[] = [
  ["waiting", "·"],
  ["new", "n"],
  ["ready", "░"],
  ["running", "█"],
];

/** Columns of a name. */
const NAME = 18;

/**
 * Draws a timeline with a row for each task: `█` running, `░` ready, `·` waiting, `n` new.
 *
 * A column shows the most active state that falls into it, so that a step of a microsecond is seen.
 *
 * @param timeline A recorded run.
 * @param options Width and rows.
 * @returns Lines of at most `width` columns, for names of one column a character.
 */
export function ganttChart(timeline: Timeline, options: GanttOptions = {}): string {
  const { width = 100, rows = 40 } = checkOptions(options, "ganttChart()");
  checkWhole(width, "draw", "columns", COUNT);
  checkWhole(rows, "draw", "rows", COUNT_OR_NONE);
  const { lanes, dropped, from, to } = lanesOf(timeline);
  const columns = Math.max(10, width - NAME - 1);
  const column = (at: number): number =>
    to === from ? 0 : Math.min(columns - 1, Math.floor((at - from) / (to - from) * columns));
  const lines = lanes.slice(0, rows).map(({ name, stays }) =>
    `${printable(name, NAME).padEnd(NAME)} ${rowOf(stays, columns, column)}`.trimEnd()
  );
  if (lanes.length > rows) lines.push(`… and ${lanes.length - rows} more tasks`);
  const length = `${(to - from).toFixed(3)} ms`;
  lines.push(`${"".padEnd(NAME)} 0${length.padStart(columns - 1)}`);
  lines.push(`${"".padEnd(NAME)} ${SIGNS.map(([state, sign]) => `${sign} ${state}`).join("   ")}`);
  if (dropped > 0) lines.push(`${dropped} earlier events were dropped`);
  return lines.join("\n");
}

function rowOf(stays: readonly Stay[], columns: number, column: (at: number) => number): string {
  const row = new Int8Array(columns).fill(-1);
  for (const { state, from, to } of stays) {
    const rank = SIGNS.findIndex(([name]) => name === state);
    for (let at = column(from); at <= column(to); at++) row[at] = Math.max(row[at]!, rank);
  }
  return Array.from(row, (rank) => SIGNS[rank]?.[1] ?? " ").join("");
}
