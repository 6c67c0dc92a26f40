import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { Cancelled, sleep, spawn, TimeoutError } from "@weft/weft";
import { law } from "../lib/law.ts";
import { nap, thrown, virtually } from "../lib/virtual.ts";

law("get(ms) throws TimeoutError and join(ms) gives up, both leaving the task alone", async () => {
  await virtually(async function* () {
    const task = spawn(nap, 10, "done");
    assertEquals(yield* task.join(2), undefined);
    assertInstanceOf(yield* thrown(task.get(2)), TimeoutError);
    assertEquals(task.done, false);
    assertEquals(yield* task.get(20), "done");
  });
});

law(
  "A cancelled task: join() lets it pass, get() throws its Cancelled, successful is false",
  async () => {
    await virtually(async function* () {
      const task = spawn(nap, 10, "never");
      yield* sleep(1);
      task.cancel("stop");
      assertEquals(yield* task.join(), undefined);
      const error = yield* thrown(task.get());
      assertInstanceOf(error, Cancelled);
      assertEquals([error.source, error.reason], ["explicit", "stop"]);
      assertEquals([task.done, task.cancelled, task.successful, task.value], [
        true,
        true,
        false,
        undefined,
      ]);
      assertStrictEquals(task.error, error);
    });
  },
);

law("A task's signal fires with its Cancelled, also for one who asks too late", async () => {
  await virtually(async function* () {
    const task = spawn(nap, 10, 1);
    const { signal } = task;
    yield* sleep(1);
    task.cancel("why");
    assert(signal.aborted && signal.reason instanceof Cancelled && signal.reason.reason === "why");
    assert(task.signal.aborted);
    yield* task.join();
  });
});
