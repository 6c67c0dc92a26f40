/**
 * The comparison as a web page in one file: per workload the sentence, charts drawn here by echarts,
 * and the table; the figures are inside as JSON. Nothing is loaded when it is opened, and no script runs.
 *
 * Charts are drawn as narrow as a phone, so that no text is ever scaled down, and in colours that the
 * page's style sets: dark on a dark screen, light in print. Every bar has its name and number beside it.
 */
import * as echarts from "echarts";
import type { Row } from "./compare.ts";
import { type Machine, machineLine } from "./machine.ts";
import { element, escape, PAGE_STYLE } from "../page.ts";
import { type Percentile, PERCENTILES } from "./plan.ts";
import { record } from "./record.ts";
import { byWorkload, cellsOf, HEAD, short } from "./table.ts";

/** What the report tells. */
export interface ReportContent {
  /** The machine. */
  machine: Machine;
  /** The figures. */
  rows: readonly Row[];
  /** A sentence a workload. */
  verdicts: readonly string[];
}

/** A measured quantity that gets a chart. */
interface Quantity {
  title: string;
  unit: string;
  /** Bars of each engine, by their names; one bar without a name needs none. */
  bars: Record<string, (row: Row) => number>;
}

const percentiles = Object.fromEntries(
  (Object.keys(PERCENTILES) as Percentile[]).map((
    name,
  ) => [name, (row: Row) => row.latencyMs[name]]),
);

const QUANTITIES: readonly Quantity[] = [
  { title: "Operations per second", unit: "", bars: { "": (row) => row.opsPerSecond } },
  { title: "Latency distribution (percentiles)", unit: "ms", bars: percentiles },
  {
    title: "CPU use",
    unit: "cores",
    bars: { "": (row) => row.cpuSeconds / row.seconds },
  },
  { title: "Peak memory", unit: "MiB", bars: { "": (row) => row.peakRssBytes / 2 ** 20 } },
];

/** Stand for colours that the page's style sets: of words, and of bars and curves. */
export const WORD = "#010203";
/** The colours of bars and curves. */
export const STYLED_BARS = ["#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05"];
const STYLED: readonly (readonly [string, string])[] = [
  [WORD, "var(--word)"],
  ...STYLED_BARS.map((colour, at) => [colour, `var(--bar${at + 1})`] as const),
];

/** Sets the page's colours in a chart. */
export function styled(svg: string): string {
  for (const [colour, variable] of STYLED) svg = svg.replaceAll(colour, variable);
  return svg;
}

/** Draws one quantity of one workload. */
function drawChart({ title, unit, bars }: Quantity, rows: readonly Row[]): string {
  const names = Object.keys(bars);
  const chart = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    width: 340,
    height: 40 + rows.length * (12 + 16 * names.length),
  });
  const text = { color: WORD, fontSize: 13, fontFamily: "system-ui, sans-serif" };
  chart.setOption({
    animation: false,
    color: STYLED_BARS,
    title: { text: unit === "" ? title : `${title}, ${unit}`, left: 0, top: 2, textStyle: text },
    grid: { left: 82, right: 84, top: 30, bottom: 4 },
    xAxis: { type: "value", show: false },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map((row) => row.engine),
      axisLabel: text,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: WORD } },
    },
    series: names.map((name) => ({
      type: "bar" as const,
      barWidth: 12,
      data: rows.map((row) => bars[name]!(row)),
      label: {
        ...text,
        fontSize: 12,
        show: true,
        position: "right" as const,
        formatter: ({ value }: { value: unknown }) => `${name} ${short(Number(value))}`.trim(),
      },
    })),
  });
  const svg = styled(chart.renderToSVGString());
  chart.dispose();
  const spoken = rows.map((row) => {
    const values = names.map((name) => `${name} ${short(bars[name]!(row))}`.trim());
    return `${row.engine} ${values.join(", ")}`;
  });
  const alternative = `${title}${unit === "" ? "" : ` in ${unit}`}: ${spoken.join("; ")}`;
  return element("div", svg.replace("<svg", '<svg aria-hidden="true"'), {
    class: "chart",
    role: "img",
    "aria-label": alternative,
  });
}

function section(workload: string, rows: readonly Row[], verdicts: readonly string[]): string {
  const sentence = verdicts.find((text) => text.startsWith(`${workload}:`)) ?? "";
  const charts = QUANTITIES.map((quantity) => drawChart(quantity, rows)).join("\n");
  const head = HEAD.slice(1).map((title) => element("th", escape(title), { scope: "col" })).join(
    "",
  );
  const lines = rows.map((row) => {
    const [engine = "", ...cells] = cellsOf(row);
    const first = element("th", escape(engine), { scope: "row" });
    return element("tr", first + cells.map((cell) => element("td", escape(cell))).join(""));
  });
  const table = element(
    "table",
    element("caption", `${escape(workload)}: every engine`) +
      element("thead", element("tr", head)) + element("tbody", lines.join("\n")),
  );
  return [
    element("h2", escape(workload)),
    element("p", escape(sentence)),
    element("div", charts, { class: "charts" }),
    element("div", table, {
      class: "wide",
      tabindex: "0",
      role: "region",
      "aria-label": `Table of ${workload}`,
    }),
  ].join("\n");
}

/** Renders the page. */
export function renderReport({ machine, rows, verdicts }: ReportContent): string {
  const sections = [...byWorkload(rows)].map(([name, own]) => section(name, own, verdicts));
  const data = JSON.stringify({ machine, results: rows.map(record) }).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The same work on every engine</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<h1>The same work on every engine</h1>
<p>${escape(machineLine(machine))}</p>
${sections.join("\n")}
<script type="application/json">${data}</script>
</main>
</body>
</html>
`;
}
