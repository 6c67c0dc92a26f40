import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { ClosedError, DeadlockError, run, sleep, spawn, WouldBlock } from "@weft/weft";
import { sweepCancel, VirtualClock } from "@weft/weft/testing";
import { Broadcast, type Subscription } from "../../src/sync/broadcast.ts";
import { EndOfChannel } from "../../src/sync/channel_core.ts";
import { LaggedError } from "../../src/sync/broadcast_log.ts";
import { law } from "../lib/law.ts";

function drain<T>(subscription: Subscription<T>): T[] {
  const items: T[] = [];
  while (subscription.statistics().behind > 0) items.push(subscription.tryReceive());
  return items;
}

law("Every subscriber gets every item sent after it subscribed, in order", async () => {
  const heard: string[] = [];
  await run(function* () {
    const news = new Broadcast<number>({ capacity: 4 });
    news.trySend(0); // nobody hears it
    const listen = (name: string) => {
      const subscription = news.subscribe();
      spawn(async function* () {
        for await (const item of subscription) heard.push(`${name}${item}`);
      });
    };
    listen("a");
    yield* news.send(1);
    listen("b");
    yield* news.send(2);
    yield* news.send(3);
    news.close();
  });
  assertEquals(heard.filter((one) => one.startsWith("a")), ["a1", "a2", "a3"]);
  assertEquals(heard.filter((one) => one.startsWith("b")), ["b2", "b3"]);
});

law('"block": send() waits for the slowest subscriber', async () => {
  const log: string[] = [];
  await run(function* () {
    const news = new Broadcast<number>({ capacity: 1 });
    const quick = news.subscribe();
    const slow = news.subscribe();
    const sender = spawn(function* () {
      for (const item of [1, 2, 3]) {
        yield* news.send(item);
        log.push(`sent ${item}`);
      }
    });
    yield* sleep(1);
    assertEquals(quick.tryReceive(), 1);
    assertThrows(() => quick.tryReceive(), WouldBlock, "nothing was sent");
    yield* sleep(1);
    assertEquals(log, ["sent 1"]);
    assertThrows(() => news.trySend(9), WouldBlock, "a subscriber is 1 items behind");
    assertEquals(slow.tryReceive(), 1);
    yield* sleep(1);
    assertEquals(log, ["sent 1", "sent 2"]);
    slow.close(); // now it holds nobody up
    assertEquals(quick.tryReceive(), 2);
    yield* sender.join();
    assertEquals(drain(quick), [3]);
  }, { clock: new VirtualClock() });
});

law('"drop": a slow subscriber misses the oldest items, and they are counted', () => {
  const news = new Broadcast<number>({ capacity: 2, lag: "drop" });
  const slow = news.subscribe();
  const quick = news.subscribe();
  const heard: number[] = [];
  for (let i = 1; i <= 5; i++) {
    news.trySend(i);
    heard.push(quick.tryReceive());
  }
  assertEquals(heard, [1, 2, 3, 4, 5]);
  assertEquals(slow.missed, 3);
  assertEquals(slow.statistics(), { behind: 2, missed: 3, receiving: 0 });
  assertEquals(drain(slow), [4, 5]);
  assertEquals([slow.missed, quick.missed], [3, 0]);
  assertEquals(news.statistics(), {
    size: 0,
    capacity: 2,
    peak: 2,
    dropped: 3,
    subscribers: 2,
    sending: 0,
  });
});

law(
  '"error": a slow subscriber is told once how many it missed, and goes on after the gap',
  async () => {
    await run(function* () {
      const news = new Broadcast<number>({ capacity: 2, lag: "error" });
      const slow = news.subscribe();
      for (let i = 1; i <= 5; i++) yield* news.send(i);
      let error: unknown;
      try {
        yield* slow.receive();
      } catch (thrown) {
        error = thrown;
      }
      assertInstanceOf(error, LaggedError);
      assertEquals(error.missed, 3);
      assertEquals([yield* slow.receive(), slow.tryReceive(), slow.missed], [4, 5, 3]);
    });
  },
);

law("A clone has got as far as its original, and both get what comes next", () => {
  const news = new Broadcast<number>({ capacity: 4 });
  const one = news.subscribe();
  for (const item of [1, 2, 3]) news.trySend(item);
  assertEquals(one.tryReceive(), 1);
  const two = one.clone();
  news.trySend(4);
  assertEquals(drain(one), [2, 3, 4]);
  assertEquals(news.statistics().size, 3);
  assertEquals(drain(two), [2, 3, 4]);
  assertEquals(news.statistics().size, 0);
});

law("Closing a broadcast lets subscribers drain it, and wakes those who wait", async () => {
  const log: string[] = [];
  await run(function* () {
    const news = new Broadcast<number>({ capacity: 1 });
    const early = news.subscribe();
    spawn(function* () {
      try {
        yield* early.receive();
      } catch (error) {
        log.push(`early: ${(error as Error).name}`);
      }
    });
    yield;
    const late = news.subscribe();
    early.close();
    yield* news.send(1);
    spawn(function* () {
      try {
        yield* news.send(2);
      } catch (error) {
        log.push(`sender: ${(error as Error).name}`);
      }
    });
    yield;
    news.close();
    news.close();
    assertThrows(() => news.trySend(3), ClosedError, "Cannot send to");
    assertThrows(() => news.subscribe(), ClosedError, "Cannot subscribe to");
    assertEquals(late.tryReceive(), 1);
    assertThrows(() => late.tryReceive(), EndOfChannel, "the broadcast was closed");
    assertThrows(() => early.tryReceive(), ClosedError, `Cannot receive from ${early}`);
    assertThrows(() => early.clone(), ClosedError, `Cannot clone ${early}`);
  });
  assertEquals(log, ["early: ClosedError", "sender: ClosedError"]);
});

law("Several tasks at one subscription get one item each, in FIFO order", async () => {
  const got: string[] = [];
  await run(function* () {
    const news = new Broadcast<number>({ capacity: 4 });
    const shared = news.subscribe();
    const other = news.subscribe();
    for (const name of ["a", "b"]) {
      spawn(async function* () {
        got.push(`${name}${yield* shared.receive()}`);
      });
    }
    yield;
    yield;
    news.trySend(1);
    news.trySend(2);
    assertEquals(drain(other), [1, 2]);
  });
  assertEquals(got, ["a1", "b2"]);
});

law("new Broadcast() refuses a capacity or a rule that makes no sense", () => {
  for (const capacity of [0, -1, 1.5, NaN, undefined]) {
    assertThrows(
      () => new Broadcast({ capacity: capacity as number }),
      RangeError,
      `${capacity} items`,
    );
  }
  assertThrows(() => new Broadcast({ capacity: 1, lag: "wait" as "block" }), RangeError, '"wait"');
});

law("A deadlock of a sender names the subscriber that holds it up", async () => {
  const error = await assertRejects(() =>
    run(function* () {
      const news = new Broadcast<number>({ capacity: 1, name: "News" });
      using _forgotten = news.subscribe();
      yield* news.send(1);
      yield* news.send(2);
    }), DeadlockError);
  assertEquals(
    /main .* on News\.send\(\) \(News\[1\] is 1 items behind\)/.test(error.message),
    true,
    error.message,
  );
});

law("A swept sender and its subscribers lose no item and leave nobody in line", async () => {
  let news: Broadcast<number>;
  let ends: Subscription<number>[] = [];
  let sent = 0;
  const counts = [0, 0];
  await sweepCancel(async function* () {
    news = new Broadcast<number>({ capacity: 2 });
    ends = [news.subscribe(), news.subscribe()];
    sent = counts[0] = counts[1] = 0;
    const readers = ends.map((end, i) =>
      spawn(function* () {
        for (;;) {
          assertEquals(yield* end.receive(), counts[i]!++);
          yield* sleep(i + 1);
        }
      })
    );
    try {
      for (let i = 0; i < 5; i++) {
        yield* news.send(i);
        sent++;
      }
      yield* sleep(30);
    } finally {
      for (const reader of readers) reader.cancel();
    }
  }, {
    invariant: () => {
      ends.forEach((end, i) => {
        const { behind, receiving } = end.statistics();
        assertEquals([counts[i]! + behind, receiving], [sent, 0]);
      });
      assertEquals(news.statistics().sending, 0);
    },
  });
});

law("A swept receive() takes nothing that the next one does not get", async () => {
  await sweepCancel(async function* () {
    const news = new Broadcast<number>({ capacity: 3 });
    const end = news.subscribe();
    const sender = spawn(function* () {
      for (let i = 0; i < 4; i++) {
        yield* sleep(1);
        yield* news.send(i);
      }
    });
    let next = 0;
    try {
      for (; next < 4; next++) assertEquals(yield* end.receive(), next);
    } finally {
      sender.cancel();
      for (const item of drain(end)) assertEquals(item, next++);
    }
  });
});
