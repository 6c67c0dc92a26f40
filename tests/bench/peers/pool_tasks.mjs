/**
 * What the workers of every pool are asked to do: functions of one argument.
 *
 * Plain JavaScript, as all that Node's pools share with Deno's: one file, so that a ratio between two
 * pools is never one between two fibs.
 */

/** How many workers each pool has. */
export const WORKERS = 2;

/** How many milliseconds `meet` waits for the others. */
const PATIENCE = 10_000;

/**
 * Gives back what it got.
 *
 * @param {number} n
 * @returns {number}
 */
export function same(n) {
  return n;
}

/**
 * Computes.
 *
 * @param {number} n
 * @returns {number}
 */
export function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/**
 * Several in one call: what one worker takes without a pool around it.
 *
 * @param {readonly number[]} list
 * @returns {number}
 */
export function fibs(list) {
  let sum = 0;
  for (const n of list) sum += fib(n);
  return sum;
}

/**
 * Keeps its thread for a time, whatever the machine.
 *
 * @param {number} ms
 * @returns {number}
 */
export function spin(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
}

/**
 * Looks at bytes that came over.
 *
 * @param {Uint8Array} bytes
 * @returns {number}
 */
export function lengthOf(bytes) {
  return bytes.byteLength + bytes[0] + bytes[bytes.byteLength - 1];
}

/**
 * Blocks until every worker is here, and gives their number: nobody can answer for another.
 *
 * @param {SharedArrayBuffer} memory
 * @returns {number}
 */
export function meet(memory) {
  const seats = new Int32Array(memory);
  let here = Atomics.add(seats, 0, 1) + 1;
  if (here === WORKERS) Atomics.notify(seats, 0);
  while (here < WORKERS) {
    if (Atomics.wait(seats, 0, here, PATIENCE) === "timed-out") break;
    here = Atomics.load(seats, 0);
  }
  return here;
}
