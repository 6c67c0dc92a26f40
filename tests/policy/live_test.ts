/** The policies on live tasks: the order is the simulator's, and a quantum is honest. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  fcfs,
  type Job,
  mlfq,
  priority,
  rr,
  run,
  simulate,
  sjf,
  sleep,
  spawn,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import fc from "fast-check";
import { runLive } from "../../examples/lib/scheduling/live.ts";
import { POLICIES } from "../../examples/lib/scheduling/policies.ts";
import { law } from "../lib/law.ts";

const times = fc.oneof(fc.nat(15), fc.nat(150).map((n) => n / 10));
const sets = fc.array(
  fc.record({
    arrival: times,
    burst: fc.integer({ min: 1, max: 12 }),
    priority: fc.nat(3),
    io: fc.array(fc.tuple(fc.nat(12), fc.integer({ min: 1, max: 6 })), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 6 },
).map((jobs) =>
  jobs.map((job, at): Job => ({
    ...job,
    name: `J${at}`,
    io: [...new Map(job.io.filter(([after]) => after <= job.burst)).entries()]
      .toSorted(([a], [b]) => a - b),
  }))
);

for (const [name, make] of Object.entries(POLICIES)) {
  law(`${name}: live tasks run in the simulator's order`, async () => {
    await fc.assert(
      fc.asyncProperty(sets, fc.integer({ min: 1, max: 5 }), async (jobs, quantum) => {
        assertEquals(await runLive(jobs, name, quantum), [...simulate(jobs, make(quantum)).gantt]);
      }),
      { numRuns: 60 },
    );
  });
}

law("A bare yield before the end of the quantum goes on at once, in both lanes", async () => {
  for (const lane of ["fast", "async"]) {
    const policy = rr(10);
    const steps: string[] = [];
    await run(function* () {
      for (const name of ["A", "B"]) {
        spawn(
          lane === "fast"
            ? function* () {
              for (let i = 0; i < 3; i++) {
                steps.push(name);
                yield* policy.burst(3);
                yield;
              }
            }
            : async function* () {
              for (let i = 0; i < 3; i++) {
                steps.push(name);
                yield* policy.burst(3);
                yield;
              }
            },
        );
      }
    }, { policy, clock: new VirtualClock() });
    assertEquals(steps.join(""), "AAABBB", lane);
  }
});

law("Time is charged to the task that used it, also on the machine's clock", async () => {
  const policy = mlfq({ quanta: [2, 4, 8] });
  const order: string[] = [];
  await run(function* () {
    spawn(function* () {
      yield* policy.burst(6);
      order.push("long");
    });
    spawn(function* () {
      yield* policy.burst(0.5);
      order.push("short");
    });
  }, { policy });
  assertEquals(order, ["short", "long"]);
});

law("Undeclared bursts are predicted from those before", async () => {
  const policy = sjf();
  const clock = new VirtualClock();
  const order: string[] = [];
  await run(function* () {
    for (const [name, ms] of [["long", 9], ["short", 1]] as const) {
      spawn(function* () {
        for (let round = 0; round < 3; round++) {
          yield* policy.burst(ms);
          order.push(name);
          yield* sleep(100 - clock.now() % 100);
        }
      });
    }
  }, { policy, clock });
  assertEquals(order, ["long", "short", "short", "long", "short", "long"]);
});

law("A cancel lands in a burst where it gives way", async () => {
  const policy = rr(1);
  const clock = new VirtualClock();
  await assertRejects(
    () =>
      run(async function* () {
        yield* withTimeout(5, policy.burst(100));
      }, { policy, clock }),
    Error,
    "5 ms",
  );
  assert(clock.now() >= 5 && clock.now() < 7, String(clock.now()));
});

law("A policy serves tasks that it was told nothing of", async () => {
  for (const policy of [fcfs(), rr(), sjf(), priority({ preemptive: true, aging: 1 }), mlfq()]) {
    const sum = await run(async function* () {
      const tasks = [1, 2, 3].map((n) =>
        spawn(async function* () {
          yield* sleep(n);
          await new Promise((resolve) => setTimeout(resolve, 1));
          yield;
          return n;
        })
      );
      let total = 0;
      for (const task of tasks) total += yield* task.get();
      return total;
    }, { policy });
    assertEquals(sum, 6, policy.name);
  }
});

law("A policy refuses what is no quantum, no share, no priority", () => {
  assertThrows(() => rr(0), RangeError, "0");
  assertThrows(() => rr(NaN), RangeError, "NaN");
  assertThrows(() => mlfq({ quanta: [] }), RangeError, "one per queue");
  assertThrows(() => mlfq({ boost: -1 }), RangeError, "-1");
  assertThrows(() => priority({ aging: Infinity }), RangeError, "Infinity");
});
