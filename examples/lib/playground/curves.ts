/** Throughput over time, a curve for each engine, drawn by echarts in the page's colours. */
import * as echarts from "echarts";
import { short } from "../throughput/table.ts";
import { styled, STYLED_BARS, WORD } from "../throughput/report.ts";
import type { Picture } from "./picture.ts";

/** A moment of a curve: seconds since the engine began, operations per second. */
export type Moment = readonly [seconds: number, rate: number];

const DASHES = ["solid", "dashed", "dotted"] as const;

/** Draws the curves. */
export function drawCurves(curves: ReadonlyMap<string, readonly Moment[]>): Picture {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 340, height: 260 });
  const text = { color: WORD, fontSize: 12, fontFamily: "system-ui, sans-serif" };
  const axis = {
    axisLabel: text,
    axisLine: { lineStyle: { color: WORD } },
    splitLine: { show: false },
  };
  chart.setOption({
    animation: false,
    color: STYLED_BARS,
    grid: { left: 54, right: 86, top: 26, bottom: 26 },
    xAxis: {
      type: "value",
      min: 0,
      splitNumber: 3,
      ...axis,
      axisLabel: { ...text, formatter: "{value} s", hideOverlap: true },
    },
    yAxis: { type: "value", min: 0, name: "ops/s", nameTextStyle: text, ...axis },
    series: [...curves].map(([name, data], at) => ({
      type: "line" as const,
      name,
      data: data.map((moment) => [...moment]),
      showSymbol: data.length === 1,
      symbolSize: 4,
      lineStyle: { type: DASHES[at % DASHES.length]!, width: 2 },
      endLabel: { ...text, show: true, formatter: name },
      labelLayout: { moveOverlap: "shiftY" as const },
    })),
  });
  const svg = styled(chart.renderToSVGString()).replace("<svg", '<svg aria-hidden="true"');
  chart.dispose();
  const words = [...curves].map(([name, data]) => {
    const last = data.at(-1);
    return last === undefined
      ? `${name} not yet`
      : `${name} ${short(last[1])} after ${last[0].toFixed(1)} s`;
  });
  return { svg, text: `Operations per second over time: ${words.join("; ")}` };
}
