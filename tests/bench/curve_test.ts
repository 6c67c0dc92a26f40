/** The curves, held to their promises: turns, sizes, who grows, and a picture that can be read. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { drawCurves } from "./curve/draw.ts";
import { type Curve, formatCurve, growthOf, measureCurve } from "./curve/measure.ts";
import { Absent } from "./harness.ts";

function curveOf(contenders: Curve["contenders"]): Curve {
  return { name: "a step", of: "tasks", sizes: [100, 1000, 10_000], contenders };
}

Deno.test("measureCurve() lets the contenders take turns at each size, up to their largest", async () => {
  const turns: string[] = [];
  const takes = (label: string, most: number) => ({
    most,
    take: (n: number) => {
      turns.push(`${label}${n}`);
      return Promise.resolve(n);
    },
  });
  const report = await measureCurve(curveOf({ a: takes("a", Infinity), b: takes("b", 1000) }), 2);
  assertEquals(turns, [
    ...["a100", "b100", "a100", "b100"],
    ...["a1000", "b1000", "a1000", "b1000"],
    ...["a10000", "a10000"],
  ]);
  assertEquals(report.series.map(({ label, growth }) => [label, growth]), [["a", 10], ["b", null]]);
});

Deno.test("A curve is judged from 1000 to its largest size, and weft's is told to grow", async () => {
  const point = (n: number, ns: number) => ({ n, ns, samples: [ns] });
  assertEquals(growthOf([point(100, 9), point(1000, 2), point(3000, 5), point(10_000, 3)]), 2.5);
  assertEquals(growthOf([point(100, 9)]), null);
  const costs = (...ns: number[]) => ({ most: Infinity, take: () => Promise.resolve(ns.shift()!) });
  const contenders = {
    "weft function*": costs(1, 2, 5),
    "weft async function*": costs(1, 2, 3),
    "gevent": costs(1, 2, 9),
  };
  const text = formatCurve(await measureCurve(curveOf(contenders), 1));
  assertEquals(text.match(/GROWS: .*/g), [
    "GROWS: weft function* costs up to 2.50 times as much as at 1000",
  ]);
});

Deno.test("Who is absent or fails at a size keeps what it gave before, and is named", async () => {
  const report = await measureCurve(
    curveOf({
      gone: { most: Infinity, take: () => Promise.reject(new Absent("not installed")) },
      heavy: {
        most: Infinity,
        take: (n) => n > 1000 ? Promise.reject(new Error("no memory")) : Promise.resolve(7),
      },
    }),
    1,
  );
  assertEquals(report.absent, { gone: "not installed" });
  assertEquals(report.failed, { heavy: "at 10000: no memory" });
  assertEquals(report.series.map(({ points }) => points.map(({ n }) => n)), [[100, 1000]]);
});

Deno.test("drawCurves() draws all of them in one picture that says its figures", async () => {
  const take = (n: number) => Promise.resolve(n / 10);
  const contenders = { "weft function*": { most: Infinity, take }, "Go": { most: Infinity, take } };
  const report = await measureCurve(curveOf(contenders), 1);
  const svg = drawCurves([report, { ...report, name: "a job" }]);
  assertMatch(svg, /^<svg [^>]*viewBox="[^>]*role="img"><title>/);
  for (
    const text of ["a step by tasks: weft function* 10 ns at 100, 1000 ns at 10000", ">a job<"]
  ) {
    assertStringIncludes(svg, text);
  }
  assertEquals(/<script|href=|#01020[34]/.test(svg.replace(/xmlns:xlink="[^"]*"/, "")), false);
});
