/** `race` of operations is one atomic choice in the caller's task: one happens, the others did not. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  all,
  cede,
  Channel,
  ClosedError,
  connect,
  currentTask,
  DeadlockError,
  Event,
  listen,
  Lock,
  type Operation,
  PriorityQueue,
  Queue,
  race,
  run,
  Semaphore,
  shield,
  sleep,
  spawn,
  TimeoutError,
  wait,
  waitFirst,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { lawForActors } from "../lib/lanes.ts";
import { law } from "../lib/law.ts";
import { nap, virtually } from "../lib/virtual.ts";

const filled = (...items: number[]): Queue<number> => {
  const queue = new Queue<number>();
  for (const item of items) queue.tryPut(item);
  return queue;
};

lawForActors("A race of two filled queues empties one", async (stage) => {
  const [a, b] = [filled(1), filled(2)];
  await stage.play(function* () {
    assertEquals(yield race([a.get(), b.get()]), 1);
    assertEquals([a.size, b.size], [0, 1]);
  });
});

lawForActors(
  "Of two items that come in one pass, a waiting race takes the first only",
  async (stage) => {
    const [a, b] = [filled(), filled()];
    const seen: unknown[] = [];
    await stage.play(function* () {
      spawn(function* () {
        b.tryPut(2);
        a.tryPut(1);
      });
      const task = currentTask();
      spawn(stage.actor, function* () {
        seen.push(yield a.get());
      });
      assertEquals(yield race([a.get(), b.get()]), 2);
      assertEquals([a.statistics().getting, b.statistics().getting], [0, 0]);
      assertEquals(task.waits.length, 0);
      yield cede();
    });
    assertEquals(seen, [1], "the second item goes to the next in line");
  },
);

lawForActors("A race that loses its place in line costs those behind it nothing", async (stage) => {
  const [a, b] = [filled(), filled()];
  const order: string[] = [];
  await stage.play(function* () {
    const waiter = (name: string) =>
      function* (): Generator<Operation<unknown>, void, number> {
        order.push(`${name}${yield a.get()}`);
      };
    spawn(stage.actor, waiter("first"));
    yield cede();
    spawn(stage.actor, function* () {
      order.push(`race${yield race([a.get(), b.get()])}`);
    });
    yield cede();
    spawn(stage.actor, waiter("third"));
    yield cede();
    b.tryPut(9);
    a.tryPut(1);
    a.tryPut(2);
    yield cede();
    yield cede();
  });
  assertEquals(order, ["race9", "first1", "third2"]);
});

lawForActors(
  "A put that loses has put nothing, a get that loses has taken nothing",
  async (stage) => {
    const [full, empty] = [new Queue<number>(1), filled()];
    full.tryPut(0);
    await stage.play(function* () {
      assertEquals(yield race({ put: full.put(1), late: sleep(1) }), ["late", undefined]);
      assertEquals(full.statistics().putting, 0);
      assertEquals(yield race({ get: empty.get(), put: full.put(1), late: sleep(1) }), [
        "late",
        undefined,
      ]);
      full.tryGet();
      assertEquals(yield race({ get: empty.get(), put: full.put(7) }), ["put", undefined]);
      assertEquals([full.tryGet(), full.size, empty.size], [7, 0, 0]);
    });
  },
);

lawForActors(
  "A race never meets itself: on one queue, one of get and put happens",
  async (stage) => {
    const queue = new Queue<number>(1);
    await stage.play(function* () {
      assertEquals(yield race({ get: queue.get(), put: queue.put(5) }), ["put", undefined]);
      assertEquals(queue.tryGet(), 5);
      assertEquals(queue.statistics().getting, 0);
    });
  },
);

lawForActors(
  "A race never meets itself on a channel; with another race it meets once",
  async (stage) => {
    const channel = new Channel<string>(0);
    const log: unknown[] = [];
    await stage.play(function* () {
      const { sender, receiver } = channel;
      const late = yield race({
        send: sender.send("a"),
        receive: receiver.receive(),
        late: sleep(1),
      });
      assertEquals(late, ["late", undefined]);
      for (const name of ["a", "b"]) {
        spawn(stage.actor, function* () {
          log.push(yield race({ send: sender.send(name), receive: receiver.receive() }));
        });
      }
      yield sleep(1);
    });
    assertEquals(log.map(String).sort(), ["receive,b", "send,"]);
  },
);

lawForActors("A losing acquire leaves its permit, a winning one is the caller's", async (stage) => {
  const [permits, lock, other] = [new Semaphore(1, "S"), new Lock("L"), new Lock("M")];
  await stage.play(function* () {
    const guard: Disposable = yield race([lock.acquire(), permits.acquire()]);
    assertEquals(permits.value, 1);
    assertEquals(lock.statistics().holder, currentTask().name);
    guard[Symbol.dispose]();
    assert(!lock.locked);
    yield all([lock.acquire(), other.acquire()]);
    assertEquals(other.statistics().holder, currentTask().name);
    lock.release();
    other.release();
  });
});

lawForActors(
  "A lock won in a race while it was held is the caller's, and given back in order",
  async (stage) => {
    const [lock, event] = [new Lock("L"), new Event()];
    const order: string[] = [];
    await stage.play(function* () {
      yield lock.acquire();
      const racer = spawn(stage.actor, function* () {
        const [name, guard] = yield race({ lock: lock.acquire(), event: event.wait() });
        order.push(name);
        yield sleep(1);
        guard[Symbol.dispose]();
      });
      yield cede();
      spawn(stage.actor, function* () {
        yield lock.acquire();
        order.push("next");
        lock.release();
      });
      yield cede();
      lock.release();
      assertEquals(lock.statistics().holder, racer.name);
      event.set();
      yield racer.get() as Operation<unknown>;
      yield sleep(1);
    });
    assertEquals(order, ["lock", "next"]);
  },
);

lawForActors(
  "If all() fails or is cancelled, what it has acquired is given back",
  async (stage) => {
    const [a, b, permits] = [new Lock("A"), new Lock("B"), new Semaphore(1)];
    const queue = filled(1, 2);
    await stage.play(function* () {
      try {
        yield all([a.acquire(), permits.acquire(), queue.get(), Promise.reject(new Error("boom"))]);
        assert(false);
      } catch (error) {
        assertEquals((error as Error).message, "boom");
      }
      assertEquals([a.locked, permits.value, queue.size], [false, 1, 2]);
      spawn(function* () {
        using _held = yield* b.acquire();
        yield* sleep(10);
      });
      yield cede();
      const task = spawn(stage.actor, function* () {
        yield all([a.acquire(), queue.get(), b.acquire()]);
      });
      yield cede();
      assert(a.locked);
      yield task.cancel();
      assert(!a.locked && task.cancelled);
      assertEquals([queue.tryGet(), queue.tryGet()], [1, 2]);
    });
  },
);

lawForActors(
  "A case that is always ready starves no other; the first listed comes first",
  async (stage) => {
    const queues = [filled(), filled(), filled()];
    const served = [0, 0, 0];
    await stage.play(function* () {
      for (let round = 0; round < 300; round++) {
        for (const queue of queues) if (queue.empty) queue.tryPut(round);
        const [name] = yield race({
          a: queues[0]!.get(),
          b: queues[1]!.get(),
          c: queues[2]!.get(),
        });
        if (round === 0) assertEquals(name, "a");
        served["abc".indexOf(name)]!++;
      }
    });
    assertEquals(served, [100, 100, 100]);
  },
);

lawForActors("Under a seed chance chooses, and the seed replays it", async (stage) => {
  const choose = async (seed: number): Promise<string> => {
    const [a, b] = [filled(), filled()];
    let chosen = "";
    await stage.play(function* () {
      for (let round = 0; round < 60; round++) {
        if (a.empty) a.tryPut(round);
        if (b.empty) b.tryPut(round);
        chosen += (yield race({ a: a.get(), b: b.get() }))[0];
      }
    }, { seed });
    return chosen;
  };
  const first = await choose(1);
  assertEquals(await choose(1), first);
  assert(await choose(2) !== first);
  const share = first.replaceAll("b", "").length;
  assert(share > 15 && share < 45, `a was chosen ${share} times of 60`);
});

lawForActors("A cancel ends a waiting race and leaves no trace of it", async (stage) => {
  const [a, b, lock] = [filled(), new PriorityQueue<number>(), new Lock()];
  await stage.play(function* () {
    yield lock.acquire();
    const task = spawn(stage.actor, function* () {
      yield race([a.get(), b.get(), lock.acquire(), sleep(1000), new Promise(() => {})]);
    });
    yield cede();
    yield task.cancel("enough");
    assert(task.cancelled);
    assertEquals([a.statistics().getting, b.statistics().getting], [0, 0]);
    assertEquals(lock.statistics().waiting, 0);
    a.tryPut(1);
    assertEquals(yield a.get(), 1);
    lock.release();
  });
});

lawForActors("What was taken before the cancel came is the race's result", async (stage) => {
  const a = filled();
  const got: unknown[] = [];
  await stage.play(function* () {
    const task = spawn(stage.actor, function* () {
      got.push(yield race([a.get(), sleep(1000)]));
      yield sleep(1000);
    });
    yield cede();
    a.tryPut(1);
    yield task.cancel();
    assert(task.cancelled);
  });
  assertEquals(got, [1]);
});

lawForActors("withTimeout around a race takes it back; nothing is lost", async (stage) => {
  const a = filled();
  await stage.play(function* () {
    try {
      yield withTimeout(5, race([a.get(), new Event().wait()]));
      assert(false);
    } catch (error) {
      assert(error instanceof TimeoutError);
    }
    a.tryPut(1);
    assertEquals(a.size, 1);
  });
});

lawForActors("A race within a race is one choice", async (stage) => {
  const [a, b, c] = [filled(), filled(), filled()];
  await stage.play(function* () {
    spawn(function* () {
      for (const queue of [c, b, a]) queue.tryPut(1);
    });
    const won = yield race({ inner: race({ a: a.get(), c: c.get() }), b: b.get() });
    assertEquals(won, ["inner", ["c", 1]]);
    assertEquals([a.size, b.size, c.size], [1, 1, 0]);
    yield race([b.get(), race([a.get(), c.get()])]);
    assertEquals(a.size + b.size, 1);
  });
});

lawForActors(
  "A case that fails as it begins, or while it waits, is the one that happens",
  async (stage) => {
    const [a, b] = [filled(), filled()];
    await stage.play(function* () {
      spawn(function* () {
        a.shutdown();
        b.tryPut(1);
      });
      for (let i = 0; i < 2; i++) {
        try {
          yield race([b.get(), a.get()]);
          if (i === 0) assert(false);
        } catch (error) {
          assert(error instanceof ClosedError);
        }
        if (i === 0) assertEquals(b.size, 1);
      }
    });
  },
);

lawForActors("Operations made of others give back what they can when they lose", async (stage) => {
  const [a, b, lock] = [filled(), filled(), new Lock()];
  await stage.play(function* () {
    spawn(function* () {
      a.tryPut(1);
      b.tryPut(2);
      b.tryPut(3);
    });
    const got = yield race([withTimeout(50, a.get()), withTimeout(50, b.get())]);
    assertEquals(got, 1);
    assertEquals([a.size, b.size], [0, 2]);
    assertEquals(b.tryGet(), 2);
    const guard: Disposable = yield race([withTimeout(50, lock.acquire()), sleep(9)]);
    assertEquals(lock.statistics().holder, currentTask().name);
    guard[Symbol.dispose]();
    const event = new Event();
    assertEquals(yield race({ set: event.wait(2), job: a.get() }), ["set", false]);
    assertEquals([a.statistics().getting, event.statistics().waiting], [0, 0]);
  });
});

lawForActors(
  "Bodies beside operations: an operation that wins cancels them and waits for them",
  async (stage) => {
    const log: string[] = [];
    const queue = filled();
    await stage.play(function* () {
      const body = async function* () {
        try {
          yield* sleep(100);
        } finally {
          log.push("clean");
        }
      };
      spawn(function* () {
        yield* sleep(1);
        queue.tryPut(1);
      });
      assertEquals(yield race({ body, job: queue.get() }), ["job", 1]);
      log.push("after");
      assertEquals(
        yield race({
          quick: () =>
            (function* () {
              yield* sleep(1);
              return "done";
            })(),
          job: queue.get(),
        }),
        ["quick", "done"],
      );
      queue.tryPut(2);
      assertEquals(queue.size, 1, "the get has left the line");
    });
    assertEquals(log, ["clean", "after"]);
  },
);

lawForActors("A work that throws as it is called leaves nothing running", async (stage) => {
  const log: string[] = [];
  await stage.play(function* () {
    const body = function* () {
      log.push("begun");
      yield* sleep(5);
      log.push("ended");
    };
    const throws = (): Generator<unknown, void, never> => {
      throw new Error("as it is called");
    };
    for (const combine of [() => race([body, throws]), () => all([body, throws, sleep(1)])]) {
      try {
        yield combine();
        assert(false);
      } catch (error) {
        assertEquals((error as Error).message, "as it is called");
      }
    }
    yield sleep(10);
    assertEquals(log, []);
  });
});

lawForActors("A promise handed to race or all may reject late and harms nobody", async (stage) => {
  await stage.play(function* () {
    const late = (ms: number): Promise<never> =>
      new Promise((_, reject) => setTimeout(() => reject(new Error("late")), ms));
    yield race([cede(), late(1)]);
    yield race([function* () {}, late(1)]);
    for (
      const works of [
        [filled().get(), late(1)],
        [function* () {
          throw new Error("first");
        }, late(1)],
        [() => {
          throw new Error("first");
        }, late(1)],
      ] as const
    ) {
      try {
        const first = new Queue<number>();
        first.shutdown();
        yield all([first.get(), ...works] as Operation<unknown>[]);
        assert(false);
      } catch {
        // the first failure
      }
    }
    yield wait(new Promise((resolve) => setTimeout(resolve, 5)));
  });
});

law("A deadlock report names every case of a race, and where it stands", async () => {
  const error = await assertRejects(() =>
    run(function* () {
      const [lock, queue] = [new Lock("L"), new Queue<number>(1, "Q")];
      yield* lock.acquire();
      yield* spawn(function* () {
        yield* race([lock.acquire(), queue.get()]);
      }).get();
    }), DeadlockError);
  assert(error.message.includes("L.acquire()"), error.message);
  assert(error.message.includes("Q.get()"), error.message);
  assert(error.message.includes("race_test.ts"), error.message);
});

law("recv on two sockets: the bytes of the loser stay in its socket", async () => {
  await run(async function* () {
    const server = await listen({ port: 0, hostname: "127.0.0.1" });
    const address = server.localAddr as Deno.NetAddr;
    const pairs = [];
    for (let i = 0; i < 2; i++) {
      const client = yield* connect({ hostname: "127.0.0.1", port: address.port });
      pairs.push({ client, peer: yield* server.accept() });
    }
    const [a, b] = pairs as [typeof pairs[0], typeof pairs[0]];
    for (const bytes of ["first", "again"]) {
      const racing = spawn(async function* () {
        return yield* race({ a: a!.peer.recv(9), b: b!.peer.recv(9) });
      });
      if (bytes === "first") yield* cede();
      yield* a!.client.send(new TextEncoder().encode(bytes));
      yield* b!.client.send(new TextEncoder().encode(bytes));
      const [winner, got] = yield* racing.get();
      assertEquals(new TextDecoder().decode(got), bytes);
      const loser = winner === "a" ? b! : a!;
      assertEquals(new TextDecoder().decode(yield* loser.peer.recv(9)), bytes);
    }
    for (const { client, peer } of [a!, b!]) {
      client.close();
      peer.close();
    }
    server.close();
  });
});

law("Thousands of races on a long-lived task leave nothing behind", async () => {
  await run(function* () {
    const [events, queue, never] = [new Event(), filled(), new Queue<number>()];
    const task = currentTask();
    for (let i = 0; i < 5000; i++) {
      queue.tryPut(i);
      yield* race([never.get(), events.wait(), queue.get(), sleep(1000)]);
    }
    assertEquals([never.statistics().getting, events.statistics().waiting], [0, 0]);
    assertEquals(task.waits.length, 0);
    assertEquals(task.timers.size, 0);
  }, { clock: new VirtualClock() });
});

law("race() evaluates to the first result, after the losers have cleaned up", async () => {
  const log: string[] = [];
  const loser = async function* () {
    try {
      yield* sleep(100);
    } finally {
      yield* shield(sleep(5));
      log.push("loser cleaned");
    }
  };
  const value = await virtually(async function* () {
    return yield* race([loser, () => nap(1, "winner")]);
  });
  assertEquals([value, ...log], ["winner", "loser cleaned"]);
});

law("race() throws the error of the first to end, and that of a loser's clean-up too", async () => {
  const error = await virtually(async function* () {
    yield* race([
      async function* () {
        yield* sleep(1);
        throw new Error("first");
      },
      async function* () {
        try {
          yield* sleep(100);
        } catch {
          throw new Error("clean-up");
        }
      },
    ]);
  }).catch((error) => error);
  assertInstanceOf(error, AggregateError);
  assertEquals(error.errors.map((e) => e.message), ["first", "clean-up"]);
  assertThrows(() => race([]), RangeError, "nobody could win");
});

law("waitFirst() over operations takes as many as asked for, and no more", async () => {
  await virtually(async function* () {
    const queues = [1, 2, 3].map(() => new Queue<number>());
    for (const [i, queue] of queues.entries()) queue.tryPut(i);
    const event = new Event();
    const first = yield* waitFirst([event.wait(), ...queues.map((q) => q.get())], { count: 2 });
    assertEquals(first, [
      { index: 1, status: "fulfilled", value: 0 },
      { index: 2, status: "fulfilled", value: 1 },
    ]);
    assertEquals(queues.map((queue) => queue.size), [0, 0, 1]);
    queues[0]!.shutdown();
    const [failed] = yield* waitFirst([queues[0]!.get(), event.wait()]);
    assert(failed?.status === "rejected" && failed.reason instanceof ClosedError);
    assertEquals(event.statistics().waiting, 0);
  });
});
