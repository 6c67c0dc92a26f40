/** Random schedules of a capacity limiter, beside a model of it. */
import { assert, assertEquals } from "@std/assert";
import { run, sleep, spawn } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { seededChoose } from "../../src/kernel/choose.ts";
import { CapacityLimiter } from "../../src/sync/capacity_limiter.ts";

/** Plays so many random schedules, of which each must go as a list of borrowers says. */
export async function playBorrowers(count: number): Promise<void> {
  for (let seed = 1; seed <= count; seed++) {
    const choose = seededChoose(seed);
    const limiter = new CapacityLimiter(choose(3));
    /** The model: how many tokens there are, who has one, and who waits, in order. */
    let total = limiter.total;
    const have = new Set<number>();
    const line: number[] = [];
    const serve = (): void => {
      while (have.size < total && line.length > 0) have.add(line.shift()!);
    };
    const setTotal = (count: number): void => {
      total = limiter.total = count;
      serve();
    };
    const borrow = function* (i: number) {
      for (let n = choose(3); n > 0; n--) yield;
      line.push(i);
      serve();
      const token = yield* limiter.acquire();
      assert(have.has(i), `seed ${seed}: ${i} got a token out of turn`);
      for (let n = choose(3); n > 0; n--) yield* sleep(choose(2));
      have.delete(i);
      serve();
      token[Symbol.dispose]();
      assertEquals(limiter.borrowed, have.size, `seed ${seed}`);
    };
    await run(function* () {
      const tasks = Array.from({ length: 6 }, (_, i) => spawn(borrow, i));
      for (let n = choose(6); n > 0; n--) {
        if (choose(2) === 0) yield;
        else yield* sleep(1);
        if (choose(2) === 0) setTotal(choose(4));
        const victim = line[choose(6)];
        if (victim === undefined) continue;
        line.splice(line.indexOf(victim), 1);
        tasks[victim]!.cancel();
      }
      setTotal(1 + choose(3));
      for (const task of tasks) yield* task.join();
    }, { clock: new VirtualClock(), ...choose(2) === 0 ? {} : { seed } });
    assertEquals([have.size, line.length, limiter.borrowed], [0, 0, 0], `seed ${seed}`);
  }
}
