/**
 * What the peers in TypeScript share. A peer is called with WORK and N, does the work N times, and
 * prints one JSON line. A server is called with its name and a port (0: any), prints
 * `listening PORT`, and runs until its stdin closes.
 */

/** Does a work n times. */
export type Speed = (n: number) => Promise<unknown>;

/** What a peer can do, by the name of the work. */
export interface Works {
  /** Timed. */
  speeds?: Record<string, Speed>;
  /** Leave n tasks parked; their memory is looked at. */
  parks?: Record<string, Speed>;
  /** Serve at a port; give the port that it became. */
  servers?: Record<string, (port: number) => number>;
}

/** How many tasks share the rounds of the "crowd" works. */
export const CROWD = 100;
/** How many of a crowd the semaphore lets in. */
export const PERMITS = 10;
/** Who sends into a channel. */
export const PRODUCERS = 1000;
/** How many places that has. */
export const PLACES = 1;
/** And how many a roomy one has. */
export const ROOMY = 64;

/** How many milliseconds sleeper i sleeps: 0 to 99.9, in an order that is not the order of starting. */
export function nap(i: number): number {
  return (i * 7919) % 1000 / 10;
}

/** Runs a work once to warm up and once with the clock on it, and says what a round took. */
async function timed(speed: Speed, n: number): Promise<number> {
  await speed(Math.max(1, Math.floor(n / 5)));
  const began = performance.now();
  await speed(n);
  return (performance.now() - began) * 1e6 / n;
}

async function bytesPerTask(park: Speed, n: number): Promise<number> {
  const before = Deno.memoryUsage().rss;
  await park(n);
  await new Promise((resolve) => setTimeout(resolve, 300));
  return (Deno.memoryUsage().rss - before) / n;
}

/** Does what the command line asks for; exit code 2 if this peer does not know it. */
export async function main({ speeds = {}, parks = {}, servers = {} }: Works): Promise<void> {
  const [work = "", count = "0"] = Deno.args;
  const n = Number(count);
  if (work in speeds) {
    console.log(JSON.stringify({ work, n, ns_per_op: await timed(speeds[work]!, n) }));
  } else if (work in parks) {
    console.log(JSON.stringify({ work, n, bytes_per_task: await bytesPerTask(parks[work]!, n) }));
  } else if (work in servers) {
    console.log(`listening ${servers[work]!(n)}`);
    for await (const _ of Deno.stdin.readable);
  } else {
    const known = Object.keys({ ...speeds, ...parks, ...servers }).join(" ");
    console.error(`Unknown work "${work}"; known are ${known}`);
    Deno.exit(2);
  }
  Deno.exit(0); // taking a million tasks apart is not what is measured
}
