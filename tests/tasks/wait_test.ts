import { assert, assertRejects, assertThrows } from "@std/assert";
import { Cancelled, run, sleep, spawn, wait } from "@weft/weft";
import { law } from "../lib/law.ts";

law("wait() ends with an outer signal's reason, and fires its own when cancelled", async () => {
  await run(async function* () {
    const controller = new AbortController();
    const task = spawn(async function* () {
      yield* wait(new Promise(() => {}), { signal: controller.signal });
    });
    yield* sleep(1);
    controller.abort(new Error("outer"));
    await assertRejects(async () => await task.get(), Error, "outer");

    let inner: AbortSignal | undefined;
    const waiter = spawn(async function* () {
      yield* wait((signal) => {
        inner = signal;
        return new Promise(() => {});
      });
    });
    yield* sleep(1);
    waiter.cancel("gone");
    assert(inner!.aborted && inner!.reason instanceof Cancelled);
    yield* waiter.join();
    assertThrows(() => wait(5 as unknown as Promise<number>), TypeError, "5");
  });
});
