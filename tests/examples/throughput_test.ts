/** The main job, called as a user calls it. */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { compare, type Row, type Runner } from "../../examples/lib/throughput/compare.ts";
import { expectedChecksum } from "../../examples/lib/throughput/expected.ts";
import { type EngineName, type Measured, SIZES } from "../../examples/lib/throughput/plan.ts";
import { verdict } from "../../examples/lib/throughput/verdict.ts";
import { law } from "../lib/law.ts";
import { lawOfJson, throughput } from "./throughput_json.ts";

lawOfJson("cpu");

law(
  "throughput without --json prints a table and a sentence a workload, and leaves the yardstick out",
  async () => {
    const { code, out, err } = await throughput(
      "--quick",
      "--workload=io",
      "--engine=async",
      "--tasks=8",
    );
    assertEquals({ code, err }, { code: 0, err: "" });
    assertMatch(out, /│ io +│ async +│/);
    assertEquals(/│ sequential/.test(out), false);
    assertMatch(out, /^io: .*\.$/m);
  },
  60_000,
);

law(
  "throughput does tasks that are done in a moment again, for half a second at least",
  async () => {
    const flags = ["--workload=io", "--engine=async", "--tasks=8", "--repeat=1"];
    const { code, out, err } = await throughput("--json", ...flags);
    assertEquals({ code, err }, { code: 0, err: "" });
    const { results: [cell] } = JSON.parse(out);
    assertEquals([cell.seconds >= 0.5, cell.ops > 8, cell.ops % 8], [true, true, 0]);
  },
  60_000,
);

law("throughput --html writes one page with charts that loads nothing", async () => {
  const path = await Deno.makeTempFile({ suffix: ".html" });
  try {
    const { code } = await throughput(
      "--quick",
      "--workload=cpu",
      "--engine=async",
      "--tasks=4",
      `--html=${path}`,
    );
    assertEquals(code, 0);
    const page = await Deno.readTextFile(path);
    assertStringIncludes(page, "<svg");
    const [, data = ""] = /<script type="application\/json">(.*?)<\/script>/s.exec(page)!;
    const { results } = JSON.parse(data);
    assertEquals(Object.keys(results[0]).length, 11);
    assertEquals(page.match(/<script/g)!.length, 1);
    assertEquals(/src=|<link|@import|url\(/.test(page), false);
    const charts = [...page.matchAll(/role="img" aria-label="([^"]*)"/g)].map(([, label]) => label);
    assertEquals(charts.length, 4);
    for (const chart of charts) assertMatch(chart!, /async [\d.p]/);
    assertEquals(page.match(/<h1/g)!.length, 1);
    for (const part of ["<main>", "<caption>", 'scope="col"', 'scope="row"', 'lang="en"']) {
      assertStringIncludes(page, part);
    }
  } finally {
    await Deno.remove(path);
  }
}, 60_000);

law("throughput refuses bad arguments with one line and exit code 2", async () => {
  const wrong = [
    "--workload=io,tea",
    "--engine=async,steam",
    "--tasks=0",
    "--tasks=many",
    "--workers=0",
    "--repeat=-1",
    "--frobnicate",
    "--html=/nowhere/at/all.html",
  ];
  for (const argument of wrong) {
    const { code, out, err } = await throughput(argument);
    assertEquals({ code, out, lines: err.trim().split("\n").length }, {
      code: 2,
      out: "",
      lines: 1,
    }, argument);
  }
}, 60_000);

law("throughput --help names every workload and engine", async () => {
  const { code, out } = await throughput("--help");
  assertEquals(code, 0);
  for (
    const name of "io cpu mixed echo sequential async generator coroutine poll worker hybrid pooled"
      .split(" ")
  ) {
    assertMatch(out, new RegExp(`^ +${name} `, "m"));
  }
});

function measured(seconds: number, checksum: number): Measured {
  const latencyMs = { p10: 1, p50: 1, p90: 1, p99: 2, max: 2 };
  return {
    ...{ ops: 100, seconds, p50Ms: 1, p99Ms: 2, latencyMs },
    ...{ cpuSeconds: 1, peakRssBytes: 2 ** 20, checksum },
  };
}

function fakeRunner(run: (engine: EngineName, nth: number) => Measured): Runner {
  let nth = 0;
  return {
    startServer: () => Promise.resolve({ delayPort: 1, echoPort: 2 }),
    runCell: ({ engine }) => Promise.resolve(run(engine, nth++)),
  };
}

const IO = {
  workloads: ["io" as const],
  sizes: SIZES.quick,
  workers: 2,
  repeat: 1,
  leastMs: 0,
  json: false,
  html: "",
};

law("compare() fails and names the cell whose checksum is wrong", async () => {
  const right = expectedChecksum("io", SIZES.quick.io);
  const runner = fakeRunner((engine) => measured(1, engine === "coroutine" ? right + 1 : right));
  await assertRejects(
    () => compare({ ...IO, engines: ["async", "coroutine"] }, runner, () => {}),
    Error,
    `the checksum of io on coroutine is ${right + 1}, and should be ${right}`,
  );
});

law("compare() takes the run in the middle, and compares it with sequential", async () => {
  const right = expectedChecksum("io", SIZES.quick.io);
  const runner = fakeRunner((_, nth) => measured([30, 3, 10, 5, 20, 4][nth]!, right));
  const rows = await compare({ ...IO, repeat: 3, engines: ["async"] }, runner, () => {});
  assertEquals(
    rows.map((row) => [row.engine, row.seconds, row.speedup]),
    [["sequential", 20, 1], ["async", 4, 5]],
  );
});

function row(engine: EngineName, seconds: number, cpuSeconds: number): Row {
  return {
    ...measured(seconds, 0),
    workload: "io",
    engine,
    cpuSeconds,
    opsPerSecond: 100 / seconds,
    speedup: 10 / seconds,
  };
}

law("verdict() says of cpu when an engine did not get the cores that it could use", () => {
  const alone = row("sequential", 10, 9.8);
  const warned = (workers: number, ...rows: Row[]): string | null =>
    /do not rely on it: (.*) although it never waits.*quiet machine\.$/
      .exec(verdict("cpu", [alone, ...rows], workers))?.[1] ?? null;
  const cores = navigator.hardwareConcurrency;
  assertEquals(warned(1, row("worker", 10, 9.8), row("async", 10, 9.8)), null);
  assertEquals(warned(cores, row("hybrid", 10 / cores, 9.6)), null);
  assertEquals(warned(1, row("worker", 20, 9.8)), "worker got only 0.49 of a core");
  if (cores === 1) return;
  assertEquals(
    warned(2, row("worker", 5, 9.6), row("hybrid", 8, 9.6)),
    "hybrid got only 1.20 cores of 2",
  );
});

law("verdict() explains a win by the two ratios it is made of", () => {
  const alone = row("sequential", 10, 1);
  assertMatch(verdict("io", [alone, row("async", 2, 1)]), /async won .*idle 90 % .*only 50 %\.$/);
  assertMatch(verdict("io", [alone, row("worker", 1, 1.9)]), /kept 1\.90 cores busy .*although/);
  assertMatch(verdict("io", [alone, row("poll", 9.8, 1)]), /no engine gained over sequential/);
  assertMatch(verdict("io", [alone]), /only sequential was measured/);
  assertMatch(verdict("cpu", [alone, row("worker", 1, 1.9)]), /measure again on a quiet machine/);
});
