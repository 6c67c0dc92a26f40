/**
 * What the peers of the curves share. A peer is called with WORK and N, does the work with N of whatever
 * it is about, and prints one JSON line: what one of them cost, in nanoseconds of processor time.
 *
 * Processor time of the whole process, its other threads included: waiting is not what is measured, and a
 * machine that does other things as well changes it least.
 */
import process from "node:process";

/** Does a work with n of them; gives what one cost. */
export type Curve = (n: number) => Promise<number>;

/** Steps of all tasks together, and waits, so that few tasks are measured as long as many. */
export const STEPS = 400_000;
/** Of waits likewise. */
export const WAITS = 200_000;
/** Connections that are being opened at a time. */
export const OPENING = 32;
/** What goes there and back on each connection. */
export const GREETING: Uint8Array<ArrayBuffer> = new TextEncoder().encode("hello");
/** How long the list of waiting connections is. */
export const BACKLOG = 4096;

/** How many milliseconds of processor time go into warming up. */
const WARM_MS = 300;
/** So many are enough to warm up. */
const WARM_N = 1000;
/** A work is done again until so much processor time has been spent. */
const ENOUGH_MS = 300;
/** But not longer than this, for those that sleep. */
const LIMIT_MS = 2000;

/** How often each of n does it, so that all together do it `total` times, and each at least twice. */
export function turns(n: number, total: number): number {
  return Math.max(2, Math.ceil(total / n));
}

/** Processor time of this process so far, in nanoseconds. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/** Measures from when n have come until n have gone. */
export class Meter {
  readonly #n: number;
  #here = 0;
  #gone = 0;
  #from = 0;
  /** What passed between. */
  ns = 0;

  constructor(n: number) {
    this.#n = n;
  }

  come(): void {
    if (++this.#here === this.#n) this.#from = processorTime();
  }

  go(): void {
    if (++this.#gone === this.#n) this.ns = processorTime() - this.#from;
  }
}

/** What a whole work cost, for one of n. */
export async function whole(n: number, work: () => Promise<unknown>): Promise<number> {
  const from = processorTime();
  await work();
  return (processorTime() - from) / n;
}

/** Does what the command line asks for; exit code 2 if this peer does not know it. */
export async function main(curves: Record<string, Curve>): Promise<never> {
  const [work = "", count = "0"] = Deno.args;
  const curve = curves[work];
  if (curve === undefined) {
    console.error(`Unknown work "${work}"; known are ${Object.keys(curves).join(" ")}`);
    Deno.exit(2);
  }
  const n = Number(count);
  const until = async (ms: number, once: () => Promise<unknown>): Promise<void> => {
    const [spent, end] = [processorTime() + ms * 1e6, performance.now() + LIMIT_MS];
    do await once(); while (processorTime() < spent && performance.now() < end);
  };
  const samples: number[] = [];
  await until(WARM_MS, () => curve(Math.min(n, WARM_N)));
  await until(ENOUGH_MS, async () => samples.push(await curve(n)));
  samples.sort((a, b) => a - b);
  console.log(JSON.stringify({ work, n, ns_per_op: samples[samples.length >> 1] }));
  Deno.exit(0); // taking a million tasks apart is not what is measured
}
