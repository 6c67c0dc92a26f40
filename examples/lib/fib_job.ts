/** A computation that takes long, as a function and as a job. */
import { jobs } from "@weft/weft";

/** The largest number that is computed: some seconds of work. */
export const MOST = 42;

/** The nth Fibonacci number, the slow way. */
function slowFib(n: number): number {
  return n < 2 ? n : slowFib(n - 1) + slowFib(n - 2);
}

export const { fib } = jobs(import.meta, { fib: (n: number): number => slowFib(n) });
