/**
 * The curves as one picture: a chart for each, both axes logarithmic, the same colour for the same
 * contender in all of them. A flat line costs the same however many there are.
 *
 * Drawn for a README: no script, no font but the system's, readable on a light page and on a dark one,
 * and the figures of weft in the text that stands in for the picture.
 */
import * as echarts from "echarts";
import type { CurveReport } from "./measure.ts";

const WIDTH = 860;
const COLUMNS = 2;
const CELL_HEIGHT = 270;
const LEGEND_HEIGHT = 70;
const GAP = 60;
const RIGHT = 20;
const TITLE_HEIGHT = 34;
const AXIS_HEIGHT = 46;

/** Stand for the colours of the page: of words, and of lines in the background. */
const WORD = "#010203";
const RULE = "#010204";

/** Who is drawn in which colour: contrast 3 to white and to black alike. */
const COLOURS: readonly (readonly [RegExp, string])[] = [
  [/^(weft function\*|weft poll\(\)|weft WorkerPool)$/, "#0969da"],
  [/^weft async/, "#8250df"],
  [/^plain for await/, "#8b949e"],
  [/^(plain|bare)/, "#6e7781"],
  [/^gevent/, "#1a7f37"],
  [/^(asyncio|select)/, "#bc4c00"],
  [/^Go/, "#0e8a8a"],
];

/** What stands in for several labels in the legend that all charts share. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^(weft function\*|weft poll\(\)|weft WorkerPool)$/, "weft (function*)"],
  [/^weft async/, "weft (async function*)"],
  [/^plain for await/, "plain for await"],
  [/^(plain|bare)/, "plain Deno"],
  [/^gevent/, "gevent"],
  [/^(asyncio|select)/, "asyncio, select.poll"],
  [/^Go/, "Go"],
];

function of<T>(table: readonly (readonly [RegExp, T])[], label: string): T {
  return table.find(([pattern]) => pattern.test(label))![1];
}

/** 1 000 000 as 10⁶, and so on. */
function power(n: number): string {
  const exponent = Math.round(Math.log10(n));
  if (10 ** exponent !== n) return n.toLocaleString("en").replaceAll(",", " ");
  return `10${[...String(exponent)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
}

/** Nanoseconds, of which an axis gives about a power of ten, in the unit that leaves the fewest digits. */
function time(ns: number): string {
  const exponent = Math.round(Math.log10(ns));
  if (exponent >= 6) return `${10 ** (exponent - 6)} ms`;
  return exponent >= 3 ? `${10 ** (exponent - 3)} µs` : `${10 ** exponent} ns`;
}

/** The powers of ten around values. */
function bounds(values: readonly number[]): { min: number; max: number } {
  return {
    min: 10 ** Math.floor(Math.log10(Math.min(...values))),
    max: 10 ** Math.ceil(Math.log10(Math.max(...values))),
  };
}

/** The words that stand in for the picture. */
function alternative(reports: readonly CurveReport[]): string {
  const told = reports.map(({ name, of, series }) => {
    const own = series.filter(({ label }) => label.startsWith("weft")).map(({ label, points }) => {
      const [first, last] = [points.at(0)!, points.at(-1)!];
      return `${label} ${Math.round(first.ns)} ns at ${first.n}, ${
        Math.round(last.ns)
      } ns at ${last.n}`;
    });
    return `${name} by ${of}: ${own.join("; ")}`;
  });
  return `What one costs as there are more of them. ${told.join(". ")}.`;
}

/** Draws the curves. */
export function drawCurves(reports: readonly CurveReport[]): string {
  const rows = Math.ceil(reports.length / COLUMNS);
  const height = LEGEND_HEIGHT + rows * CELL_HEIGHT;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  const text = { color: WORD, fontSize: 12, fontFamily: "system-ui, sans-serif" };
  const line = { show: true, lineStyle: { color: RULE } };
  const cellWidth = WIDTH / COLUMNS;
  const place = (at: number) => ({
    left: (at % COLUMNS) * cellWidth,
    top: LEGEND_HEIGHT + Math.floor(at / COLUMNS) * CELL_HEIGHT,
  });
  chart.setOption({
    animation: false,
    legend: { top: 0, left: GAP, width: WIDTH - GAP - RIGHT, textStyle: text, itemGap: 24 },
    title: reports.map(({ name }, at) => ({
      text: name,
      left: place(at).left + GAP,
      top: place(at).top,
      textStyle: { ...text, fontSize: 14, fontWeight: "bold" as const },
    })),
    grid: reports.map((_, at) => ({
      left: place(at).left + GAP,
      top: place(at).top + TITLE_HEIGHT,
      width: cellWidth - GAP - RIGHT,
      height: CELL_HEIGHT - TITLE_HEIGHT - AXIS_HEIGHT,
    })),
    xAxis: reports.map(({ of, series }, at) => ({
      type: "log" as const,
      gridIndex: at,
      name: of,
      nameLocation: "middle" as const,
      nameGap: 24,
      nameTextStyle: text,
      ...bounds(series.flatMap(({ points }) => points.map(({ n }) => n))),
      axisLabel: { ...text, formatter: power },
      axisLine: line,
      splitLine: { show: false },
    })),
    yAxis: reports.map(({ series }, at) => ({
      type: "log" as const,
      gridIndex: at,
      ...bounds(series.flatMap(({ points }) => points.map(({ ns }) => ns))),
      axisLabel: { ...text, formatter: time },
      splitLine: line,
    })),
    series: reports.flatMap(({ series }, at) =>
      series.map(({ label, points }) => ({
        type: "line" as const,
        name: of(FAMILIES, label),
        xAxisIndex: at,
        yAxisIndex: at,
        color: of(COLOURS, label),
        symbol: "circle",
        symbolSize: 5,
        lineStyle: { width: label.startsWith("weft") ? 2.5 : 1.5 },
        data: points.map(({ n, ns }) => [n, ns]),
      }))
    ),
  });
  const drawn = chart.renderToSVGString();
  chart.dispose();
  const title = alternative(reports).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const style = `<style>svg { --word: #1b1f24; --rule: #d0d7de }
@media (prefers-color-scheme: dark) { svg { --word: #e6edf3; --rule: #30363d } }</style>`;
  return drawn
    .replaceAll(WORD, "var(--word)")
    .replaceAll(RULE, "var(--rule)")
    .replace(/<svg ([^>]*)>/, `<svg $1 role="img"><title>${title}</title>${style}`) + "\n";
}
