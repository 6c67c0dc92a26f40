/** Pipes between threads: order, full pipes, ends of file. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ClosedError, run, sleep, spawn, WouldBlock } from "@weft/weft";
import { pipe } from "../../src/parallel/shared/pipe.ts";
import { law } from "../lib/law.ts";
import { Thread } from "./fixtures/thread.ts";

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
