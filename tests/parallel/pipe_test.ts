/** Pipes between threads: order, full pipes, ends of file. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ClosedError,
  run,
  SharedEvent,
  sleep,
  spawn,
  WorkerPool,
  WorkerProcess,
  WouldBlock,
} from "@weft/weft";
import { Connection, pipe } from "../../src/parallel/shared/pipe.ts";
import { law } from "../lib/law.ts";
import { Thread } from "./fixtures/thread.ts";
import { endJobs } from "./fixtures/end_jobs.ts";

law("pipe() connects two threads in both directions, in order", async () => {
  const [here, there] = pipe();
  await using thread = Thread.call("echo", there);
  await run(function* () {
    const sender = spawn(function* () {
      for (let i = 0; i < 500; i++) yield* here.send({ i });
    });
    for (let i = 0; i < 500; i++) assertEquals(yield* here.recv(), { i });
    yield* sender.join();
  });
  here.close();
  assertEquals(await thread.result(), `Cannot receive from ${there}: its other end is closed`);
});

law("pipe(false) has an end that receives and one that sends", async () => {
  const [reader, writer] = pipe<number>(false);
  assertEquals([reader.readable, reader.writable, writer.readable, writer.writable], [
    true,
    false,
    false,
    true,
  ]);
  assertThrows(() => reader.trySend(1), TypeError, "it only receives");
  assertThrows(() => writer.tryRecv(), TypeError, "it only sends");
  writer.trySend(1);
  assertEquals(await reader.recv(), 1);
});

law("A closed pipe gives what was sent, then its end of file", async () => {
  const [a, b] = pipe<string>();
  a.trySend("last");
  a.close();
  assertEquals([await b.poll(), await b.recv()], [true, "last"]);
  assertEquals(await b.poll(), true);
  await assertRejects(() => Promise.resolve(b.recv()), ClosedError, "its other end is closed");
  assertThrows(() => b.trySend("x"), ClosedError, "its other end is closed");
  assertThrows(() => a.tryRecv(), ClosedError, "it is closed");
  assertThrows(() => a.trySend("x"), ClosedError, "it is closed");
  assertEquals([a.closed, b.closed], [true, false]);
});

law("Closing an end wakes those who wait at either", async () => {
  const [a, b] = pipe<number>();
  await run(function* () {
    const waits = [a, b].map((end) =>
      spawn(function* () {
        try {
          yield* end.recv();
        } catch (error) {
          return (error as Error).name;
        }
      })
    );
    yield* sleep(1);
    a.close();
    for (const wait of waits) assertEquals(yield* wait.join(), "ClosedError");
  });
});

for (const how of ["exit", "close"] as const) {
  law(
    `A pipe comes to its end of file when the thread of the other end is gone by ${how}`,
    async () => {
      const [here, there] = pipe();
      await using thread = Thread.call("haveEnd", there, "goodbye", how);
      there.close(); // only the thread has it now
      assertEquals(await here.recv(), "goodbye");
      await assertRejects(
        () => Promise.resolve(here.recv()),
        ClosedError,
        `"${thread.name}", which had its other end, is gone`,
      );
      await assertRejects(() => Promise.resolve(here.send(1)), ClosedError, thread.name);
      assertEquals(await here.poll(), true);
    },
  );
}

law("Connection.poll(ms) waits for something to receive, and takes nothing", async () => {
  const [a, b] = pipe<number>();
  assertEquals([await b.poll(), await b.poll(5)], [false, false]);
  await run(function* () {
    const polls = [1, 2].map(() =>
      spawn(function* () {
        return yield* b.poll(10_000);
      })
    );
    yield* sleep(1);
    a.trySend(7);
    for (const poll of polls) assertEquals(yield* poll.join(), true);
    assertEquals(yield* b.recv(), 7);
  });
  assertThrows(() => b.tryRecv(), WouldBlock, "nothing is there");
});

law("Connection.send() waits while the pipe is full", async () => {
  const [a, b] = pipe<Uint8Array>(true, { bytes: 64 });
  a.trySend(new Uint8Array(50));
  assertThrows(() => a.trySend(new Uint8Array(50)), WouldBlock, "it is full");
  await run(function* () {
    const sender = spawn(function* () {
      yield* a.send(new Uint8Array([1]));
    });
    yield* sleep(1);
    assertEquals((yield* b.recv()).length, 50);
    yield* sender.join();
    assertEquals(yield* b.recv(), new Uint8Array([1]));
  });
});

for (const how of ["closeEnd", "exit", "close"] as const) {
  law(`With two writers the reader reads until both are gone (by ${how})`, async () => {
    const [reader, writer] = pipe<string>(false);
    const gone = [new SharedEvent(), new SharedEvent()];
    await using first = Thread.call("writeThenLeave", writer, "one", gone[0]!, how);
    await using second = Thread.call("writeThenLeave", writer, "two", gone[1]!, how);
    writer.close();
    await Promise.all([first.ready, second.ready]);
    assertEquals([await reader.recv(), await reader.recv()].toSorted(), ["one", "two"]);
    gone[0]!.set();
    if (how !== "closeEnd") await first.gone;
    assertEquals(await reader.poll(120), false);
    gone[1]!.set();
    await assertRejects(() => Promise.resolve(reader.recv()), ClosedError);
  });
}

law("An end that this thread closes stays open in the process that has it", async () => {
  for (const size of [1, 50]) {
    const [parent, child] = pipe<number>();
    const process = new WorkerProcess({ target: endJobs.double, args: [child, size] });
    process.start();
    child.close();
    await run(function* () {
      for (let i = 0; i < size; i++) {
        yield* parent.send(i);
        assertEquals(yield* parent.recv(), 2 * i);
      }
    });
    await assertRejects(() => Promise.resolve(parent.recv()), ClosedError);
    assertEquals(await process.join(), 0);
  }
});

law("An end on its way to a job may be closed here as soon as it was submitted", async () => {
  await using pool = new WorkerPool(1);
  const [parent, child] = pipe<number>();
  const before = pool.submit(endJobs.rest, 50);
  const job = pool.submit(endJobs.double, child, 1);
  child.close();
  await parent.send(4);
  assertEquals([await parent.recv(), await job, await before], [8, 1, 50]);
});

law("An end that was on its way to a process that never came up is gone", async () => {
  const [parent, child] = pipe<number>();
  const process = new WorkerProcess({
    target: endJobs.double,
    args: [child, 1],
    report: () => {},
  });
  process.start();
  child.close();
  process.kill();
  await assertRejects(() => Promise.resolve(parent.recv()), ClosedError);
  assertEquals(await process.join(), -9);
});

law("Copies of an end in one thread count each, and a closed one cannot be passed on", async () => {
  const [a, b] = pipe<number>();
  const copy = Connection.from(b.share());
  b.close();
  b.close();
  assertThrows(() => b.share(), ClosedError, `Cannot pass ${b} on: it is closed`);
  copy.trySend(1);
  assertEquals(await a.recv(), 1);
  assertThrows(() => a.tryRecv(), WouldBlock);
  const handle = copy.share();
  copy.close();
  assertThrows(() => a.tryRecv(), WouldBlock); // it is on its way
  const ends = [Connection.from(handle), Connection.from(handle)];
  ends[0]!.close();
  assertThrows(() => a.tryRecv(), WouldBlock);
  ends[1]!.close();
  assertThrows(() => a.tryRecv(), ClosedError, "its other end is closed");
});
