/** Style and script of the timeline page. */

/** The page's own colours and layout; the picture brings those of the states. */
export const PAGE_STYLE: string = `
:root{color-scheme:light dark;--ground:#fff;--word:#1b1f24;--rule:#d0d7de;--mark:#0550ae}
@media screen and (prefers-color-scheme:dark){:root{--ground:#0d1117;--word:#e6edf3;--rule:#30363d;--mark:#79c0ff}}
@media print{:root{color-scheme:light}#controls{display:none}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--word);font:16px/1.5 system-ui,sans-serif}
main{max-width:75rem;margin:0 auto;padding:1rem}h1{font-size:1.5rem}h2{font-size:1.2rem}
#controls{display:flex;flex-wrap:wrap;gap:1rem;align-items:center}input,button{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--word);border-radius:4px;padding:.2rem .5rem;max-width:100%}
:focus-visible{outline:3px solid var(--mark);outline-offset:1px}
#picture{overflow-x:auto;border:1px solid var(--rule)}#picture svg{display:block;min-width:720px;width:100%}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;padding:.3rem 0}
th,td{border-bottom:1px solid var(--rule);padding:.2rem .5rem;text-align:right;font-variant-numeric:tabular-nums}
th:first-child{text-align:left;min-width:7rem}th button{border:0;padding:0;text-align:left;text-decoration:underline;color:var(--mark);overflow-wrap:anywhere}
tr.found{outline:2px solid var(--mark)}`;

/** Zoom, search, and the waits of a task. */
export const PAGE_SCRIPT: string = `
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
