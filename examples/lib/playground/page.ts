/** The page: its controls, and the places where pictures and tables come. */
import { JOBS } from "../scheduling/jobs.ts";
import { element, escape, PAGE_STYLE } from "../page.ts";
import { ENGINES, WORKLOADS } from "../throughput/plan.ts";
import { RESULT_COLUMNS } from "./events.ts";
import { AVERAGE_COLUMNS } from "./schedule_job.ts";
import { DEFAULTS, MOST_TASKS, POLICY_NAMES } from "./settings.ts";

const TABS = ["Compare", "Schedule", "Deadlock"] as const;

const STYLE = `${PAGE_STYLE}
[hidden] { display: none !important; }
form { display: flex; flex-wrap: wrap; gap: 0.75rem 1rem; align-items: end; margin: 1rem 0; }
fieldset { border: 1px solid var(--rule); display: flex; flex-wrap: wrap; gap: 0.25rem 0.9rem; margin: 0; min-width: 0; }
.field > label { display: block; }
input, select, button, textarea { font: inherit; color: inherit; max-width: 100%; }
input[type=number] { width: 8rem; }
select, input[type=number], textarea, button { background: var(--ground); border: 1px solid var(--rule); border-radius: 4px; padding: 0.3rem 0.6rem; }
button:disabled { opacity: 0.5; }
textarea { width: 100%; min-height: 10rem; font-family: ui-monospace, monospace; font-size: 0.9rem; }
[role=tablist] { display: flex; flex-wrap: wrap; gap: 0.25rem; border-bottom: 1px solid var(--rule); }
[role=tab] { border-bottom: 0; border-radius: 4px 4px 0 0; }
[role=tab][aria-selected=true] { font-weight: bold; text-decoration: underline; text-decoration-color: var(--mark); text-decoration-thickness: 3px; text-underline-offset: 4px; }
[role=status] { font-weight: bold; margin: 0.5rem 0 0; }
[role=alert]:not(:empty) { border: 2px solid var(--bar2); padding: 0.5rem; white-space: pre-wrap; }
#detail { margin: 0; min-height: 1.5em; }
h3 { font-size: 1rem; margin: 0.5rem 0; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem 2rem; }
.pictures > div { min-width: 0; }
.picture { min-height: 3rem; } .picture svg { display: block; overflow: hidden; max-width: 100%; }
.picture text { fill: var(--word); font: 12px system-ui, sans-serif; }
.running { fill: var(--bar3); } .ready { fill: var(--bar2); } .new { fill: var(--bar4); } .waiting { fill: var(--bar5); }
.cover { fill: var(--ground); }
.node { fill: var(--ground); stroke: var(--bar1); stroke-width: 2; }
.arrow { fill: none; stroke: var(--bar5); stroke-width: 2; } .tip { fill: var(--bar5); }
tr.chosen th, tr.chosen td { font-weight: bold; }
@media (max-width: 30rem) { th, td { padding: 0.2rem 0.3rem; font-size: 0.8rem; } }
@media print { form, [role=tablist] { display: none; } }
`;

function field(id: string, name: string, control: string, tabs: string): string {
  const text = element("label", name, { for: id });
  return element("div", text + control, { class: "field", "data-tabs": tabs });
}

function select(id: string, names: readonly string[]): string {
  return element("select", names.map((name) => element("option", escape(name))).join(""), { id });
}

function picture(name: string, title: string): string {
  const place = element("div", "nothing yet", {
    class: "picture",
    id: `picture-${name}`,
    role: "img",
    "aria-label": `${title}: nothing yet`,
  });
  return element("div", element("h3", title) + place);
}

function panel(name: string, content: string): string {
  const id = name.toLowerCase();
  return element("section", content, {
    role: "tabpanel",
    id: `panel-${id}`,
    "aria-labelledby": `tab-${id}`,
  });
}

function tabs(): string {
  const list = TABS.map((name) =>
    element("button", name, {
      type: "button",
      role: "tab",
      id: `tab-${name.toLowerCase()}`,
      "aria-controls": `panel-${name.toLowerCase()}`,
      "aria-selected": String(name === TABS[0]),
    })
  );
  return element("div", list.join("\n"), { role: "tablist", "aria-label": "What to look at" });
}

function controls(): string {
  const boxes = ENGINES.map((name) =>
    element("label", `<input type="checkbox" name="engines" value="${name}"> ${name}`)
  );
  return [
    field("workload", "Workload", select("workload", WORKLOADS), "compare"),
    element("fieldset", element("legend", "Engines") + boxes.join("\n"), {
      "data-tabs": "compare",
    }),
    field(
      "tasks",
      "Tasks",
      `<input id="tasks" type="number" min="1" max="${MOST_TASKS}" step="1">`,
      "compare",
    ),
    field("policy", "Policy", select("policy", POLICY_NAMES), "compare schedule"),
    field(
      "quantum",
      "Quantum",
      `<input id="quantum" type="number" min="0" step="any">`,
      "compare schedule",
    ),
    `<div><button id="run">Run</button> <button id="cancel" type="button" disabled>Cancel</button></div>`,
  ].join("\n");
}

/** The whole page. What differs between visitors is in its address, so it is the same for all. */
export function renderPage(): string {
  const lines = JOBS.map((job) => `  ${JSON.stringify(job)}`).join(",\n");
  const config = {
    defaults: DEFAULTS,
    columns: { results: RESULT_COLUMNS, averages: AVERAGE_COLUMNS },
  };
  const data = JSON.stringify(config).replaceAll("<", "\\u003c");
  const compare = element("h2", "The same work on every engine") +
    element(
      "p",
      `Tasks go in rounds of about 150 ms. Policy and quantum (in ms) are those of the engines ` +
        `<code>generator</code> and <code>coroutine</code>; a task can be preempted only where it yields.`,
    ) +
    element(
      "div",
      picture("lanes", "Lanes") +
        element("div", picture("ready", "Ready queue") + picture("curves", "Throughput")),
      { class: "pictures" },
    ) +
    `<div id="results" hidden></div>`;
  const schedule = element("h2", "The same jobs under every policy") +
    element("label", "Jobs", { for: "jobs" }) +
    element("textarea", `[\n${lines}\n]`, { id: "jobs", spellcheck: "false", wrap: "off" }) +
    `<div role="alert" id="error"></div><div id="averages" hidden></div>` +
    `<div id="charts" class="pictures"></div>`;
  const deadlock = element("h2", "The dining philosophers") +
    element(
      "p",
      "Five philosophers take the fork at the left, think, and want the one at the right. " +
        "Nobody can go on then, and weft says who waits for whom.",
    ) +
    element("div", picture("dinner", "Philosophers") + picture("circle", "Who waits for whom"), {
      class: "pictures",
    }) +
    `<p id="circle-text"></p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>weft playground</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<style>${STYLE}</style>
<script type="application/json" id="config">${data}</script>
<script type="module" src="/playground.js"></script>
</head>
<body>
<main>
<h1>weft playground</h1>
${tabs()}
<form id="settings" novalidate>
${controls()}
</form>
<p role="status" id="status">ready</p>
<p id="detail"></p>
${panel("Compare", compare)}
${panel("Schedule", schedule)}
${panel("Deadlock", deadlock)}
</main>
</body>
</html>
`;
}
