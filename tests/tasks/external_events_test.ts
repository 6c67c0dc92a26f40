/** What comes from outside a run, and a run that waits for it. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  ClosedError,
  DeadlockError,
  EventOverflowError,
  eventsOf,
  external,
  Lock,
  moveOnAfter,
  Queue,
  run,
  sleep,
  spawn,
  WouldBlock,
} from "@weft/weft";
import { law, lawInBothLanes } from "../lib/law.ts";

const later = (f: () => void, ms = 1): void => void setTimeout(f, ms);
const said = (n: number): CustomEvent<number> => new CustomEvent("said", { detail: n });
const detail = (event: Event): number => (event as CustomEvent<number>).detail;

lawInBothLanes("eventsOf() gives out events in order, and its wait is no deadlock", {
  fast: async () => {
    const target = new EventTarget();
    later(() => [1, 2, 3].forEach((n) => target.dispatchEvent(said(n))));
    await run(function* () {
      using stream = eventsOf(target, "said");
      for (let n = 1; n <= 3; n++) assertEquals(detail(yield* stream.next()), n);
      assertThrows(() => stream.tryNext(), WouldBlock);
    });
  },
  async: async () => {
    const target = new EventTarget();
    later(() => [1, 2, 3].forEach((n) => target.dispatchEvent(said(n))));
    const got: number[] = [];
    await run(async function* () {
      using stream = eventsOf(target, ["said", "never"]);
      for await (const event of stream) {
        if (got.push(detail(event)) === 3) break;
      }
    });
    assertEquals(got, [1, 2, 3]);
  },
});

law("A cancelled next() has taken no event, and a closed stream listens no more", async () => {
  const target = new EventTarget();
  await run(async function* () {
    const stream = eventsOf(target, "said");
    assertEquals(yield* moveOnAfter(1, stream.next()), undefined);
    target.dispatchEvent(said(1));
    assertEquals(detail(stream.tryNext()), 1);
    const waiter = spawn(async function* () {
      for await (const _ of stream);
      return "ended";
    });
    const other = spawn(function* () {
      yield* stream.next();
    });
    yield* sleep(1);
    assertEquals(stream.statistics(), { held: 0, missed: 0, waiting: 2 });
    stream.close();
    stream.close();
    assertEquals(yield* waiter, "ended");
    await assertRejects(() => Promise.resolve(other), ClosedError);
    target.dispatchEvent(said(2));
    assertEquals(stream.statistics(), { held: 0, missed: 0, waiting: 0 });
    await assertRejects(() => Promise.resolve(stream.next()), ClosedError);
  });
});

law("The end of a run closes its streams of events", async () => {
  const target = new EventTarget();
  const stream = await run(async function* () {
    return [eventsOf(target, "said")] as const;
  });
  assert(stream[0].closed);
});

law("Beyond its capacity a stream does as overflow says", async () => {
  await run(async function* () {
    const target = new EventTarget();
    using strict = eventsOf(target, "said", { capacity: 2 });
    using latest = eventsOf(target, "said", { capacity: 2, overflow: "drop-oldest" });
    using first = eventsOf(target, "said", { capacity: 2, overflow: "drop-newest" });
    for (let n = 1; n <= 5; n++) target.dispatchEvent(said(n));
    assertEquals([strict.tryNext(), strict.tryNext()].map(detail), [1, 2]);
    const error = await assertRejects(() => Promise.resolve(strict.next()), EventOverflowError);
    assertEquals(error.missed, 3);
    target.dispatchEvent(said(6));
    assertEquals(detail(yield* strict.next()), 6);
    assertEquals([latest.tryNext(), latest.tryNext()].map(detail), [5, 6]);
    assertEquals([first.tryNext(), first.tryNext()].map(detail), [1, 2]);
    assertEquals(latest.statistics().missed, 4);
  });
});

law("eventsOf() types its events by the target, and refuses what is none", () => {
  const { port1, port2 } = new MessageChannel();
  using messages = eventsOf(port1, "message");
  const data: (event: MessageEvent) => unknown = (event) => event.data;
  const typed: { next(): unknown; tryNext(): MessageEvent } = messages;
  assertThrows(() => data(typed.tryNext()), WouldBlock);
  port1.close();
  port2.close();
  for (const target of [null, undefined, 1, {}]) {
    assertThrows(() => eventsOf(target as unknown as EventTarget, "x"), TypeError, "EventTarget");
  }
  const target = new EventTarget();
  assertThrows(() => eventsOf(target, []), TypeError, "name one");
  assertThrows(() => eventsOf(target, 3 as unknown as string), TypeError);
  assertThrows(() => eventsOf(target, "x", { capacity: 0 }), RangeError);
  assertThrows(() => eventsOf(target, "x", { overflow: "wrap" as "error" }), TypeError, "wrap");
});

law("While external() is open a stall is no deadlock, afterwards it is one", async () => {
  await run(async function* () {
    const queue = new Queue<number>();
    {
      using _callback = external("a callback");
      later(() => queue.tryPut(1));
      assertEquals(yield* queue.get(), 1);
    }
    {
      const callback = external();
      later(() => queue.tryPut(2));
      assertEquals(yield* queue.get(), 2);
      callback.close();
      callback.close();
    }
  });
  await assertRejects(
    () =>
      run(async function* () {
        const callback = external();
        later(() => callback.close());
        yield* new Queue<number>().get();
      }),
    DeadlockError,
  );
  assertThrows(() => external(), Error, "current task");
});

law("A stall that is no cycle says what to write; a cycle does not", async () => {
  const error = await assertRejects(
    () =>
      run(function* () {
        yield* new Queue<number>(1, "inbox").get();
      }),
    DeadlockError,
  );
  for (const text of ["external()", "eventsOf()", "wait()", "inbox.get()"]) {
    assertStringIncludes(error.message, text);
  }
  const cycle = await assertRejects(
    () =>
      run(function* () {
        const [a, b] = [new Lock("A"), new Lock("B")];
        const take = function* (one: Lock, two: Lock) {
          using _one = yield* one.acquire();
          yield;
          using _two = yield* two.acquire();
        };
        spawn(take, a, b);
        yield* take(b, a);
      }, { warn: () => {} }),
    DeadlockError,
  );
  assertEquals(cycle.message.includes("external()"), false);
});

law("A stall on a task of another live run says so", async () => {
  const lock = new Lock("shared lock");
  const other = run(function* () {
    using _held = yield* lock.acquire();
    yield* sleep(20);
  });
  await new Promise((resolve) => setTimeout(resolve, 1));
  const error = await assertRejects(
    () =>
      run(function* () {
        yield* lock.acquire();
      }),
    DeadlockError,
  );
  assertStringIncludes(error.message, "of another run that is still alive");
  await other;
  const third = run(function* () {
    using _held = yield* lock.acquire();
    yield* sleep(5);
  });
  await run(async function* () {
    using _others = external("the other run");
    using _held = yield* lock.acquire();
  });
  await third;
});
