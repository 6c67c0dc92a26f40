/**
 * The comparison as a web page in one file: the sentences, the charts as SVG drawn here by echarts,
 * and the table. Nothing is loaded when it is opened, and no script runs in it.
 */
import * as echarts from "echarts";
import type { Row } from "./compare.ts";
import { type Machine, machineLine } from "./machine.ts";
import { byWorkload, cellsOf, HEAD } from "./table.ts";

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
  /** Bars, by the name in the legend. */
  bars: Record<string, (row: Row) => number>;
}

const QUANTITIES: readonly Quantity[] = [
  { title: "operations per second", bars: { "operations per second": (row) => row.opsPerSecond } },
  { title: "latency, ms", bars: { p50: (row) => row.p50Ms, p99: (row) => row.p99Ms } },
  { title: "CPU seconds", bars: { "CPU seconds": (row) => row.cpuSeconds } },
  { title: "peak memory, MiB", bars: { "peak memory": (row) => row.peakRssBytes / 2 ** 20 } },
];

const COLOURS = ["#3b6ea5", "#d08b3e"];

/** Draws one quantity of one workload, as an SVG element. */
function drawChart({ title, bars }: Quantity, rows: readonly Row[]): string {
  const chart = echarts.init(null, null, {
    renderer: "svg",
    ssr: true,
    width: 440,
    height: 70 + 30 * rows.length,
  });
  const several = Object.keys(bars).length > 1;
  chart.setOption({
    animation: false,
    color: COLOURS,
    title: { text: title, left: 0, top: 4, textStyle: { fontSize: 13 } },
    legend: { show: several, top: 4, right: 0 },
    grid: { left: 80, right: 64, top: 32, bottom: 4 },
    xAxis: { type: "value", axisLabel: { show: false }, splitLine: { show: false } },
    yAxis: { type: "category", inverse: true, data: rows.map((row) => row.engine) },
    series: Object.entries(bars).map(([name, value]) => ({
      name,
      type: "bar" as const,
      data: rows.map((row) => Number(value(row).toPrecision(3))),
      label: { show: true, position: "right" as const },
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function element(name: string, content: string, attributes = ""): string {
  return `<${name}${attributes}>${content}</${name}>`;
}

function section(workload: string, rows: readonly Row[], verdicts: readonly string[]): string {
  const sentence = verdicts.find((text) => text.startsWith(`${workload}:`)) ?? "";
  const charts = QUANTITIES.map((quantity) => drawChart(quantity, rows)).join("\n");
  const head = HEAD.slice(1).map((title) => element("th", escape(title))).join("");
  const lines = rows.map((row) =>
    element("tr", cellsOf(row).map((cell) => element("td", escape(cell))).join(""))
  );
  return [
    element("h2", escape(workload)),
    element("p", escape(sentence)),
    element("div", charts, ' class="charts"'),
    element("table", element("tr", head) + lines.join("\n")),
  ].join("\n");
}

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: 0.15rem 0.9rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
`;

/** Renders the page. */
export function renderReport({ machine, rows, verdicts }: ReportContent): string {
  const sections = [...byWorkload(rows)].map(([name, own]) => section(name, own, verdicts));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The same work on every engine</title>
<style>${STYLE}</style>
</head>
<body>
<h1>The same work on every engine</h1>
<p>${escape(machineLine(machine))}</p>
${sections.join("\n")}
</body>
</html>
`;
}
