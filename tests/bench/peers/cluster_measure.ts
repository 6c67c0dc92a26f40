/** What both sides of the rows of clusters do: many calls, a thousand at a time, and then one after another. */

/** What came out. */
export interface ClusterSample {
  /** Calls per second, a thousand at a time. */
  perSecond: number;
  /** How long one call took, in milliseconds. */
  p50: number;
  p99: number;
}

const AT_A_TIME = 1000;
const SINGLE = 300;

/** Calls `call(i)`, which comes to `i + 1`. */
export async function measure(
  call: (i: number) => PromiseLike<number>,
  count: number,
): Promise<ClusterSample> {
  let next = 0;
  const worker = async (end: number): Promise<void> => {
    while (next < end) {
      const i = next++;
      if (await call(i) !== i + 1) throw new Error(`call ${i} came to something else`);
    }
  };
  const all = (end: number): Promise<unknown> =>
    Promise.all(Array.from({ length: AT_A_TIME }, () => worker(end)));
  await all(Math.floor(count / 4));
  const from = next;
  const begun = performance.now();
  await all(from + count);
  const perSecond = (next - from) / (performance.now() - begun) * 1000;
  const times: number[] = [];
  for (let k = 0; k < SINGLE; k++) {
    const at = performance.now();
    await call(next++);
    times.push(performance.now() - at);
  }
  times.sort((a, b) => a - b);
  return { perSecond, p50: times[SINGLE / 2]!, p99: times[Math.floor(SINGLE * 0.99)]! };
}
