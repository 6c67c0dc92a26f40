import { assert, assertEquals } from "@std/assert";
import { run, sleep, spawn, spawnLater, withTimeout } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { cancelSleepers, wakeInOrder } from "../lib/sleepers.ts";

law("Ten thousand sleepers wake in the order of their deadlines", () => wakeInOrder(10_000));

law(
  "Ten thousand cancelled sleepers leave no timer, and wake nobody",
  () => cancelSleepers(10_000),
);

law("Sleepers with one deadline wake in the order in which they fell asleep", async () => {
  const order: number[] = [];
  await run(function* () {
    for (let i = 0; i < 5; i++) {
      spawn(async function* () {
        yield* sleep(5);
        order.push(i);
      });
    }
  }, { clock: new VirtualClock() });
  assertEquals(order, [0, 1, 2, 3, 4]);
});

law("The virtual clock waits for what the host is bound to finish", async () => {
  const clock = new VirtualClock();
  const order: string[] = [];
  await run(function* () {
    spawn(function* () {
      yield* sleep(60_000);
      order.push(`timer at ${clock.now()}`);
    });
    yield new Promise((resolve) => setTimeout(resolve, 3));
    order.push(`promise at ${clock.now()}`);
  }, { clock });
  assertEquals(order, ["promise at 0", "timer at 60000"]);
});

law(
  "A timer that is set after a foreign await rings, though nothing else rouses the run",
  async () => {
    const log: string[] = [];
    await run(async function* () {
      await new Promise((resolve) => setTimeout(resolve, 2));
      yield* sleep(1);
      log.push("slept");
      await new Promise((resolve) => setTimeout(resolve, 2));
      const later = Promise.withResolvers<void>();
      spawnLater(1, function* () {
        log.push("spawned later");
        later.resolve();
      });
      await later.promise;
      log.push("after");
    });
    assertEquals(log, ["slept", "spawned later", "after"]);
  },
);

law("A timeout that does not fire leaves the virtual clock where it was", async () => {
  const clock = new VirtualClock();
  await run(function* () {
    for (let i = 0; i < 1000; i++) yield* withTimeout(1e6, sleep(1));
  }, { clock });
  assertEquals(clock.now(), 1000);
});

law("A task that cedes for ever starves neither timers nor other tasks", async () => {
  for (const lane of ["fast", "async"] as const) {
    let isAwake = false;
    await run(function* () {
      const hog = lane === "fast"
        ? function* () {
          for (;;) yield;
        }
        : async function* () {
          for (;;) yield;
        };
      spawn(hog).daemon = true;
      yield* sleep(1);
      isAwake = true;
    });
    assert(isAwake); // a starved timer would never come, and this would hang
  }
}, 60_000);

law("A host timer fires while tasks cede for ever", async () => {
  let fired = false;
  await run(function* () {
    const timer = setTimeout(() => fired = true, 1);
    while (!fired) yield;
    clearTimeout(timer);
  });
  assert(fired);
});
