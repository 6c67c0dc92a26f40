/** Virtual time never overtakes what happens in real time, and shows each deadline its own time. */
import { assertEquals, assertRejects } from "@std/assert";
import {
  connect,
  DeadlockError,
  listen,
  type Operation,
  Queue,
  run,
  sleep,
  spawn,
  wait,
  withTimeout,
} from "@weft/weft";
import { seededChoose } from "@weft/weft/lowlevel";
import { allTasksBlocked, HandRun, VirtualClock } from "@weft/weft/testing";
import { law, lawInBothLanes } from "../lib/law.ts";

const real = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

law("A deadline does not pass while a task is out in a foreign await", async () => {
  const clock = new VirtualClock();
  await run(async function* () {
    const value = yield* withTimeout(60_000, async function* () {
      await real(5);
      return "in time";
    });
    assertEquals(value, "in time");
    assertEquals(clock.now(), 0);
    await withTimeout(10, async function* () {
      for (let i = 0; i < 3; i++) await real(1);
    });
    const other = spawn(async function* () {
      await real(3);
      return clock.now();
    });
    yield* sleep(1000);
    assertEquals(other.done, true);
    assertEquals(other.value, 0);
  }, { clock });
  assertEquals(clock.now(), 1000);
});

law(
  "Time goes on for the others when a task comes back from a foreign await and waits",
  async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    await run(async function* () {
      spawn(function* () {
        for (let i = 0; i < 3; i++) {
          yield* sleep(10);
          log.push(`tick ${clock.now()}`);
        }
      });
      await real(2);
      log.push(`back ${clock.now()}`);
      yield* sleep(15);
      log.push(`slept ${clock.now()}`);
    }, { clock });
    assertEquals(log, ["back 0", "tick 10", "slept 15", "tick 20", "tick 30"]);
  },
);

lawInBothLanes("advance() past several deadlines shows each of them its own time", {
  fast: () =>
    advanced((ms, log, clock) =>
      function* () {
        yield* sleep(ms);
        log.push(clock.now());
        yield* sleep(5);
        log.push(clock.now());
      }
    ),
  async: () =>
    advanced((ms, log, clock) =>
      async function* () {
        yield* sleep(ms);
        log.push(clock.now());
        await sleep(5);
        log.push(clock.now());
      }
    ),
});

async function advanced(
  sleeper: (
    ms: number,
    log: number[],
    clock: VirtualClock,
  ) => () => Generator<unknown, void, never> | AsyncGenerator<unknown, void, never>,
): Promise<void> {
  const expected = [10, 15, 20, 20, 25, 25, 30, 35, 95, 100];
  {
    const log: number[] = [];
    const clock = new VirtualClock({ autojump: false });
    const ended = run(function* () {
      for (const ms of [10, 30, 20, 20, 95]) spawn(sleeper(ms, log, clock));
    }, { clock });
    await real(1);
    clock.advance(100);
    assertEquals(clock.now(), 100);
    await ended;
    assertEquals(log, expected);
    assertEquals(clock.now(), 100);
  }
  const log: number[] = [];
  const hand: HandRun<void> = new HandRun(function* () {
    for (const ms of [10, 30, 20, 20, 95]) spawn(sleeper(ms, log, hand.clock));
  });
  await hand.settle();
  hand.clock.advance(100);
  assertEquals(hand.clock.now(), 100);
  await hand.settle();
  assertEquals(log, expected);
  assertEquals(hand.clock.now(), 100);
  await hand.end();
}

law("HandRun.end() waits for the host where something of it is to come", async () => {
  const hand = new HandRun(async function* () {
    const promised = yield* wait(real(2).then(() => "promise"));
    await real(2);
    yield* sleep(1000);
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.localAddr as Deno.NetAddr;
    const client = spawn(function* () {
      using socket = yield* connect({ hostname: "127.0.0.1", port });
      yield* sleep(50);
      yield* socket.sendAll(new Uint8Array([7]));
    });
    using socket = yield* listener.accept();
    const got = yield* withTimeout(60_000, socket.recv(10));
    yield* client.join();
    return [promised, got[0]];
  });
  assertEquals(await hand.end(), ["promise", 7]);
  assertEquals(hand.clock.now(), 1050);
});

law("HandRun.end() still tells a deadlock", async () => {
  const hand = new HandRun(function* () {
    yield* new Queue<number>(1).get();
  });
  await assertRejects(() => hand.end(), DeadlockError);
});

law("allTasksBlocked() waits until every other task waits, and takes no time", async () => {
  for (const clock of [new VirtualClock(), undefined]) {
    await run(async function* () {
      const log: string[] = [];
      const queue = new Queue<number>();
      spawn(function* () {
        for (let i = 0; i < 200; i++) yield;
        log.push("fast");
        yield* queue.get();
      });
      spawn(async function* () {
        for (let i = 0; i < 100; i++) yield;
        log.push("async");
        yield* sleep(20);
        log.push("late");
      });
      yield* allTasksBlocked();
      assertEquals(log, ["async", "fast"]);
      assertEquals(queue.statistics().getting, 1);
      queue.tryPut(1);
      yield* allTasksBlocked();
      assertEquals(queue.statistics().getting, 0);
      assertEquals(clock?.now() ?? 0, 0);
    }, clock === undefined ? {} : { clock });
  }
  const hand = new HandRun(function* () {
    let blocked = false;
    spawn(function* () {
      for (let i = 0; i < 5; i++) yield;
      blocked = true;
    });
    yield* allTasksBlocked();
    return blocked;
  });
  assertEquals(await hand.end(), true);
});

/** A random program of several tasks; each logs what it does in an order that time alone decides. */
function program(seed: number, unit: number, log: string[]) {
  const choose = seededChoose(seed);
  let slot = 0;
  const plans = Array.from(
    { length: 3 },
    () => Array.from({ length: 4 }, () => ({ kind: choose(4), at: slot += 1 + choose(2) })),
  );
  // Interleave the slots, so that the tasks' deadlines do, too; no two are closer than one unit.
  const order = plans.flat().map((_, i) => i).sort(() => choose(3) - 1);
  plans.flat().forEach((step, i) => step.at = order[i]! + 1);
  for (const plan of plans) plan.sort((a, b) => a.at - b.at);
  return async function* (): AsyncGenerator<unknown, void, never> {
    const queue = new Queue<string>();
    let began = 0;
    const body = async function* (name: string, plan: typeof plans[number]) {
      for (const { kind, at } of plan) {
        const now = yield* elapsed(began);
        yield* sleep(Math.max(0, at * unit - now));
        if (kind === 0) await real(0);
        else if (kind === 1) yield* wait(real(0));
        else if (kind === 2) queue.tryPut(name);
        else await Promise.resolve();
        log.push(`${name}${at}`);
      }
    };
    began = clockOf();
    const tasks = plans.map((plan, i) => spawn(body, "abc"[i]!, plan));
    for (const task of tasks) yield* task.join();
  };
}

let clockOf = (): number => performance.now();
function* elapsed(began: number): Generator<never, number, unknown> {
  return clockOf() - began;
}

law("Random programs with foreign awaits and promises go the same way on both clocks", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const virtual: string[] = [];
    const clock = new VirtualClock();
    clockOf = () => clock.now();
    await run(program(seed, 1000, virtual), { clock });
    let system: string[] = [];
    // The machine's clock keeps its order only while the machine keeps up.
    for (let unit = 12; unit < 800 && system.join() !== virtual.join(); unit *= 2) {
      system = [];
      clockOf = () => performance.now();
      await run(program(seed, unit, system));
    }
    assertEquals(virtual, system, `seed ${seed}`);
  }
}, 120_000);

law("Bytes under way between sockets arrive before a virtual deadline passes", async () => {
  const clock = new VirtualClock();
  await run(async function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.localAddr as Deno.NetAddr;
    const server = spawn(async function* () {
      using socket = yield* listener.accept();
      for (let data; (data = yield* socket.recv(100)).length > 0;) {
        await real(1); // a handler that awaits something of its own
        yield* socket.sendAll(data);
      }
    });
    using client = yield* connect({ hostname: "127.0.0.1", port });
    for (let i = 0; i < 20; i++) {
      yield* client.sendAll(new Uint8Array([i]));
      const reply: Operation<Uint8Array> = client.recvExactly(1);
      assertEquals((yield* withTimeout(10, reply))[0], i);
    }
    client.closeWrite();
    yield* server.join();
  }, { clock });
  assertEquals(clock.now(), 0);
});

law(
  "Waits side by side in one task need no host: time goes on between them, and a stall is told",
  async () => {
    const clock = new VirtualClock();
    await run(async function* () {
      for (let round = 0; round < 3; round++) {
        await Promise.all([sleep(1), sleep(3), sleep(2)]);
        await Promise.race([sleep(1), sleep(5)]);
        yield* sleep(4);
      }
    }, { clock });
    assertEquals(clock.now(), 24);
    await assertRejects(
      () =>
        run(async function* () {
          await Promise.all([sleep(1), sleep(3), sleep(2)]);
          yield* new Queue<number>().get();
        }, { clock: new VirtualClock() }),
      DeadlockError,
    );
  },
);
