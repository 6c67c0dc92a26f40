/**
 * How long a turn lasts. An operation that need not wait goes on without a turn as long as the budget of its step
 * lasts; an async task that is alone keeps the turn when it cedes; a body that catches everything and goes on delays
 * its own end: and nobody else must notice.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  all,
  AsyncResult,
  Cancelled,
  cancelScope,
  cede,
  Channel,
  currentTask,
  Event,
  group,
  joinAll,
  Lock,
  type Operation,
  Queue,
  race,
  RLock,
  run,
  type RunOptions,
  Semaphore,
  sleep,
  spawn,
  type Task,
  type TaskBody,
  wait,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import type { Instrument, Policy } from "@weft/weft/lowlevel";
import { VirtualClock } from "@weft/weft/testing";

law("A timer rings while the only task cedes in a loop", async () => {
  let rung = false;
  await run(async function* () {
    spawn(async function* () {
      yield* sleep(1);
      rung = true;
    });
    const end = performance.now() + 5000;
    while (!rung && performance.now() < end) yield;
  });
  assertEquals(rung, true);
});

law("The host has its turn while the only task cedes in a loop", async () => {
  let turned = false;
  setTimeout(() => turned = true, 1);
  await run(async function* () {
    const end = performance.now() + 5000;
    while (!turned && performance.now() < end) yield;
  });
  assertEquals(turned, true);
});

law("A cancel from outside reaches a task that cedes alone at its next yield", async () => {
  let steps = 0;
  await run(async function* () {
    const me = currentTask();
    queueMicrotask(() => me.cancel("enough"));
    for (; steps < 1000; steps++) yield;
  }).catch((error) => assertEquals(error instanceof Cancelled, true));
  assertEquals(steps < 1000, true);
});

law("Whoever becomes ready while a task cedes alone has the next turn", async () => {
  const order: string[] = [];
  await run(async function* () {
    for (let i = 0; i < 3; i++) {
      order.push(`main ${i}`);
      yield;
    }
    spawn(function* () {
      order.push("child 0");
      yield;
      order.push("child 1");
    });
    for (let i = 3; i < 6; i++) {
      order.push(`main ${i}`);
      yield;
    }
  });
  assertEquals(order, [
    "main 0",
    "main 1",
    "main 2",
    "main 3",
    "child 0",
    "main 4",
    "child 1",
    "main 5",
  ]);
});

const TURNS = 20_000;

/** Loops over an operation that is refused each time, and over what another task can do meanwhile. */
async function othersTurns(
  body: (op: () => Operation<unknown>, count: () => boolean) => TaskBody<[], void>,
  op: () => Operation<unknown>,
): Promise<number> {
  let turns = 0;
  let others = 0;
  let rang = -1;
  await run(function* () {
    const stubborn = spawn(body(op, () => ++turns <= TURNS));
    spawn(function* () {
      while (turns < TURNS) {
        others++;
        yield;
      }
    });
    spawn(function* () {
      yield* sleep(1);
      rang = turns;
    });
    yield;
    stubborn.cancel();
  }, { warn: () => {} });
  assert(rang < TURNS, "the timer rang when all was over");
  return others;
}

const queue = new Queue<number>();
const operations: readonly (readonly [string, () => Operation<unknown>])[] = [
  ["get()", () => queue.get()],
  ["sleep()", () => sleep(60_000)],
];

for (const [name, op] of operations) {
  law(`a cancelled function* that catches at ${name} in a loop starves nobody`, async () => {
    const others = await othersTurns((op, more) =>
      function* () {
        while (more()) {
          try {
            yield* op();
          } catch {
            // It will not end.
          }
        }
      }, op);
    assert(others > TURNS / 100, `${others} turns`);
  });

  law(`a cancelled async function* that catches at ${name} in a loop starves nobody`, async () => {
    const others = await othersTurns((op, more) =>
      async function* () {
        while (more()) {
          try {
            yield* op();
          } catch {
            // It will not end.
          }
        }
      }, op);
    assert(others > TURNS / 100, `${others} turns`);
  });

  law(`a cancelled task that catches at await ${name} in a loop starves nobody`, async () => {
    const others = await othersTurns((op, more) =>
      async function* () {
        while (more()) {
          try {
            await op();
          } catch {
            // It will not end.
          }
        }
      }, op);
    assert(others > TURNS / 100, `${others} turns`);
  });
}

law("a function* that yields nonsense and catches the error in a loop starves nobody", async () => {
  let turns = 0;
  let others = 0;
  await run(function* () {
    spawn(function* () {
      while (++turns <= TURNS) {
        try {
          yield 5;
        } catch (error) {
          assertEquals((error as Error).name, "TypeError");
        }
      }
    });
    while (turns < TURNS) {
      others++;
      yield;
    }
  });
  assert(others > TURNS / 100, `${others} turns`);
});

/** An operation that can be done at once, as often as one likes. */
type Maker = () => () => Operation<unknown>;

const settled = Promise.resolve(1);

/** Operations that need not wait. */
const INSTANT: Readonly<Record<string, Maker>> = {
  "Lock.acquire()": () => () => new Lock().acquire(),
  "RLock.acquire()": () => {
    const lock = new RLock();
    return () => lock.acquire();
  },
  "Semaphore.acquire()": () => {
    const permits = new Semaphore(1000);
    return () => permits.acquire();
  },
  "Event.wait()": () => {
    const event = new Event();
    event.set();
    return () => event.wait();
  },
  "AsyncResult.get()": () => {
    const result = new AsyncResult<number>();
    result.set(1);
    return () => result.get();
  },
  "Queue.put()": () => {
    const queue = new Queue<number>();
    return () => queue.put(1);
  },
  "Queue.get()": () => {
    const queue = new Queue<number>();
    for (let i = 0; i < 1000; i++) queue.tryPut(i);
    return () => queue.get();
  },
  "Channel.send()": () => {
    const { sender } = new Channel<number>(1000);
    return () => sender.send(1);
  },
  "race() of which one is ready": () => {
    const queue = new Queue<number>();
    for (let i = 0; i < 1000; i++) queue.tryPut(i);
    return () => race([new Event().wait(), queue.get()]);
  },
  "wait() for a promise that has been waited for": () => () => wait(settled),
};

/** What is a schedule point in any case. */
const CEDING: Readonly<Record<string, () => Operation<unknown>>> = {
  "cede()": cede,
  "sleep(0)": () => sleep(0),
  "all([])": () => all([]),
  "joinAll([])": () => joinAll([]),
  "an empty group": () => group(function* () {}),
};

/** First in, first out, as a policy. */
class InTurn implements Policy {
  readonly #tasks: Task[] = [];
  get size(): number {
    return this.#tasks.length;
  }
  add(task: Task): void {
    this.#tasks.push(task);
  }
  next(): Task | undefined {
    return this.#tasks.shift();
  }
}

type Lane = "function*" | "async function*" | "await";

/** How many operations a task did before another one had its turn, up to 100. */
async function inARow(
  lane: Lane,
  op: () => Operation<unknown>,
  options: RunOptions = {},
): Promise<number> {
  let done = 0;
  let before = -1;
  await run(function* () {
    yield* wait(settled); // the promise is known from now on
    const body = lane === "function*"
      ? function* () {
        for (; before < 0 && done < 100; done++) yield* op();
      }
      : lane === "await"
      ? async function* () {
        for (; before < 0 && done < 100; done++) await op();
      }
      : async function* () {
        for (; before < 0 && done < 100; done++) yield* op();
      };
    spawn(body);
    spawn(function* () {
      before = done;
    });
  }, { clock: new VirtualClock(), ...options }); // where it is no slice that ends a step
  return before;
}

for (const lane of ["function*", "async function*", "await"] as const) {
  for (const [name, make] of Object.entries(INSTANT)) {
    law(`${name} goes on for 32 times, and then others have a turn (${lane})`, async () => {
      assertEquals(await inARow(lane, make()), 32);
    });

    law(`${name} is a schedule point each time where there is no budget (${lane})`, async () => {
      for (const options of [{ budget: 0 }, { policy: new InTurn() }] as RunOptions[]) {
        const before = await inARow(lane, make(), options);
        assert(before <= 1, `${before} in a row with ${Object.keys(options)}`);
      }
      const bySeed = new Set<number>();
      for (let seed = 0; seed < 40; seed++) bySeed.add(await inARow(lane, make(), { seed }));
      assert(bySeed.has(0) && bySeed.has(1), `${[...bySeed]}`);
    });

    law(`${name} is a cancel point, though it need not wait (${lane})`, async () => {
      const op = make();
      let later = false;
      await run(function* () {
        const scope = yield* cancelScope({}, function* (scope) {
          scope.cancel();
          if (lane === "function*") yield* op();
          else {
            yield* group(async function* () {
              if (lane === "await") await op();
              else yield* op();
            });
          }
          later = true;
        });
        assertEquals(scope, undefined);
      });
      assertEquals(later, false);
    });
  }

  for (const [name, op] of Object.entries(CEDING)) {
    law(`${name} is a schedule point in any case (${lane})`, async () => {
      const before = await inARow(lane, op);
      assert(before <= 1, `${before} in a row`);
    });
  }
}

law("a smaller budget ends sooner, and one that is none is refused", async () => {
  const event = new Event();
  event.set();
  assertEquals(await inARow("function*", () => event.wait(), { budget: 5 }), 5);
  assertEquals(await inARow("async function*", () => event.wait(), { budget: 5 }), 5);
  for (const budget of [-1, 33, 1.5, NaN, "3"]) {
    await assertRejects(
      () => run(function* () {}, { budget: budget as number }),
      RangeError,
      "operations in a row",
    );
  }
});

law("a yield* of an operation that need not wait does not leave the function*", async () => {
  let steps = 0;
  const counter: Instrument = { stepBegin: () => void steps++ };
  await run(function* () {
    const [lock, queue] = [new Lock(), new Queue<number>(8)];
    const before = steps;
    for (let i = 0; i < 8; i++) {
      yield* lock.acquire();
      lock.release();
      yield* queue.put(i);
    }
    for (let i = 0; i < 8; i++) assertEquals(yield* queue.get(), i);
    assertEquals(steps, before);
  }, { instruments: [counter] });
});

law("a timer rings while a task computes between operations that need not wait", async () => {
  for (const lane of ["function*", "async function*"] as const) {
    const event = new Event();
    event.set();
    let rang = false;
    let rounds = 0;
    const spin = (): void => {
      for (const end = performance.now() + 1; performance.now() < end;);
    };
    await run(function* () {
      spawn(
        lane === "function*"
          ? function* () {
            for (; !rang && rounds < 500; rounds++) {
              spin();
              yield* event.wait();
            }
          }
          : async function* () {
            for (; !rang && rounds < 500; rounds++) {
              spin();
              yield* event.wait();
            }
          },
      );
      yield* sleep(1);
      rang = true;
    });
    assert(rounds < 100, `${rounds} rounds of a millisecond`);
  }
});

law(
  "a lock goes to those who wait, and not to who releases it and asks again at once",
  async () => {
    const order: string[] = [];
    await run(function* () {
      const lock = new Lock();
      for (const name of ["a", "b"]) {
        spawn(function* () {
          for (let i = 0; i < 3; i++) {
            yield* lock.acquire();
            order.push(name);
            yield;
            lock.release();
          }
        });
      }
    });
    assertEquals(order.join(""), "ababab");
  },
);

law(
  "an operation whose iterator is asked by hand and left is taken back, and is no wait",
  async () => {
    const queue = new Queue<number>();
    const error = await assertRejects(() =>
      run(function* () {
        const [taken] = queue.get() as unknown as Iterable<unknown>;
        void taken;
        yield;
        assertEquals(queue.statistics().getting, 0);
      })
    );
    assert(String(error).includes("without waiting for Queue"), String(error));
  },
);
