import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  ClosedError,
  DeadlockError,
  type Operation,
  run,
  sleep,
  spawn,
  WouldBlock,
} from "@weft/weft";
import { assertCheckpoint, sweepCancel, VirtualClock } from "@weft/weft/testing";
import { Channel } from "../../src/sync/channel.ts";
import { EndOfChannel } from "../../src/sync/channel_core.ts";
import { law } from "../lib/law.ts";

/** Waits for what must fail, and evaluates to the error. */
function* failure(operation: Operation<unknown>): Generator<unknown, Error, unknown> {
  try {
    yield* operation;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not fail");
}

law("A channel of capacity 0 is a rendezvous: send() ends when the item was taken", async () => {
  const log: string[] = [];
  await run(function* () {
    const { sender, receiver } = new Channel<number>(0);
    assertThrows(() => sender.trySend(0), WouldBlock, "no room");
    const producer = spawn(function* () {
      for (const item of [1, 2]) {
        yield* sender.send(item);
        log.push(`sent ${item}`);
      }
    });
    yield* sleep(5);
    assertEquals(log, []);
    assertEquals(receiver.statistics().size, 0);
    assertEquals(yield* receiver.receive(), 1);
    yield* sleep(5);
    assertEquals(log, ["sent 1"]);
    assertEquals(receiver.tryReceive(), 2);
    yield* producer.join();
  }, { clock: new VirtualClock() });
});

law("A channel holds as much as its capacity, and tells the most it has held", async () => {
  await run(function* () {
    const { sender, receiver } = new Channel<number>(2);
    for (let i = 0; i < 4; i++) {
      spawn(async function* () {
        yield* sender.send(i);
      });
    }
    for (let i = 0; i < 6; i++) yield;
    assertEquals(sender.statistics(), {
      size: 2,
      capacity: 2,
      peak: 2,
      senders: 1,
      receivers: 1,
      sending: 2,
      receiving: 0,
    });
    assertEquals(Object.isFrozen(sender.statistics()), true);
    for (let i = 0; i < 4; i++) assertEquals(yield* receiver.receive(), i);
    assertThrows(() => receiver.tryReceive(), WouldBlock, "nothing was sent");
    assertEquals([receiver.statistics().size, receiver.statistics().peak], [0, 2]);
  });
});

law("A channel of infinite capacity never makes a sender wait", () => {
  const { sender, receiver } = new Channel<number>(Infinity);
  for (let i = 0; i < 1000; i++) sender.trySend(i);
  for (let i = 0; i < 1000; i++) assertEquals(receiver.tryReceive(), i);
});

law("new Channel() refuses a capacity that is no whole number of at least 0", () => {
  for (const capacity of [-1, 0.5, NaN, -Infinity, undefined, "1"]) {
    assertThrows(() => new Channel(capacity as number), RangeError, `for ${capacity} items`);
  }
});

law("send() and receive() are checkpoints, whether they wait or not", async () => {
  await run(function* () {
    const { sender, receiver } = new Channel<number>(1);
    yield* assertCheckpoint(sender.send(1));
    assertEquals(yield* assertCheckpoint(receiver.receive()), 1);
    assertEquals(receiver.statistics().size, 0);
  });
});

law("Senders and receivers are served in FIFO order, whichever clone they wait at", async () => {
  const got: string[] = [];
  await run(function* () {
    const { sender, receiver } = new Channel<number>(0);
    const others = [receiver, receiver.clone(), receiver.clone(), receiver];
    others.forEach((end, i) => {
      spawn(async function* () {
        got.push(`${i}:${yield* end.receive()}`);
      });
    });
    for (let i = 0; i < 6; i++) yield;
    const senders = [sender.clone(), sender];
    for (let i = 0; i < 4; i++) senders[i % 2]!.trySend(i);
  });
  assertEquals(got, ["0:0", "1:1", "2:2", "3:3"]);
});

law("Closing the last sender lets receivers drain the channel, and then ends it", async () => {
  await run(function* () {
    const { sender, receiver } = new Channel<number>(3);
    const clone = sender.clone();
    sender.trySend(1);
    sender.close();
    sender.close();
    clone.trySend(2);
    clone.close();
    assertThrows(() => clone.trySend(3), ClosedError, "this end was closed");
    assertThrows(() => clone.clone(), ClosedError, "Cannot clone a sender of");
    assertEquals([yield* receiver.receive(), receiver.tryReceive()], [1, 2]);
    for (let i = 0; i < 2; i++) {
      const error = yield* failure(receiver.receive());
      assertInstanceOf(error, EndOfChannel);
      assertEquals(error.name, "EndOfChannel");
    }
    assertThrows(() => receiver.tryReceive(), EndOfChannel, "every sender was closed");
  });
});

law("Closing the last sender wakes every receiver, whichever clone it waits at", async () => {
  const ended: number[] = [];
  await run(function* () {
    const { sender, receiver } = new Channel<number>(0);
    [receiver, receiver.clone()].forEach((end, i) => {
      spawn(function* () {
        assertInstanceOf(yield* failure(end.receive()), EndOfChannel);
        ended.push(i);
      });
    });
    yield;
    const clone = sender.clone();
    sender.close();
    yield;
    assertEquals(ended, []);
    clone.close();
  });
  assertEquals(ended, [0, 1]);
});

law("Closing the last receiver drops what is left, and senders learn of it", async () => {
  await run(function* () {
    const { sender, receiver } = new Channel<number>(1);
    sender.trySend(1);
    const waiting = spawn(function* () {
      return yield* failure(sender.send(2));
    });
    yield;
    const clone = receiver.clone();
    receiver.close();
    assertEquals(sender.statistics().size, 1);
    clone.close();
    assertEquals(
      (yield* waiting.get()).message,
      `Cannot send to ${sender}: every receiver was closed`,
    );
    assertEquals(sender.statistics(), {
      size: 0,
      capacity: 1,
      peak: 1,
      senders: 1,
      receivers: 0,
      sending: 0,
      receiving: 0,
    });
    assertThrows(() => sender.trySend(3), ClosedError, "every receiver was closed");
    assertThrows(() => receiver.clone(), ClosedError, "Cannot clone a receiver of");
    assertThrows(() => receiver.tryReceive(), ClosedError, "this end was closed");
  });
});

law("Closing an end wakes those who wait at that very end, and nobody else", async () => {
  const log: string[] = [];
  await run(function* () {
    const { sender, receiver } = new Channel<number>(0);
    const clone = receiver.clone();
    for (const [name, end] of [["a", receiver], ["b", clone], ["c", receiver]] as const) {
      spawn(function* () {
        try {
          log.push(`${name} got ${yield* end.receive()}`);
        } catch (error) {
          log.push(`${name} ${(error as Error).name}`);
        }
      });
    }
    yield;
    receiver.close();
    yield;
    assertEquals(sender.statistics().receiving, 1);
    sender.trySend(1);
  });
  assertEquals(log, ["a ClosedError", "c ClosedError", "b got 1"]);
});

law("for await goes through a channel to its end, and `using` closes an end", async () => {
  const got: number[] = [];
  await run(async function* () {
    const { sender, receiver } = new Channel<number>(1);
    for (const base of [0, 10]) {
      const mine = sender.clone();
      spawn(function* () {
        using _end = mine;
        for (let i = 0; i < 3; i++) yield* mine.send(base + i);
      });
    }
    sender.close();
    for await (const item of receiver) got.push(item);
  }, { budget: 0 });
  assertEquals(got, [0, 10, 1, 11, 2, 12]);
});

law("for await over a receiver that was closed meanwhile throws ClosedError", async () => {
  await run(async function* () {
    const { sender, receiver } = new Channel<number>(1);
    sender.trySend(1);
    const error = await assertRejects(async () => {
      for await (const _ of receiver) receiver.close();
    }, ClosedError);
    assertEquals(error.name, "ClosedError");
  });
});

law("A loop that is left takes no more than it was given", async () => {
  await run(async function* () {
    const { sender, receiver } = new Channel<number>(3);
    for (const item of [1, 2, 3]) sender.trySend(item);
    for await (const item of receiver) if (item === 2) break;
    assertEquals([receiver.closed, receiver.tryReceive()], [false, 3]);
  });
});

law(
  "A deadlock over a channel names it, the verb, who waits, and how many ends are open",
  async () => {
    const error = await assertRejects(() =>
      run(function* () {
        const { sender, receiver } = new Channel<number>(0, "Orders");
        const forgotten = sender.clone();
        spawn(function* cook() {
          for (;;) yield* receiver.receive();
        });
        yield* sender.send(1);
        sender.close();
        assertEquals(forgotten.closed, false);
        yield* spawn(function* () {
          yield* receiver.receive();
        }).join();
      }), DeadlockError);
    assertEquals(
      /cook#\d+ .* on Orders\.receive\(\) \(1 sender open\)/.test(error.message),
      true,
      error.message,
    );
  },
);

law(
  "A swept producer and consumer over a channel lose no item and leave nobody in line",
  async () => {
    for (const capacity of [0, 1, 2]) {
      let { sender, receiver } = new Channel<number>(capacity);
      let sent = 0;
      let received = 0;
      const body = async function* () {
        ({ sender, receiver } = new Channel<number>(capacity));
        sent = received = 0;
        spawn(function* () {
          try {
            for (;;) {
              yield* receiver.receive();
              received++;
              yield;
            }
          } catch (error) {
            if (!(error instanceof EndOfChannel)) throw error;
          }
        });
        using mine = sender.clone();
        try {
          for (let i = 0; i < 3; i++) {
            yield* mine.send(i);
            sent++;
          }
          yield* sleep(10);
        } finally {
          sender.close(); // and so the consumer ends
        }
      };
      await sweepCancel(body, {
        invariant: () => {
          const { size, sending, receiving, senders } = sender.statistics();
          assertEquals([received + size, sending, receiving, senders], [sent, 0, 0, 0]);
        },
      });
    }
  },
);

law("A swept receive() takes no item that it does not give out", async () => {
  for (const capacity of [0, 1, 2]) {
    let { sender, receiver } = new Channel<number>(capacity);
    let sent = 0;
    let received = 0;
    await sweepCancel(async function* () {
      ({ sender, receiver } = new Channel<number>(capacity));
      sent = received = 0;
      const producer = spawn(function* () {
        for (let i = 0; i < 4; i++) {
          yield* sender.send(i);
          sent++;
          yield* sleep(1);
        }
      });
      try {
        for (let i = 0; i < 4; i++) {
          assertEquals(yield* receiver.receive(), i);
          received++;
        }
      } finally {
        producer.cancel();
      }
    }, {
      invariant: () => {
        const { size, sending, receiving } = receiver.statistics();
        assertEquals([received + size, sending, receiving], [sent, 0, 0]);
      },
    });
  }
});
