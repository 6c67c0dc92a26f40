/**
 * A timeline as one HTML page that fetches nothing: zoom, search for a task, click for its waits.
 *
 * The data is inside as JSON and the picture is drawn from it; without script the page still has the
 * whole picture as SVG and the table. The script is one readable piece, not a library: it draws bars.
 */
import { lanesOf, type Playback } from "./lanes.ts";
import type { Timeline } from "./timeline.ts";
import { drawSvg, escapeXml, STATE_STYLE, summarize, timeInStates } from "./timeline_svg.ts";

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
<link rel="icon" href="data:,">
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

/** The page's own colours and layout; the picture brings those of the states. */
export const PAGE_STYLE: string = `
:root{color-scheme:light dark;--ground:#fff;--word:#1b1f24;--rule:#d0d7de;--mark:#0550ae}
@media screen and (prefers-color-scheme:dark){:root{--ground:#0d1117;--word:#e6edf3;--rule:#30363d;--mark:#79c0ff}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--word);font:16px/1.5 system-ui,sans-serif}
main{max-width:75rem;margin:0 auto;padding:1rem}h1{font-size:1.5rem}h2{font-size:1.2rem}
#controls{display:flex;flex-wrap:wrap;gap:1rem;align-items:center}input,button{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--word);border-radius:4px;padding:.2rem .5rem;max-width:100%}
:focus-visible{outline:3px solid var(--mark);outline-offset:1px}
#picture{overflow-x:auto;border:1px solid var(--rule)}#picture svg{display:block;min-width:720px;width:100%}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;padding:.3rem 0}
th,td{border-bottom:1px solid var(--rule);padding:.2rem .5rem;text-align:right;font-variant-numeric:tabular-nums}
th:first-child{text-align:left;min-width:7rem}th button{border:0;padding:0;text-align:left;text-decoration:underline;color:var(--mark);overflow-wrap:anywhere}
tr.found{outline:2px solid var(--mark)}
@media print{:root{color-scheme:light}#controls{display:none}}`;

/** Zoom, search, and the waits of a task. */
const PAGE_SCRIPT: string = `
const lanes = JSON.parse(document.getElementById("data").textContent);
const byId = new Map(lanes.map((lane) => [String(lane.id), lane]));
const rows = [...document.querySelectorAll("tbody tr")];
const svg = document.querySelector("#picture svg");
const waits = document.getElementById("waits");
const found = document.getElementById("found");
document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("zoom").addEventListener("input", (event) => {
  svg.style.width = 100 * 2 ** Number(event.target.value) + "%";
});
document.getElementById("search").addEventListener("input", (event) => {
  const text = event.target.value.toLowerCase();
  let count = 0;
  for (const row of rows) {
    const name = byId.get(row.dataset.id).name.toLowerCase();
    const isHit = text !== "" && name.includes(text);
    row.classList.toggle("found", isHit);
    row.hidden = text !== "" && !isHit;
    if (isHit) count++;
  }
  found.textContent = text === "" ? "" : count + " of " + rows.length + " tasks";
});
for (const row of rows) {
  row.querySelector("button").addEventListener("click", () => {
    const lane = byId.get(row.dataset.id);
    waits.replaceChildren();
    const head = document.createElement("strong");
    head.textContent = lane.name;
    waits.append(head, lane.waits.length === 0 ? " waited for nothing." : " waited:");
    for (const [from, ms, on] of lane.waits.slice(0, 500)) {
      waits.append(document.createElement("br"), "at " + from + " ms for " + ms + " ms: " + on);
    }
    if (lane.waits.length > 500) waits.append(document.createElement("br"), "and " + (lane.waits.length - 500) + " times more");
    document.getElementById("waits-head").scrollIntoView({ block: "nearest" });
  });
}`;
