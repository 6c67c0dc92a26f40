/**
 * A timeline as one HTML page that fetches nothing: zoom, search for a task, click for its waits.
 *
 * The data is inside as JSON and the picture is drawn from it; without script the page still has the
 * whole picture as SVG and the table. The script is one readable piece, not a library: it draws bars.
 */
import { lanesOf, type Playback } from "./lanes.ts";
import type { Timeline } from "./timeline.ts";
import { drawSvg, escapeXml, STATE_STYLE, summarize, timeInStates } from "./timeline_svg.ts";
import { PAGE_SCRIPT, PAGE_STYLE } from "./timeline_page.ts";

/** So many stays go into the page; beyond it the last ones of each task are left out. */
const MOST_STAYS = 60_000;

/**
 * Writes a timeline as a page: with a search field, a zoom, and the waits of the task that is clicked.
 * Readable on a phone and in print, dark where the screen is, usable by keyboard.
 *
 * @param timeline A recorded run.
 * @param title What it shows.
 * @returns The page, at most 5 MB.
 */
export function timelineHtml(timeline: Timeline, title: string = "Timeline of a run"): string {
  const playback = lanesOf(timeline);
  const shownTitle = escapeXml(title);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${shownTitle}</title><style>${PAGE_STYLE}${STATE_STYLE}</style></head>
<body><main>
<h1>${shownTitle}</h1>
<p>${escapeXml(summarize(playback))}.</p>
<form id="controls"><label>Find a task <input id="search" type="search" autocomplete="off"></label>
<label>Zoom <input id="zoom" type="range" min="0" max="10" step="0.5" value="0"></label>
<output id="found" role="status"></output></form>
<div id="picture" tabindex="0" aria-label="The timeline; scroll sideways when zoomed">
${drawSvg(playback, title)}</div>
<section aria-labelledby="waits-head"><h2 id="waits-head">Waits of a task</h2>
<p id="waits">Choose a task in the table to see what it waited for.</p></section>
<h2>Tasks</h2>
${tableOf(playback)}
<script type="application/json" id="data">${dataOf(playback)}</script>
<script>${PAGE_SCRIPT}</script>
</main></body></html>
`;
}

function tableOf({ lanes }: Playback): string {
  const rows = lanes.map(({ id, name, stays }) => {
    const { new: fresh, ready, running, waiting } = timeInStates(stays);
    const cells = [fresh, ready, running, waiting].map((ms) => `<td>${ms.toFixed(3)}</td>`);
    return `<tr data-id="${id}"><th scope="row"><button type="button">${
      escapeXml(name.slice(0, 120))
    }</button></th>${cells.join("")}</tr>`;
  });
  return `<div class="wide"><table><caption>Milliseconds in each state</caption>
<thead><tr><th scope="col">Task</th><th scope="col">new</th><th scope="col">ready</th><th scope="col">running</th><th scope="col">waiting</th></tr></thead>
<tbody>${rows.join("\n")}</tbody></table></div>`;
}

/** The waits of each task as JSON that no text in it can end. */
function dataOf({ lanes, from }: Playback): string {
  let room = MOST_STAYS;
  const waits = lanes.map(({ id, name, stays }) => ({
    id,
    name: name.slice(0, 120),
    waits: stays.filter((stay) => stay.state === "waiting" && room-- > 0)
      .map((
        stay,
      ) => [round(stay.from - from), round(stay.to - stay.from), (stay.on ?? "").slice(0, 80)]),
  }));
  return JSON.stringify(waits).replaceAll("<", "\\u003c");
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
