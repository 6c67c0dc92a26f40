/**
 * The works of the pool rows, for every pool that is written in JavaScript, on Deno or Node.
 *
 * A pool is shown as a `call`, and a `map` if it has one; what is asked of it is the same for all. As
 * with the other peers: called with WORK and N, one JSON line, exit code 2 for a work that isn't known.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { WORKERS } from "./pool_tasks.mjs";

/**
 * A pool of {@linkcode WORKERS} workers, which know the functions of pool_tasks.mjs.
 *
 * @typedef {object} Pool
 * @property {(name: string, argument: unknown, moved?: ArrayBuffer[]) => PromiseLike<unknown>} call
 *   Calls a function there; `moved` is what to transfer.
 * @property {(name: string, items: number[]) => PromiseLike<unknown[]>} [map]
 *   The pool's own way of calling it for many.
 */

/**
 * Does a work that is about `n` and gives a value, or several by name.
 *
 * @typedef {(n: number) => Promise<number | Record<string, number>>} Work
 */

/** One long task in so many. */
const EVERY = 16;
/** Arguments of `fib` that take some ten milliseconds, and a tenth of one. */
const [LONG, SHORT] = [32, 20];
/** What is busy at the head of the line, and what stands behind it. */
const [HEAD_MS, BEHIND_MS, BEHIND] = [75, 0.01, 40];
const MIB = 1 << 20;
/** After so many milliseconds a work is not repeated again. */
const ENOUGH = 1500;

/**
 * @param {readonly number[]} samples
 * @returns {number}
 */
export function median(samples) {
  return samples.toSorted((a, b) => a - b)[samples.length >> 1];
}

/**
 * @param {() => PromiseLike<unknown>} run
 * @returns {Promise<number>} How many milliseconds it took.
 */
export async function clocked(run) {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

/**
 * The median of several runs within one process; of fewer, if they are slow.
 *
 * @param {number} times
 * @param {() => PromiseLike<unknown>} run
 */
export async function repeated(times, run) {
  const samples = [];
  const began = performance.now();
  while (samples.length < times && performance.now() - began < ENOUGH) {
    samples.push(await clocked(run));
  }
  return median(samples);
}

/**
 * @param {unknown} found
 * @param {unknown} wanted
 */
export function expect(found, wanted) {
  if (found !== wanted) throw new Error(`A pool gave ${found} instead of ${wanted}`);
}

/** @param {number} n */
export function upTo(n) {
  return Array.from({ length: n }, (_, i) => i);
}

/** @param {readonly unknown[]} results */
export function expectUpTo(results) {
  for (let i = 0; i < results.length; i++) expect(results[i], i);
}

/**
 * @param {Pool} pool
 * @param {number} n
 */
async function submitAll(pool, n) {
  const calls = [];
  for (let i = 0; i < n; i++) calls.push(pool.call("same", i));
  expectUpTo(await Promise.all(calls));
}

/**
 * Calls `fib` for each, all at once.
 *
 * @param {Pool} pool
 * @param {readonly number[]} list
 */
function fibEach(pool, list) {
  return Promise.all(list.map((n) => pool.call("fib", n)));
}

/** @param {number} n */
export function skewed(n) {
  return upTo(n).map((i) => i % EVERY === 0 ? LONG : SHORT);
}

/** The peak of this process's memory so far, in MiB. */
function peakMemory() {
  const found = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"));
  if (found === null) throw new Error("this system does not say");
  return Number(found[1]) / 1024;
}

/** Watches how long this thread lets a timer of a millisecond wait. */
function watchStall() {
  let last = performance.now();
  let most = 0;
  const look = () => {
    const now = performance.now();
    most = Math.max(most, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  return () => {
    clearInterval(timer);
    look();
    return most;
  };
}

/**
 * Everything that can be asked of a pool.
 *
 * @param {() => Pool} open
 * @returns {Record<string, Work>}
 */
function worksOf(open) {
  return {
    /** One call after another, all at once; nanoseconds each. */
    "submits": async (n) => {
      const pool = open();
      await submitAll(pool, n / 5);
      return await repeated(5, () => submitAll(pool, n)) * 1e6 / n;
    },
    /** The pool's own map; nanoseconds each. */
    "map": async (n) => {
      const pool = open();
      if (pool.map === undefined) unknown("map");
      const map = async () => expectUpTo(await pool.map("same", upTo(n)));
      await map();
      return await repeated(5, map) * 1e6 / n;
    },
    /** A call, its answer, the next call; microseconds. */
    "latency": async (n) => {
      const pool = open();
      const calls = async () => {
        for (let i = 0; i < 100; i++) expect(await pool.call("same", i), i);
      };
      await repeated(Math.ceil(n / 500), calls);
      return await repeated(Math.ceil(n / 100), calls) * 1000 / 100;
    },
    /** Equal tasks that compute; milliseconds for all. */
    "cpu": async (n) => {
      const pool = open();
      const list = Array(n).fill(27);
      await fibEach(pool, list);
      return await repeated(5, () => fibEach(pool, list));
    },
    /** A few long ones among short ones; milliseconds for all. */
    "skew": async (n) => {
      const pool = open();
      const list = skewed(n);
      await fibEach(pool, list);
      return await repeated(5, () => fibEach(pool, list));
    },
    /** The same tasks in one worker; milliseconds for all. */
    "cpu-alone": async (n) => {
      const pool = open();
      const alone = () => pool.call("fibs", Array(n).fill(27));
      await alone();
      return await repeated(5, alone);
    },
    "skew-alone": async (n) => {
      const pool = open();
      const alone = () => pool.call("fibs", skewed(n));
      await alone();
      return await repeated(5, alone);
    },
    /** Short tasks behind a long one of the same function; milliseconds until the last is done. */
    "head-of-line": async (n) => {
      const pool = open();
      await Promise.all(upTo(200).map(() => pool.call("spin", BEHIND_MS)));
      const samples = [];
      for (let i = 0; i < n; i++) {
        const head = pool.call("spin", HEAD_MS);
        samples.push(
          await clocked(() => Promise.all(upTo(BEHIND).map(() => pool.call("spin", BEHIND_MS)))),
        );
        await head;
      }
      return median(samples);
    },
    "transfer": (n) => bulk(open(), n, true),
    "clone": (n) => bulk(open(), n, false),
    /** From nothing until all workers have answered; milliseconds. */
    "start": async () => {
      const memory = new SharedArrayBuffer(4);
      return await clocked(async () => {
        const pool = open();
        const met = await Promise.all(upTo(WORKERS).map(() => pool.call("meet", memory)));
        for (const there of met) expect(there, WORKERS);
      });
    },
    /** What very many calls at once do to a process whose pool is up, and to its main thread. */
    "queued": async (n) => {
      const pool = open();
      await submitAll(pool, WORKERS);
      const before = peakMemory();
      const stalled = watchStall();
      await submitAll(pool, n);
      return { stall_ms: stalled(), grown_mib: peakMemory() - before };
    },
  };
}

/**
 * Sends n times a MiB; milliseconds for all.
 *
 * @param {Pool} pool
 * @param {number} n
 * @param {boolean} moving
 */
async function bulk(pool, n, moving) {
  /** @param {Uint8Array[]} pieces */
  const send = async (pieces) => {
    const calls = pieces.map((bytes) =>
      pool.call("lengthOf", bytes, moving ? [bytes.buffer] : undefined)
    );
    for (const length of await Promise.all(calls)) expect(length, MIB + 2);
    for (const { byteLength } of pieces) expect(byteLength, moving ? 0 : MIB);
  };
  const fresh = () => upTo(n).map(() => new Uint8Array(MIB).fill(1));
  let pieces = fresh();
  await send(pieces);
  const samples = [];
  const began = performance.now();
  while (samples.length < 9 && performance.now() - began < ENOUGH) {
    if (moving) pieces = fresh();
    samples.push(await clocked(() => send(pieces)));
  }
  return median(samples);
}

/**
 * @param {string} work
 * @returns {never}
 */
function unknown(work) {
  console.error(`Unknown work "${work}"`);
  process.exit(2);
}

/**
 * Does what the command line asks for.
 *
 * @param {() => Pool} open Makes a pool.
 * @param {Record<string, Work>} more What else this one can do.
 */
export async function main(open, more = {}) {
  const [name = "", count = "0"] = process.argv.slice(2);
  const n = Number(count);
  const work = { ...worksOf(open), ...more }[name];
  if (work === undefined) unknown(name);
  const found = await work(n);
  const values = typeof found === "number" ? { value: found } : found;
  console.log(JSON.stringify({ work: name, n, ...values }));
  process.exit(0); // taking a pool apart is not what is measured
}
