/** A circle of waits that is known, and thousands who come behind it. */
import { assertEquals } from "@std/assert";
import { type Lock, run, type SharedLock, spawn } from "@weft/weft";
import { threadMs } from "./cpu_time.ts";

/** What is made: locks, as many as are in the circle, and the waiters of each of the two parts. */
export interface Circle {
  readonly lock: () => Lock | SharedLock;
  readonly locks: number;
  readonly waiters: number;
}

/** The processor time that each of two parts of waiters takes; the circle is told of once. */
export async function costsBehind(circle: Circle): Promise<[number, number]> {
  let told = 0;
  const costs: [number, number] = [0, 0];
  await run(function* () {
    const locks = Array.from({ length: circle.locks }, circle.lock);
    const ring = locks.map((lock, i) =>
      spawn(function* () {
        using _one = yield* lock.acquire();
        yield;
        using _two = yield* locks[(i + 1) % locks.length]!.acquire();
      })
    );
    for (let i = 0; i < 5; i++) yield;
    assertEquals(told, 1);
    const waiters = [];
    for (const part of costs.keys()) {
      const before = threadMs();
      for (let i = 0; i < circle.waiters; i++) {
        waiters.push(spawn(function* () {
          using _one = yield* locks[i % locks.length]!.acquire();
        }));
      }
      yield;
      yield;
      costs[part] = threadMs() - before;
    }
    for (const task of [...ring, ...waiters]) task.cancel();
    for (const task of ring) yield* task.join();
  }, { warn: () => void told++ });
  assertEquals(told, 1);
  return costs;
}
