/** Waiting for the first of several: ends of pipes, futures, processes; by connectionWait and by poll. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connectionWait,
  EventRegistry,
  fileno,
  pipe,
  POLLHUP,
  POLLIN,
  POLLOUT,
  run,
  sleep,
  spawn,
  WorkerPool,
  WorkerProcess,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { endJobs } from "./fixtures/end_jobs.ts";

law(
  "connectionWait() gives those that are ready, in the order of the list, and takes nothing",
  async () => {
    const [[a, b], [c, d], [e]] = [pipe<number>(), pipe<number>(), pipe<number>()];
    assertEquals(await connectionWait([a, c, e], 0), []);
    assertEquals(await connectionWait([a, c, e], 5), []);
    assertEquals(await connectionWait([]), []);
    d.trySend(1);
    b.close();
    assertEquals(await connectionWait([a, c, e]), [a, c]);
    assertEquals(await connectionWait([e, c, a]), [c, a]);
    assertEquals(c.tryRecv(), 1);
    e.close();
    assertEquals(await connectionWait([c, e]), [e]);
  },
);

for (const lane of ["function*", "async function*"] as const) {
  law(
    `connectionWait() wakes when the first is ready, and a cancel leaves all (${lane})`,
    async () => {
      const [[a, b], [c, d]] = [pipe<number>(), pipe<number>()];
      await run(function* () {
        const wait = lane === "function*"
          ? function* () {
            return yield* connectionWait([a, c]);
          }
          : async function* () {
            return yield* connectionWait([a, c]);
          };
        const first = spawn(wait);
        const cancelled = spawn(wait);
        yield* sleep(1);
        cancelled.cancel();
        yield* cancelled.join();
        d.trySend(7);
        assertEquals(yield* first.get(), [c]);
        b.trySend(8);
        assertEquals([yield* c.recv(), yield* a.recv()], [7, 8]);
      });
    },
  );
}

law("connectionWait() takes futures and processes, too", async () => {
  await using pool = new WorkerPool(1);
  const [here, there] = pipe<number>();
  const process = new WorkerProcess({ target: endJobs.rest, args: [20_000] });
  process.start();
  const job = pool.submit(endJobs.rest, 1);
  assertEquals(await connectionWait([here, job, process]), [job]);
  process.kill();
  assertEquals(await connectionWait([here, process, process.sentinel]), [
    process,
    process.sentinel,
  ]);
  assertEquals([await process.exitFuture, process.exitFuture.value], [-9, -9]);
  there.trySend(1);
  assertEquals(await connectionWait([here, job, process.exitFuture]), [
    here,
    job,
    process.exitFuture,
  ]);
  const failing = pool.submit(endJobs.double, there, -1);
  const broken = pool.submit(endJobs.double, null as never, 1);
  assertEquals(await connectionWait([broken]), [broken]);
  assert(broken.failed);
  await failing;
});

law("connectionWait() says what it cannot wait for", async () => {
  for (const wrong of [null, 5, "text", {}, []]) {
    assertThrows(() => connectionWait([wrong as never]), TypeError, "Cannot wait for");
  }
  assertThrows(() => connectionWait("ab" as never), TypeError, "it must be an array");
  assertThrows(() => connectionWait([pipe()[0]], -1), RangeError);
  const [reader, writer] = pipe(false);
  await assertRejects(() => Promise.resolve(connectionWait([writer])), TypeError, "it only sends");
  reader.close();
});

law(
  "exitFuture settles with the exit code, also before the start, and tells each link",
  async () => {
    const process = new WorkerProcess({ target: endJobs.rest, args: [1] });
    const { exitFuture } = process;
    const told: number[] = [];
    exitFuture.link((code) => told.push(code));
    exitFuture.link(() => {
      throw new Error("a link of a test fails");
    });
    await assertRejects(() => Promise.resolve(exitFuture.get(5)), Error, "exitFuture");
    process.start();
    assertEquals([await exitFuture.get(), exitFuture.done, told], [0, true, [0]]);
    exitFuture.link((code) => told.push(code));
    assertEquals(told, [0, 0]);
  },
);

law("A registry polls ends of pipes, futures and processes", async () => {
  const registry = new EventRegistry();
  await using pool = new WorkerPool(1);
  const [here, there] = pipe<number>(true, { bytes: 64 });
  const process = new WorkerProcess({ target: endJobs.rest, args: [30] });
  const job = pool.submit(endJobs.rest, 10);
  const names = new Map<number, unknown>();
  for (const each of [here, job, process.sentinel]) {
    names.set(fileno(each.handle), each);
    registry.register(each, POLLIN);
  }
  assertEquals((await registry.poll(0)).length, 0);
  process.start();
  const seen = new Set<unknown>();
  const note = async () => {
    for (const [fd] of await registry.poll(10_000)) {
      seen.add(names.get(fd));
      registry.unregister(fd);
    }
  };
  while (seen.size < 2) await note();
  assertEquals([seen.has(job), seen.has(process.sentinel)], [true, true]);
  there.trySend(1);
  await note();
  assert(seen.has(here));
  registry.register(here, POLLIN | POLLOUT);
  const mask = async () => (await registry.poll(10_000))[0]?.[1];
  assertEquals(await mask(), POLLIN | POLLOUT);
  here.tryRecv();
  assertEquals(await mask(), POLLOUT);
  here.trySend(1);
  here.trySend(2);
  here.trySend(3);
  here.trySend(4);
  assertEquals((await registry.poll(0)).length, 0);
  there.tryRecv();
  there.tryRecv();
  assertEquals(await mask(), POLLOUT);
  there.close();
  assertEquals((await mask())! & (POLLIN | POLLHUP), POLLIN | POLLHUP);
  here.close();
  registry.close();
});
