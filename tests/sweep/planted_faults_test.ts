/** `sweepCancel` and `ledgered` held to account: a fault of each kind is planted, and must be found. */
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  bindDatagram,
  connect,
  dumpOn,
  listen,
  Lock,
  monitor,
  Semaphore,
  shield,
  sleep,
  spawn,
  type TaskBody,
} from "@weft/weft";
import { hold, letGo } from "@weft/weft/lowlevel";
import { ledgered, sweepCancel, VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

async function finding(body: TaskBody<[], unknown>, limit = 200): Promise<string> {
  return (await assertRejects(() => sweepCancel(body, { limit }), Error)).message;
}

law("A body that never ends is found, whether or not it obeys a cancel", async () => {
  const endless: TaskBody<[], unknown>[] = [
    function* () {
      for (;;) yield* sleep(1);
    },
    async function* () {
      for (;;) yield* sleep(1);
    },
    function* () {
      for (;;) yield;
    },
    function* () {
      for (;;) {
        try {
          yield* sleep(1);
        } catch {
          // Whatever it is.
        }
      }
    },
    async function* () {
      for (;;) {
        try {
          yield* sleep(1);
        } catch {
          // Whatever it is.
        }
      }
    },
  ];
  for (const body of endless) {
    assertMatch(await finding(body), /without a strike.*has more than 200 checkpoints/);
  }
});

law("A handle that is left is found, although the run would close it", async () => {
  const openers: Readonly<Record<string, () => unknown>> = {
    "Listener#": () => listen({ hostname: "127.0.0.1" }),
    "Datagram#": () => bindDatagram({ hostname: "127.0.0.1", port: 0 }),
    "run(": () => monitor(),
    "dumpOn(SIGUSR1)": () => dumpOn("SIGUSR1", () => {}),
  };
  for (const [name, open] of Object.entries(openers)) {
    const bodies: TaskBody<[], unknown>[] = [
      function* () {
        open();
        yield* sleep(1);
      },
      async function* () {
        open();
        yield* sleep(1);
      },
    ];
    for (const body of bodies) {
      const message = await finding(body);
      assertMatch(message, /^Sweep failed without a strike: left behind: /);
      assertEquals(message.includes(name), true, message);
    }
  }
});

law("A handle that is left only where a cancel strikes is found there, with the line", async () => {
  const message = await finding(function* () {
    const listener = listen({ hostname: "127.0.0.1" });
    yield* sleep(5);
    listener.close();
  });
  assertMatch(message, /cancel at checkpoint 1 \(sleep\(5\) at file:.*planted_faults_test\.ts:\d+/);
  assertMatch(message, /left behind: .*Listener#/);
});

law("A lock and a permit that are kept are found, with operation and line", async () => {
  const lock = await finding(async function* () {
    const lock = new Lock("L");
    yield* lock.acquire();
    yield* sleep(1);
    lock.release();
  });
  assertMatch(lock, /left behind: L, which task "subject" held/);
  assertMatch(lock, /checkpoint \d \(.*planted_faults_test\.ts:\d+/);
  let permits = new Semaphore(1);
  await assertRejects(
    () =>
      sweepCancel(function* () {
        permits = new Semaphore(1);
        yield* permits.acquire();
        yield* sleep(1);
        permits.release();
      }, { invariant: () => assertEquals(permits.value, 1) }),
    Error,
    "the invariant broke",
  );
});

law("A swallowed cancel is found, in the body and in its children", async () => {
  const swallowers: TaskBody<[], unknown>[] = [
    function* () {
      try {
        yield* sleep(1);
      } catch {
        // Nothing is rethrown.
      }
    },
    async function* () {
      try {
        yield* sleep(1);
      } catch {
        // Nothing is rethrown.
      }
    },
    function* () {
      const child = spawn(function* () {
        try {
          yield* sleep(5);
        } catch {
          // Nothing is rethrown.
        }
      });
      try {
        yield* sleep(1);
        yield* child.join();
      } finally {
        yield* shield(child.cancel());
      }
    },
  ];
  for (const body of swallowers) assertMatch(await finding(body), /a cancel was swallowed: Task "/);
});

law("A task that is left, and what is freed twice, are found", async () => {
  assertMatch(
    await finding(function* () {
      spawn(function* stray() {
        yield* sleep(1e6);
      });
      yield;
    }),
    /left behind: task "stray#/,
  );
  assertMatch(
    await finding(function* () {
      const lock = new Lock("L");
      using _guard = yield* lock.acquire();
      lock.release();
      yield;
    }),
    /L/,
  );
});

law("A body that is stuck is found: a deadlock at once", async () => {
  assertMatch(
    await finding(function* () {
      const lock = new Lock("L");
      yield* lock.acquire();
      const other = spawn(function* () {
        yield* lock.acquire();
      });
      yield* other.join();
    }),
    /DeadlockError/,
  );
});

law("Clean bodies stay clean, in both lanes, with sockets, children and shields", async () => {
  await sweepCancel(function* () {
    using listener = listen({ hostname: "127.0.0.1" });
    const { port } = listener.localAddr;
    const server = spawn(function* () {
      using socket = yield* listener.accept();
      yield* socket.sendAll(new Uint8Array(1));
    });
    try {
      using client = yield* connect({ port });
      yield* client.recvExactly(1);
      yield* server.join();
    } finally {
      yield* shield(server.cancel());
    }
  });
  await sweepCancel(async function* () {
    const lock = new Lock();
    {
      using _guard = yield* lock.acquire();
      yield* sleep(1);
    }
    yield;
  });
});

law("ledgered() finds what is left, by name, and passes what is given back", async () => {
  const thing = { release() {}, toString: () => "Thing#7" };
  await assertRejects(() => ledgered(() => hold(thing))(), Error, "Thing#7");
  letGo(thing);
  await ledgered(() => {
    hold(thing);
    letGo(thing);
  })();
});

law("The tools refuse options that make no sense, and name them", async () => {
  const body = function* () {};
  for (const limit of [NaN, 0, -1, 1.5, "5", null] as number[]) {
    await assertRejects(() => sweepCancel(body, { limit }), RangeError, "checkpoints at most");
  }
  await assertRejects(
    () => sweepCancel(body, { strikes: ["kill" as "cancel"] }),
    TypeError,
    "kill",
  );
  await assertRejects(() => sweepCancel("x" as never), TypeError, '"x"');
  await assertRejects(() => sweepCancel(body, null as never), TypeError, "null");
  assertThrows(() => new VirtualClock({ start: NaN }), RangeError, "NaN");
  assertThrows(() => ledgered(5 as never), TypeError, "5");
});
