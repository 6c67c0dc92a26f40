/**
 * The page's side of the playground: settings to and from the address, one run at a time, and what its
 * events draw. Everything that comes as SVG was made by the server; texts are set as texts.
 */
const { defaults, columns } = JSON.parse(document.getElementById("config").textContent);
const at = (id) => document.getElementById(id);
const tabs = [...document.querySelectorAll("[role=tab]")];
const engines = [...document.querySelectorAll("input[name=engines]")];

/** How long the charts of `Schedule` take to be uncovered. */
const UNCOVER_MS = 4000;
/** How long an edit is let rest before it is scheduled. */
const EDIT_MS = 250;

// -- Settings and the address --

const isOption = (select, value) => [...select.options].some((option) => option.value === value);
const isTasks = (text) => /^\d{1,6}$/.test(text) && +text >= 1 && +text <= +at("tasks").max;
const isQuantum = (text) => text.trim() !== "" && +text >= 1e-9 && +text < Infinity;

function currentTab() {
  return tabs.find((tab) => tab.getAttribute("aria-selected") === "true").id.slice("tab-".length);
}

function chosenEngines() {
  return engines.filter((box) => box.checked).map((box) => box.value);
}

function readAddress() {
  const query = new URLSearchParams(location.search);
  const value = (name, isPossible) => {
    const text = query.get(name);
    return text !== null && isPossible(text) ? text : String(defaults[name]);
  };
  const known = engines.map((box) => box.value);
  const asked = (query.get("engines") ?? "").split(",");
  const chosen = asked.every((name) => known.includes(name)) ? asked : defaults.engines;
  for (const box of engines) box.checked = chosen.includes(box.value);
  at("workload").value = value("workload", (text) => isOption(at("workload"), text));
  at("tasks").value = value("tasks", isTasks);
  at("policy").value = value("policy", (text) => isOption(at("policy"), text));
  at("quantum").value = value("quantum", isQuantum);
  const tab = tabs.find(({ id }) => id === `tab-${query.get("tab")}`);
  select(tab ?? tabs[0]);
}

function writeAddress() {
  const values = {
    tab: currentTab(),
    workload: at("workload").value,
    engines: chosenEngines().join(),
    tasks: at("tasks").value,
    policy: at("policy").value,
    quantum: at("quantum").value,
  };
  const parts = Object.entries(values).map(([name, value]) =>
    `${name}=${encodeURIComponent(value).replaceAll("%2C", ",")}`
  );
  history.replaceState(null, "", `?${parts.join("&")}`);
}

// -- Tabs --

function select(chosen) {
  for (const tab of tabs) {
    const isChosen = tab === chosen;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    at(tab.getAttribute("aria-controls")).hidden = !isChosen;
  }
  const name = currentTab();
  for (const field of document.querySelectorAll("[data-tabs]")) {
    field.hidden = !field.dataset.tabs.split(" ").includes(name);
  }
  if (name === "schedule" && at("averages").hidden) scheduleSoon(0);
}

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

for (const [index, tab] of tabs.entries()) {
  const go = (to) => {
    select(to);
    to.focus();
    writeAddress();
  };
  tab.addEventListener("click", () => go(tab));
  tab.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const to = step !== undefined
      ? tabs[(index + step + tabs.length) % tabs.length]
      : event.key === "Home"
      ? tabs[0]
      : event.key === "End"
      ? tabs.at(-1)
      : undefined;
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  });
}

// -- Pictures and tables --

function showPicture(place, { svg, text }) {
  place.innerHTML = svg;
  place.setAttribute("aria-label", text);
}

function clearPicture(name) {
  const place = at(`picture-${name}`);
  place.textContent = "nothing yet";
  place.setAttribute("aria-label", `${place.previousElementSibling.textContent}: nothing yet`);
}

function make(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function tableOf(caption, head, rows) {
  const table = make("table", "");
  table.createCaption().textContent = caption;
  const top = table.createTHead().insertRow();
  for (const title of head) top.append(make("th", title, { scope: "col" }));
  const body = table.createTBody();
  for (const [first, ...cells] of rows) {
    const row = body.insertRow();
    row.append(make("th", first, { scope: "row" }));
    for (const cell of cells) row.insertCell().textContent = cell;
  }
  const wide = make("div", "", {
    class: "wide",
    tabindex: "0",
    role: "region",
    "aria-label": `Table of ${caption}`,
  });
  wide.append(table);
  return wide;
}

// -- One run at a time --

/** The run under way: how to stop it. */
let under = null;

function begin(stop) {
  under = { stop };
  at("status").textContent = "running …";
  at("detail").textContent = "";
  const hadFocus = document.activeElement === at("run");
  at("run").disabled = true;
  at("cancel").disabled = false;
  if (hadFocus) at("cancel").focus();
  return under;
}

function finish(run, status) {
  if (run !== under) return;
  under = null;
  at("status").textContent = status;
  at("detail").textContent = "";
  const hadFocus = document.activeElement === at("cancel");
  at("run").disabled = false;
  at("cancel").disabled = true;
  if (hadFocus) at("run").focus();
}

at("cancel").addEventListener("click", () => {
  const run = under;
  if (run === null) return;
  finish(run, "cancelled");
  run.stop();
});

at("settings").addEventListener("submit", (event) => {
  event.preventDefault();
  if (under !== null) return;
  const tab = currentTab();
  if (tab === "schedule") return void playSchedule();
  for (const name of tab === "compare" ? ["lanes", "ready", "curves"] : ["dinner", "circle"]) {
    clearPicture(name);
  }
  if (tab === "compare") {
    at("results").hidden = true;
    at("results").replaceChildren();
  } else at("circle-text").textContent = "";
  void follow(
    tab === "deadlock" ? { kind: "deadlock" } : {
      kind: "compare",
      workload: at("workload").value,
      engines: chosenEngines(),
      tasks: numberOf("tasks"),
      policy: at("policy").value,
      quantum: numberOf("quantum"),
    },
  );
});

/** The number of a field, or its text where it is none. */
function numberOf(id) {
  const { value, valueAsNumber } = at(id);
  return Number.isNaN(valueAsNumber) ? value : valueAsNumber;
}

function post(path, value) {
  return fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(value),
  });
}

async function follow(order) {
  let events = null;
  let id = null;
  const run = begin(() => {
    events?.close();
    if (id !== null) void post(`/runs/${id}/cancel`, {});
  });
  try {
    const reply = await post("/runs", order);
    if (!reply.ok) return finish(run, `failed: ${(await reply.text()).trim()}`);
    ({ id } = await reply.json());
  } catch (error) {
    return finish(run, `failed: ${error.message}`);
  }
  if (run !== under) return run.stop(); // cancelled meanwhile
  events = new EventSource(`/runs/${id}/events`);
  events.addEventListener("message", ({ data }) => {
    const event = JSON.parse(data);
    if (event.kind === "end") events.close();
    if (run === under) take(run, event);
  });
  events.addEventListener("error", () => {
    events.close();
    finish(run, "failed: the connection to the server is lost");
  });
}

function take(run, event) {
  switch (event.kind) {
    case "picture":
      showPicture(at(`picture-${event.name}`), event);
      if (event.name === "circle") at("circle-text").textContent = event.text;
      break;
    case "detail":
      at("detail").textContent = event.text;
      break;
    case "results":
      at("results").replaceChildren(
        tableOf("Results", columns.results, event.rows),
        make("p", event.sentence),
      );
      at("results").hidden = false;
      break;
    case "end":
      finish(run, event.status);
  }
}

// -- Schedule --

let editTimer;
let latest = 0;

function scheduleSoon(ms = EDIT_MS) {
  clearTimeout(editTimer);
  editTimer = setTimeout(() => {
    schedule().catch((error) => at("error").textContent = error.message);
  }, ms);
}

/** Asks for the schedule of what stands in the fields; gives what is wrong, or "". */
async function schedule() {
  clearTimeout(editTimer);
  const number = ++latest;
  const text = at("quantum").value;
  const rule = "a number above 0, of at least a billionth";
  const result = isQuantum(text)
    ? await askSchedule({ jobs: at("jobs").value, quantum: +text })
    : { error: `Option --quantum must be ${rule}; got ${JSON.stringify(text)}` };
  if (number !== latest) return "";
  const isWrong = result.error !== undefined;
  at("error").textContent = isWrong ? result.error : "";
  at("averages").hidden = isWrong;
  at("averages").replaceChildren();
  at("charts").replaceChildren();
  if (isWrong) return result.error;
  at("averages").append(tableOf("Averages", columns.averages, result.rows));
  markPolicy();
  for (const [name, picture] of result.pictures) {
    const place = make("div", "", { class: "picture", role: "img" });
    showPicture(place, picture);
    const box = make("div", "");
    box.append(make("h3", name), place);
    at("charts").append(box);
  }
  return "";
}

async function askSchedule(value) {
  const reply = await post("/schedule", value);
  return reply.ok ? await reply.json() : { error: (await reply.text()).trim() };
}

/** The row of the policy that is chosen stands out. */
function markPolicy() {
  for (const row of at("averages").querySelectorAll("tbody tr")) {
    row.classList.toggle("chosen", row.cells[0].textContent === at("policy").value);
  }
}

async function playSchedule() {
  let timer = 0;
  let uncover = () => {};
  const run = begin(() => {
    clearInterval(timer);
    uncover();
  });
  try {
    const error = await schedule();
    if (run !== under) return;
    if (error !== "") return finish(run, `failed: ${error}`);
  } catch (error) {
    return finish(run, `failed: ${error.message}`);
  }
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return finish(run, "done");
  const charts = [...at("charts").querySelectorAll(".picture")].map((place) => {
    const cover = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    cover.setAttribute("class", "cover");
    cover.setAttribute("y", place.querySelector(".bars").dataset.top);
    cover.setAttribute("width", "100%");
    cover.setAttribute("height", "100%");
    place.querySelector(".bars").append(cover);
    return { place, cover, text: place.getAttribute("aria-label") };
  });
  const show = (share) => {
    for (const { place, cover, text } of charts) {
      cover.setAttribute("x", `${(share * 100).toFixed(2)}%`);
      place.setAttribute("aria-label", `${text} (uncovered: ${Math.round(share * 100)} %)`);
    }
  };
  uncover = () => {
    for (const { place, cover, text } of charts) {
      cover.remove();
      place.setAttribute("aria-label", text);
    }
  };
  show(0);
  const began = performance.now();
  timer = setInterval(() => {
    const share = (performance.now() - began) / UNCOVER_MS;
    if (share < 1) return show(share);
    run.stop();
    finish(run, "done");
  }, 50);
}

at("jobs").addEventListener("input", () => scheduleSoon());
at("settings").addEventListener("input", (event) => {
  writeAddress();
  if (event.target === at("policy")) markPolicy();
  if (event.target === at("quantum") && currentTab() === "schedule") scheduleSoon();
});

readAddress();
