/** Processes and memory that is shared on purpose. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { WorkerProcess } from "../../src/parallel/process/worker_process.ts";
import { SharedLock } from "../../src/parallel/shared/lock.ts";
import { SharedValue } from "../../src/parallel/shared/value.ts";
import { law } from "../lib/law.ts";
import { Adder, block, countUnderLock, dieWithLock, shareCount } from "./fixtures/process_share.ts";

law("Workers share memory where it is shared on purpose, and subprocesses refuse it", async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const process = new WorkerProcess({ target: shareCount, args: [words] });
  process.start();
  await process.join();
  assertEquals(words[0], 1);
  const other = new WorkerProcess({ target: shareCount, args: [words], backend: "subprocess" });
  assertThrows(() => other.start(), TypeError, "could not be cloned");
  const lock = new SharedLock();
  const third = new WorkerProcess({
    target: dieWithLock,
    args: [lock, "exit"],
    backend: "subprocess",
  });
  assertThrows(() => third.start(), TypeError, "to another process");
});

law("A lock that processes get as an argument keeps them apart", async () => {
  const lock = new SharedLock();
  const words = new Int32Array(new SharedArrayBuffer(4));
  const processes = Array.from(
    { length: 3 },
    () => new WorkerProcess({ target: countUnderLock, args: [lock, words, 5000] }),
  );
  for (const process of processes) process.start();
  for (const process of processes) assertEquals(await process.join(), 0);
  assertEquals(words[0], 15_000);
});

law("A shared value in a field of a process is the same over there", async () => {
  const total = new SharedValue("int32", 0);
  const adders = [new Adder(total), new Adder(total)];
  for (const adder of adders) adder.start();
  for (const adder of adders) assertEquals(await adder.join(), 0);
  assertEquals(total.value, 2000);
});

for (const how of ["exit", "throw"] as const) {
  law(
    `A process that ends (${how}) with a lock in its hands is named to whoever waits`,
    async () => {
      const lock = new SharedLock();
      const process = new WorkerProcess({
        target: dieWithLock,
        args: [lock, how],
        name: "holder",
        report: () => {},
      });
      process.start();
      await process.join();
      const error = await Promise.resolve(lock.acquire()).catch((error) => error);
      assert(error instanceof Error && error.message.includes("holder"), String(error));
    },
  );
}

law("A process that is blocked on a lock ends when it is asked to stop", async () => {
  const lock = new SharedLock();
  const up = new Int32Array(new SharedArrayBuffer(4));
  using _guard = lock.tryAcquire();
  const process = new WorkerProcess({ target: block, args: [lock, up] });
  process.start();
  while (Atomics.load(up, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  process.stop();
  assertEquals(await process.join(), -15);
});
