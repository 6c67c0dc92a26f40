/** The harness itself, held to its promises: a benchmark that lies is worse than none. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Absent, formatRow, measureRow, median } from "./harness.ts";

/** A contender that gives these samples in turn and writes down its turns. */
function gives(label: string, samples: number[], turns: string[] = []): () => Promise<number> {
  let next = 0;
  return () => {
    turns.push(label);
    return Promise.resolve(samples[next++]!);
  };
}

Deno.test("median() is the middle sample, or lies between the two middle ones", () => {
  assertEquals(median([5, 1, 300]), 5);
  assertEquals(median([4, 1, 2, 30]), 3);
  assertThrows(() => median([]), RangeError);
});

Deno.test("measureRow() interleaves the contenders and compares medians", async () => {
  const turns: string[] = [];
  const report = await measureRow({
    name: "row",
    unit: "ns",
    baseline: "a",
    contenders: { a: gives("a", [10, 90, 20], turns), b: gives("b", [40, 30, 90], turns) },
  }, 3);
  assertEquals(turns, ["a", "b", "a", "b", "a", "b"]);
  assertEquals(report.results.map(({ median, ratio }) => [median, ratio]), [[20, 1], [40, 0.5]]);
});

Deno.test("A ratio above one is better, whichever way the unit counts", async () => {
  const contenders = { a: gives("a", [10]), b: gives("b", [20]) };
  const row = { name: "row", unit: "per s", baseline: "a", better: "more", contenders } as const;
  assertEquals((await measureRow(row, 1)).results[1]!.ratio, 2);
});

Deno.test("measureRow() names who is absent and who failed, and asks them once", async () => {
  let asked = 0;
  const report = await measureRow({
    name: "row",
    unit: "ns",
    baseline: "gone",
    contenders: {
      gone: () => {
        asked++;
        return Promise.reject(new Absent("not installed"));
      },
      broken: () => Promise.reject(new Error("port taken")),
      here: gives("here", [1, 2, 3]),
    },
    figures: [
      { of: "here", against: "gone", atLeast: 2 },
      { of: "here", atMost: 2 },
      { of: "here", atMost: 1 },
    ],
  }, 3);
  assertEquals(asked, 1);
  assertEquals(report.absent, { gone: "not installed" });
  assertEquals(report.failed, { broken: "port taken" });
  assertEquals(report.results.map(({ label, ratio }) => [label, ratio]), [["here", null]]);
  assertEquals(report.figures.map(({ met }) => met), [null, true, false]);
  const text = formatRow(report);
  assertMatch(text, /absent: gone \(not installed\)/);
  assertMatch(text, /FAILED: broken \(port taken\)/);
  assertMatch(text, /MISSED: here 2.00, wanted 1.00 at most/);
});
