/**
 * The checksums that the cells must report, worked out without any engine, and for the computation in
 * another way than the tasks do it: so a mistake that all engines share is found, too.
 */
import type { Size, Workload } from "./plan.ts";
import { add, answerTo, LIMIT, saying } from "./work.ts";

/** The checksum of a workload of this size. */
export function expectedChecksum(workload: Workload, { tasks, rounds }: Size): number {
  const result = resultOf(workload, rounds);
  let sum = 0;
  for (let id = 0; id < tasks; id++) sum = add(sum, result(id));
  return sum;
}

function resultOf(workload: Workload, rounds: number): (id: number) => number {
  switch (workload) {
    case "io":
      return answerTo;
    case "cpu":
      return nthPrime();
    case "mixed": {
      const prime = nthPrime();
      return (id) => prime(answerTo(id));
    }
    case "echo":
      return (id) => {
        let sum = 0;
        for (let round = 0; round < rounds; round++) sum = add(sum, saying(id, round));
        return sum;
      };
  }
}

/** Lists the primes once, by striking out the multiples of each; gives a look-up in that list. */
function nthPrime(): (n: number) => number {
  const primes: number[] = [];
  const struck = new Array<boolean>(LIMIT).fill(false);
  for (let n = 2; n < LIMIT; n++) {
    if (struck[n]) continue;
    primes.push(n);
    for (let multiple = 2 * n; multiple < LIMIT; multiple += n) struck[multiple] = true;
  }
  return (n) => primes[n % primes.length]!;
}
