/** `throughput.ts` as a process, and what its JSON must be. */
import { assertEquals } from "@std/assert";
import { ENGINES } from "../../examples/lib/throughput/plan.ts";
import { law } from "../lib/law.ts";

const PROGRAM = new URL("../../examples/throughput.ts", import.meta.url).href;

/** Calls it with these arguments. */
export async function throughput(
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", PROGRAM, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

const FIGURES = [
  "ops",
  "seconds",
  "opsPerSecond",
  "p50Ms",
  "p99Ms",
  "speedup",
  "cpuSeconds",
  "peakRssBytes",
  "checksum",
];

/** Registers the law of its JSON: a process for each cell, so for one workload here and for more in the sweep. */
export function lawOfJson(...workloads: string[]): void {
  law(
    `throughput --json prints one record a cell, with equal checksums (${workloads.join(", ")})`,
    async () => {
      const engines = [...ENGINES];
      const flags = ["--workload", workloads.join(), "--tasks", "8", "--workers", "2"];
      const { code, out, err } = await throughput("--quick", "--json", ...flags);
      assertEquals({ code, err }, { code: 0, err: "" });
      const { machine, results, ...more } = JSON.parse(out);
      assertEquals(more, {});
      assertEquals(machine.deno, Deno.version.deno);
      assertEquals(
        results.map((cell: Record<string, unknown>) => `${cell.workload} ${cell.engine}`),
        workloads.flatMap((workload) => engines.map((engine) => `${workload} ${engine}`)),
      );
      const checksums = new Set<string>();
      for (const cell of results) {
        assertEquals(Object.keys(cell), ["workload", "engine", ...FIGURES]);
        assertEquals(
          FIGURES.filter((name) => !(Number.isFinite(cell[name]) && cell[name] >= 0)),
          [],
        );
        assertEquals(cell.ops, 8);
        checksums.add(`${cell.workload} ${cell.checksum}`);
      }
      assertEquals(checksums.size, workloads.length);
    },
    60_000,
  );
}
