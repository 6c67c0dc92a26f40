import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Lock, run, sleep, spawn, type TaskBody } from "@weft/weft";
import { seededChoose } from "@weft/weft/lowlevel";
import { VirtualClock } from "@weft/weft/testing";
import type { LostUpdate } from "../../src/trace/lost_update.ts";
import { lostUpdates, shared } from "../../src/trace/watched_object.ts";
import { law, lawInBothLanes } from "../lib/law.ts";

const quiet = { report: () => {} };

/** Runs bodies as tasks named a, b, c…, on a virtual clock. */
function together(...bodies: TaskBody<[], unknown>[]): Promise<void> {
  return run(function* () {
    const tasks = bodies.map((body) => spawn(body));
    tasks.forEach((task, i) => task.name = String.fromCharCode(97 + i));
  }, { clock: new VirtualClock() });
}

/** The number of the line of this file that holds a text, for comparison with sites. */
async function lineOf(text: string): Promise<string> {
  const source = await Deno.readTextFile(new URL(import.meta.url));
  return `:${source.split("\n").findIndex((line) => line.includes(`// ${text}`)) + 1}:`;
}

lawInBothLanes("shared() names tasks, values and lines of a lost update", {
  fast: async () => {
    const tickets = shared({ left: 5 }, { name: "tickets", ...quiet });
    await together(
      function* () {
        const { left } = tickets; // fast read
        yield* sleep(2);
        tickets.left = left - 1; // fast late write
      },
      function* () {
        yield* sleep(1);
        tickets.left -= 2; // fast foreign write
      },
    );
    await checkTold(lostUpdates(tickets), "fast");
  },
  async: async () => {
    const tickets = shared({ left: 5 }, { name: "tickets", ...quiet });
    await together(
      async function* () {
        const { left } = tickets; // async read
        await new Promise((resolve) => setTimeout(resolve)); // virtual time stands meanwhile
        yield* sleep(2);
        tickets.left = left - 1; // async late write
      },
      async function* () {
        yield* sleep(1);
        tickets.left -= 2; // async foreign write
      },
    );
    await checkTold(lostUpdates(tickets), "async");
  },
});

async function checkTold(found: readonly LostUpdate[], lane: string): Promise<void> {
  assertEquals(found.length, 1);
  const [lost] = found as [LostUpdate];
  const { property, read, foreign, write } = lost;
  assertEquals(property, "tickets.left");
  assertEquals([read.task, foreign.task, write.task], ["a", "b", "a"]);
  assertEquals([read.value, foreign.value, write.value, lost.lost], [5, 3, 4, 1]);
  assert(read.site!.includes(await lineOf(`${lane} read`)), read.site);
  assert(foreign.site!.includes(await lineOf(`${lane} foreign write`)), foreign.site);
  assert(write.site!.includes(await lineOf(`${lane} late write`)), write.site);
  assertMatch(
    lost.message,
    /^Lost update of tickets\.left: task "a" read 5 at file:.*, then task "b" wrote 3 at file:.*, then task "a" wrote 4 at file:.* without having read it again$/,
  );
  assert(Object.isFrozen(lost) && Object.isFrozen(found) && Object.isFrozen(read));
}

/** Tasks of both lanes that count up, each as `guarded` says, with yields in its midst. */
function countUp(
  seed: number,
  counter: { n: number },
  midst: "yields" | "none",
  lock: Lock | undefined,
): Promise<number> {
  const choose = seededChoose(seed);
  const tasks = 2 + choose(3);
  const rounds = 1 + choose(3);
  const pause = function* (): Generator<unknown, void, unknown> {
    const kind = choose(3);
    if (kind === 0) yield;
    else if (kind === 1) yield* sleep(choose(3));
  };
  const step = function* (): Generator<unknown, void, unknown> {
    yield* pause();
    if (lock !== undefined) yield* lock.acquire();
    const { n } = counter;
    if (midst === "yields") yield* pause();
    counter.n = n + 1;
    lock?.release();
  };
  return run(function* () {
    for (let i = 0; i < tasks; i++) {
      if (choose(2) === 0) {
        spawn(function* () {
          for (let k = 0; k < rounds; k++) yield* step();
        });
      } else {
        spawn(async function* () {
          for (let k = 0; k < rounds; k++) yield* step();
        });
      }
    }
    return tasks * rounds;
  }, { seed, clock: new VirtualClock() });
}

law(
  "shared() finds something in a schedule if, and only if, an increment is missing (1 000 seeds)",
  async () => {
    let lossy = 0;
    for (let seed = 1; seed <= 1000; seed++) {
      const counter = shared({ n: 0 }, quiet);
      const increments = await countUp(seed, counter, "yields", undefined);
      const missing = increments - counter.n;
      assertEquals(lostUpdates(counter).length > 0, missing > 0, `seed ${seed}`);
      if (missing > 0) lossy++;
    }
    assert(lossy > 300 && lossy < 990, `${lossy} schedules lost updates`);
  },
  120_000,
);

law("shared() is silent under a lock (1 000 seeds)", async () => {
  for (let seed = 1; seed <= 1000; seed++) {
    const counter = shared({ n: 0 }, quiet);
    assertEquals(await countUp(seed, counter, "yields", new Lock()), counter.n, `seed ${seed}`);
    assertEquals(lostUpdates(counter), [], `seed ${seed}`);
  }
}, 60_000);

law("shared() is silent when nobody yields between read and write (1 000 seeds)", async () => {
  for (let seed = 1; seed <= 1000; seed++) {
    const counter = shared({ n: 0 }, quiet);
    assertEquals(await countUp(seed, counter, "none", undefined), counter.n, `seed ${seed}`);
    assertEquals(lostUpdates(counter), [], `seed ${seed}`);
  }
}, 60_000);

law("shared() finds an update that a lock taken twice does not save", async () => {
  const lock = new Lock();
  const counter = shared({ n: 0 }, quiet);
  const body = function* () {
    yield* lock.acquire();
    const { n } = counter;
    lock.release();
    yield;
    yield* lock.acquire();
    counter.n = n + 1;
    lock.release();
  };
  await together(body, body);
  assertEquals([counter.n, lostUpdates(counter).length], [1, 1]);
});

law("shared() counts the foreign writes between, and shows the last", async () => {
  const counter = shared({ n: 0 }, quiet);
  const quick = function* () {
    yield* sleep(1);
    counter.n++;
  };
  await together(
    function* () {
      const { n } = counter;
      yield* sleep(2);
      counter.n = n + 1;
    },
    quick,
    quick,
    quick,
  );
  const [{ lost, foreign, message }] = lostUpdates(counter) as [LostUpdate];
  assertEquals([lost, foreign.task, foreign.value], [3, "d", 3]);
  assert(message.includes("(the last of 3 such writes)"));
});

law("shared() takes a second write without another read for a blind one", async () => {
  const state = shared({ phase: "new" }, quiet);
  await together(
    function* () {
      if (state.phase === "new") state.phase = "begun";
      yield* sleep(2);
      state.phase = "done";
    },
    function* () {
      yield* sleep(1);
      state.phase = "half";
    },
  );
  assertEquals([state.phase, lostUpdates(state)], ["done", []]);
});

law("shared() is silent about a task's own writes between its read and its write", async () => {
  const state = shared({ n: 0, m: 0 }, quiet);
  await together(function* () {
    const { n } = state;
    yield;
    state.n = 1;
    yield;
    state.n = n + 2;
    state.m = n;
  }, function* () {
    yield;
    state.m = 7;
  });
  assertEquals(lostUpdates(state), []);
});

law("shared() sees the compound assignment with a wait in its midst", async () => {
  const account = shared({ balance: 100 }, quiet);
  const pay = function* () {
    account.balance -= yield* price();
  };
  function* price(): Generator<unknown, number, unknown> {
    yield* sleep(1);
    return 10;
  }
  await together(pay, pay);
  assertEquals([account.balance, lostUpdates(account).length], [90, 1]);
});

law("shared() watches plain objects and arrays below the object, by their paths", async () => {
  const board = shared({ rows: [{ "n o": 0 }, { "n o": 0 }], [Symbol("s")]: 0 }, {
    name: "board",
    ...quiet,
  });
  const body = function* () {
    const value = board.rows[1]!["n o"];
    yield;
    board.rows[1]!["n o"] = value + 1;
  };
  await together(body, body);
  assertEquals(lostUpdates(board.rows).map(({ property }) => property), ['board.rows[1]["n o"]']);
  assert(board.rows === board.rows && board.rows[0] === board.rows[0]);
});

law("shared() sees an array's length read before and written after a foreign push", async () => {
  const list = shared<number[]>([1, 2, 3], { name: "list", ...quiet });
  await together(
    function* () {
      const { length } = list;
      yield* sleep(2);
      list.length = length - 1; // drops what has come in between
    },
    function* () {
      yield* sleep(1);
      list.push(4);
    },
  );
  assertEquals(lostUpdates(list).map(({ property }) => property), ["list.length"]);
  assertEquals([...list], [1, 2]);
});

law("shared() is silent about queues of an array: push and shift in single steps", async () => {
  const list = shared<number[]>([], quiet);
  let taken = 0;
  await together(
    function* () {
      for (let i = 0; i < 20; i++) {
        list.push(i);
        yield;
      }
    },
    function* () {
      while (taken < 20) {
        if (list.length > 0) assertEquals(list.shift(), taken++);
        yield;
      }
    },
  );
  assertEquals(lostUpdates(list), []);
});

law("shared() takes `in` for a read, and `delete` for a write", async () => {
  const cache: Record<string, string> = shared({}, { name: "cache", ...quiet });
  const fill = (value: string) =>
    function* () {
      if ("key" in cache) return;
      yield* sleep(1);
      cache.key = value;
    };
  await together(fill("one"), fill("two"));
  const [{ property, read }] = lostUpdates(cache) as [LostUpdate];
  assertEquals([property, read.value], ["cache.key", undefined]);
  await together(
    function* () {
      const { key } = cache;
      yield* sleep(2);
      cache.key = `${key}!`;
    },
    function* () {
      yield* sleep(1);
      delete cache.key;
    },
  );
  assertEquals(lostUpdates(cache).length, 2);
});

law("shared() leaves alone what it cannot watch: maps, instances, frozen parts", () => {
  class Held {
    #n = 1;
    get n(): number {
      return this.#n;
    }
  }
  const frozen = Object.freeze({ inner: { n: 1 } });
  const state = shared({ map: new Map([[1, 2]]), held: new Held(), frozen }, quiet);
  assertEquals([state.map.get(1), state.held.n, state.frozen.inner.n], [2, 1, 1]);
  assertThrows(() => {
    (state.frozen as { inner: unknown }).inner = 1;
  }, TypeError);
  for (const object of [new Map(), new Set(), new Date(), new Uint8Array(1), Promise.resolve()]) {
    assertThrows(() => shared(object), TypeError, "Cannot share a ");
  }
  assertThrows(() => shared(5 as unknown as object), TypeError, "Cannot share 5");
  assertThrows(() => shared(state), TypeError, "Cannot share an object twice");
  assertThrows(() => lostUpdates({}), TypeError, "it is not shared");
});

law(
  "shared() watches the properties of an instance through its methods and accessors",
  async () => {
    class Account {
      balance = 10;
      get half(): number {
        return this.balance / 2;
      }
      set half(value: number) {
        this.balance = 2 * value;
      }
      *pay(sum: number): Generator<unknown, void, unknown> {
        const { balance } = this;
        yield;
        this.balance = balance - sum;
      }
    }
    const account = shared(new Account(), { name: "account", ...quiet });
    const pay = function* () {
      yield* account.pay(1);
    };
    await together(pay, pay);
    const halve = function* () {
      const { half } = account;
      yield;
      account.half = half - 1;
    };
    await together(halve, halve);
    assertEquals(lostUpdates(account).map(({ property }) => property), [
      "account.balance",
      "account.balance",
    ]);
    assert(account instanceof Account);
  },
);

law("shared() stores what is behind a watched object, not its proxy", () => {
  const plain = { list: [{ n: 1 }], other: null as unknown };
  const state = shared(plain, quiet);
  state.other = state.list[0];
  assert(plain.other === plain.list[0]);
  assert(state.other === state.list[0]);
  assertEquals(JSON.stringify(state), JSON.stringify(plain));
});

law("shared() takes code outside of tasks for somebody else", async () => {
  const state = shared({ n: 0 }, quiet);
  await run(function* () {
    const { n } = state;
    queueMicrotask(() => state.n = 5);
    yield* sleep(1);
    state.n = n + 1;
  });
  const [{ foreign, message }] = lostUpdates(state) as [LostUpdate];
  assertEquals([foreign.task, foreign.value], [undefined, 5]);
  assert(message.includes("then code outside of every task wrote 5"));
});

law("shared() warns once for the same three lines, and keeps every finding", async () => {
  const counter = shared({ n: 0 });
  const warnings: string[] = [];
  await run(function* () {
    const body = function* () {
      for (let i = 0; i < 50; i++) {
        const { n } = counter;
        yield;
        counter.n = n + 1;
      }
    };
    spawn(body);
    spawn(body);
  }, { warn: (message) => warnings.push(message) });
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /^Lost update of Shared#\d+\.n: /);
  assertEquals(lostUpdates(counter).length, 99);
});

law("lostUpdates() keeps the latest thousand", async () => {
  const counter = shared({ n: 0 }, quiet);
  const body = function* () {
    for (let i = 0; i < 1100; i++) {
      const { n } = counter;
      yield;
      counter.n = n + 1;
    }
  };
  await together(body, body);
  assertEquals(lostUpdates(counter).length, 1000);
  assertEquals(lostUpdates(counter).at(-1)!.write.value, 1100);
}, 60_000);

law("SharedOptions.report can fail the task that wrote too late", async () => {
  const counter = shared({ n: 0 }, {
    report: (lost) => {
      throw new Error(lost.message);
    },
  });
  const body = function* () {
    const { n } = counter;
    yield;
    counter.n = n + 1;
  };
  await assertRejects(() => together(body, body), Error, "Lost update");
});

law("SharedOptions.ignore lets the last writer win", async () => {
  const state = shared({ last: 0, deep: { last: 0 } }, { ignore: ["last"], ...quiet });
  const body = function* () {
    const sum = state.last + state.deep.last;
    yield;
    state.last = state.deep.last = sum + 1;
  };
  await together(body, body);
  assertEquals(lostUpdates(state), []);
});

/** Runs two tasks, of which the second writes between the two steps of the first. */
async function interleaved<T extends object>(
  state: T,
  first: () => void,
  between: () => void,
  late: () => void,
): Promise<number> {
  await run(function* () {
    spawn(function* () {
      first();
      yield;
      late();
    });
    spawn(function* () {
      between();
    });
  });
  return lostUpdates(state).length;
}

law("shared() sees a place behind an array's length read, filled by two", async () => {
  const list = shared<string[]>(["a"], { report: () => {} });
  let at = 0;
  const found = await interleaved(
    list,
    () => at = list.length,
    () => list[list.length] = "b",
    () => list[at] = "c",
  );
  assertEquals(found, 1);
  assertEquals(list.join(), "a,c");
});

law("shared() sees writes by defineProperty, reads by hasOwn and by keys", async () => {
  const reads = [
    (state: object) => Object.hasOwn(state, "x"),
    (state: object) => Object.keys(state),
    (state: object) => Object.getOwnPropertyDescriptor(state, "x"),
  ];
  for (const read of reads) {
    const state = shared<{ x?: number }>({}, { report: () => {} });
    const write = (value: number): void => {
      Object.defineProperty(state, "x", { value, writable: true, configurable: true });
    };
    assertEquals(await interleaved(state, () => read(state), () => write(1), () => write(2)), 1);
  }
});

law("shared() finds an object in a list, be it the object or its proxy", () => {
  const inner = { n: 1 };
  const list = shared([{ n: 0 }, inner]);
  assert(list.includes(inner) && list.includes(list[1]!));
  assertEquals([list.indexOf(inner), list.lastIndexOf(list[1]!), list.indexOf({ n: 1 })], [
    1,
    1,
    -1,
  ]);
});

law("shared() of the same object twice is one watch", async () => {
  const raw = { n: 0 };
  const [one, other] = [shared(raw, { report: () => {} }), shared(raw)];
  assert(one === other);
  let n = 0;
  assertEquals(await interleaved(one, () => n = one.n, () => other.n++, () => one.n = n + 1), 1);
});
