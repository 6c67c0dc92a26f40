/**
 * A submitter of weft: `cluster_weft.ts submit URL N` prints { perSecond, p50, p99 }. Its node is the node
 * program with the jobs of this file.
 */
import { jobs } from "@weft/weft";

export const { plus, work } = jobs(import.meta, {
  plus: (a: number, b: number): number => a + b,
  /** Computes for about ten milliseconds. */
  work(n: number): number {
    let sum = 0;
    for (let i = 0; i < n; i++) sum = (sum * 31 + i) % 1_000_003;
    return sum;
  },
});

if (import.meta.main) {
  const [role, servers, count = "0"] = Deno.args as [string, string, string?];
  const { Cluster } = await import("@weft/weft/cluster");
  const cluster = new Cluster({ servers });
  const { measure } = await import("./cluster_measure.ts");
  if (role === "submit") {
    console.log(JSON.stringify(await measure((i) => cluster.submit(plus, i, 1), Number(count))));
  } else {
    const n = Number(count);
    const calibrate = performance.now();
    work(2_000_000);
    const each = Math.round(2_000_000 * 10 / (performance.now() - calibrate));
    await cluster.map(work, Array.from({ length: 20 }, () => each));
    const begun = performance.now();
    await cluster.map(work, Array.from({ length: n }, () => each));
    console.log(JSON.stringify({ perSecond: n / (performance.now() - begun) * 1000 }));
  }
  await cluster.drain();
}
