import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  BusyError,
  ClosedError,
  fileno,
  NotRegisteredError,
  poll,
  POLLERR,
  POLLET,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLONESHOT,
  POLLOUT,
  POLLPRI,
  run,
  sleep,
  spawn,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { FakeHandle } from "./fake_handle.ts";

/** A registry with one fake handle in it. */
function one(mask: number): { registry: ReturnType<typeof poll>; handle: FakeHandle; fd: number } {
  const registry = poll();
  const handle = new FakeHandle();
  registry.register(handle, mask);
  return { registry, handle, fd: fileno(handle) };
}

/** A task that polls once. */
function* polling(registry: ReturnType<typeof poll>, timeout?: number) {
  return yield* registry.poll(timeout);
}

// -- Cost --

law("poll() looks at the ten of 10 000 handles that are ready, and at no other", async () => {
  const registry = poll();
  const handles = Array.from({ length: 10_000 }, () => new FakeHandle());
  for (const handle of handles) registry.register(handle, POLLIN);
  assertEquals(await registry.poll(0), []);
  const before = handles.map(({ looks, arms }) => looks + arms);
  const ready = handles.filter((_, i) => i % 1000 === 7);
  for (const handle of ready) handle.set(POLLIN);
  const events = await registry.poll();
  assertEquals(events.map(([fd]) => fd).sort(), ready.map(fileno).sort());
  const touched = handles.filter(({ looks, arms }, i) => looks + arms !== before[i]);
  assertEquals(new Set(touched), new Set(ready));
  for (const handle of ready) handle.set(0);
  assertEquals(await registry.poll(0), []);
  assertEquals(registry.statistics(), { registered: 10_000, active: 0, polling: false });
});

law("register(), modify() and unregister() touch one handle only", () => {
  const registry = poll();
  const handles = Array.from({ length: 1000 }, () => new FakeHandle());
  for (const handle of handles) registry.register(handle, POLLIN);
  const before = handles.map(({ looks, arms }) => looks + arms);
  registry.modify(handles[5]!, POLLOUT);
  registry.unregister(handles[6]!);
  registry.register(handles[6]!, POLLIN);
  const touched = handles.flatMap(({ looks, arms }, i) => looks + arms === before[i] ? [] : [i]);
  assert(touched.every((i) => i === 5 || i === 6), String(touched));
});

// -- How one waits --

law(
  "poll() works as yield*, yield and await in both lanes, and as await outside of tasks",
  async () => {
    const { registry, handle, fd } = one(POLLIN);
    handle.set(POLLIN);
    const expected = [[fd, POLLIN]];
    assertEquals<unknown>(await registry.poll(), expected);
    await run(function* () {
      assertEquals<unknown>(yield* registry.poll(), expected);
      assertEquals<unknown>(yield registry.poll(), expected);
    });
    await run(async function* () {
      assertEquals<unknown>(yield* registry.poll(), expected);
      assertEquals<unknown>(yield registry.poll(), expected);
      assertEquals<unknown>(await registry.poll(), expected);
    });
  },
);

law("poll(ms) gives an empty answer after ms, and not before", async () => {
  const { registry } = one(POLLIN);
  const clock = new VirtualClock();
  await run(function* () {
    assertEquals(yield* registry.poll(3000), []);
  }, { clock });
  assertEquals(clock.now(), 3000);
});

law("poll() rounds a fraction of a millisecond up", async () => {
  const { registry } = one(POLLIN);
  const clock = new VirtualClock();
  await run(function* () {
    assertEquals(yield* registry.poll(0.2), []);
  }, { clock });
  assertEquals(clock.now(), 1);
});

law("poll() waits without limit when its timeout is absent, negative or Infinity", async () => {
  for (const timeout of [undefined, -1, -Infinity, Infinity]) {
    const { registry, handle, fd } = one(POLLIN);
    const clock = new VirtualClock();
    await run(function* () {
      const waiter = spawn(function* () {
        return yield* registry.poll(timeout);
      });
      yield* sleep(1e9);
      assertEquals(waiter.done, false);
      handle.set(POLLIN);
      assertEquals<unknown>(yield* waiter.get(), [[fd, POLLIN]]);
    }, { clock });
  }
});

law("poll(0) ends without waiting, and sees what an armed handle finds at once", async () => {
  const { registry, handle, fd } = one(POLLIN);
  assertEquals(await registry.poll(0), []);
  const other = new FakeHandle();
  other.whenArmed = POLLIN;
  registry.register(other, POLLIN);
  handle.set(POLLIN);
  assertEquals<unknown>((await registry.poll(0)).toSorted(), [[fd, POLLIN], [
    fileno(other),
    POLLIN,
  ]]);
});

law("poll() tells everything that became ready at one moment in one answer", async () => {
  const registry = poll();
  const handles = Array.from({ length: 5 }, () => new FakeHandle());
  for (const handle of handles) registry.register(handle, POLLIN);
  const answer = registry.poll().then((events) => events.length);
  await Promise.resolve();
  setTimeout(() => handles.forEach((handle) => handle.set(POLLIN)), 1);
  assertEquals(await answer, 5);
});

law("a cancelled poll has told nothing: an edge is told by the next one", async () => {
  const { registry, handle, fd } = one(POLLIN | POLLET);
  await run(function* () {
    const task = spawn(polling, registry);
    yield* sleep(1);
    handle.set(POLLIN);
    task.cancel();
    yield* task.join();
    assertEquals(registry.statistics().polling, false);
    assertEquals<unknown>(yield* registry.poll(), [[fd, POLLIN]]);
  });
});

law("poll() can be cancelled by a timeout around it, and polled again", async () => {
  const { registry, handle, fd } = one(POLLIN);
  await run(function* () {
    try {
      yield* withTimeout(1, registry.poll());
      throw new Error("not reached");
    } catch (error) {
      assertEquals((error as Error).name, "TimeoutError");
    }
    handle.set(POLLIN);
    assertEquals<unknown>(yield* registry.poll(), [[fd, POLLIN]]);
  });
});

// -- Level, edge, one-shot --

law("a level-triggered descriptor is told until what is there was taken", async () => {
  const { registry, handle, fd } = one(POLLIN);
  handle.set(POLLIN);
  for (let i = 0; i < 3; i++) assertEquals<unknown>(await registry.poll(0), [[fd, POLLIN]]);
  handle.set(0);
  assertEquals(await registry.poll(0), []);
});

law("an edge-triggered descriptor is told once for each arrival", async () => {
  const { registry, handle, fd } = one(POLLIN | POLLET);
  handle.set(POLLIN);
  assertEquals<unknown>(await registry.poll(0), [[fd, POLLIN]]);
  assertEquals(await registry.poll(0), []);
  handle.set(POLLIN, POLLIN);
  assertEquals<unknown>(await registry.poll(0), [[fd, POLLIN]]);
  handle.set(0);
  handle.set(POLLIN);
  assertEquals<unknown>(await registry.poll(0), [[fd, POLLIN]]);
  handle.set(POLLIN | POLLOUT);
  assertEquals(await registry.poll(0), [], "news of what was not asked");
});

law(
  "an edge-triggered descriptor is told what is so when it is registered or modified",
  async () => {
    const registry = poll();
    const handle = new FakeHandle();
    handle.set(POLLIN);
    registry.register(handle, POLLIN | POLLET);
    assertEquals((await registry.poll(0)).length, 1);
    assertEquals((await registry.poll(0)).length, 0);
    registry.modify(handle, POLLIN | POLLET);
    assertEquals((await registry.poll(0)).length, 1);
  },
);

law("a one-shot descriptor is told once, then nothing of it until it is modified", async () => {
  const { registry, handle, fd } = one(POLLIN | POLLONESHOT);
  assertEquals(await registry.poll(0), []);
  handle.set(POLLIN);
  assertEquals<unknown>(await registry.poll(0), [[fd, POLLIN]]);
  handle.set(POLLIN | POLLHUP | POLLERR);
  assertEquals(await registry.poll(0), []);
  registry.modify(fd, POLLIN | POLLONESHOT);
  assertEquals<unknown>(await registry.poll(0), [[fd, POLLIN | POLLERR | POLLHUP]]);
});

law("mask 0 tells errors and hang-ups only", async () => {
  const { registry, handle, fd } = one(0);
  handle.set(POLLIN | POLLOUT);
  assertEquals(await registry.poll(0), []);
  handle.set(POLLIN | POLLOUT | POLLERR | POLLHUP);
  assertEquals<unknown>(await registry.poll(0), [[fd, POLLERR | POLLHUP]]);
});

law("the default mask is POLLIN, POLLPRI and POLLOUT", async () => {
  const registry = poll();
  const handle = new FakeHandle();
  registry.register(handle);
  handle.set(POLLIN | POLLPRI | POLLOUT);
  assertEquals((await registry.poll(0))[0]?.[1], POLLIN | POLLPRI | POLLOUT);
});

// -- Fairness --

law(
  "whoever serves only the first descriptor of each answer serves all of them in turn",
  async () => {
    const registry = poll();
    const handles = Array.from({ length: 3 }, () => new FakeHandle());
    for (const handle of handles) {
      registry.register(handle, POLLIN);
      handle.set(POLLIN);
    }
    const served: number[] = [];
    for (let i = 0; i < 6; i++) served.push((await registry.poll())[0]![0]);
    const fds = handles.map(fileno);
    assertEquals(served, [...fds, ...fds]);
  },
);

law(
  "a descriptor that is always ready does not keep timers and other work from their turn",
  async () => {
    const { registry, handle } = one(POLLIN);
    handle.set(POLLIN);
    let rung = false;
    setTimeout(() => rung = true, 1);
    const end = performance.now() + 5000;
    while (!rung && performance.now() < end) await registry.poll();
    assert(rung);
  },
);

// -- Changes while a poll waits --

law("register() takes effect on a poll that waits", async () => {
  const { registry } = one(POLLIN);
  await run(function* () {
    const waiter = spawn(polling, registry);
    yield* sleep(1);
    const other = new FakeHandle();
    other.whenArmed = POLLIN;
    registry.register(other, POLLIN);
    assertEquals<unknown>(yield* waiter.get(), [[fileno(other), POLLIN]]);
  });
});

law("modify() takes effect on a poll that waits", async () => {
  const { registry, handle, fd } = one(POLLIN);
  handle.set(POLLOUT);
  await run(function* () {
    const waiter = spawn(polling, registry);
    yield* sleep(1);
    assert(!waiter.done);
    registry.modify(handle, POLLOUT);
    assertEquals<unknown>(yield* waiter.get(), [[fd, POLLOUT]]);
  });
});

law("unregister() takes effect on a poll that waits", async () => {
  const { registry, handle } = one(POLLIN);
  const clock = new VirtualClock();
  await run(function* () {
    const waiter = spawn(polling, registry, 100);
    yield* sleep(1);
    registry.unregister(handle);
    handle.set(POLLIN);
    assertEquals(handle.watchers, 0);
    assertEquals<unknown>(yield* waiter.get(), []);
  }, { clock });
  assertEquals(clock.now(), 100);
});

law(
  "a handle that is closed while a poll waits is told as POLLNVAL, until it is unregistered",
  async () => {
    const { registry, handle, fd } = one(POLLIN);
    await run(function* () {
      const waiter = spawn(polling, registry);
      yield* sleep(1);
      handle.close();
      assertEquals<unknown>(yield* waiter.get(), [[fd, POLLNVAL]]);
      assertEquals<unknown>(yield* registry.poll(), [[fd, POLLNVAL]]);
      registry.unregister(fd);
      assertEquals(yield* registry.poll(0), []);
    });
  },
);

law("wake() ends the poll that waits, and only that", async () => {
  const { registry } = one(POLLIN);
  await run(function* () {
    const waiter = spawn(polling, registry);
    yield* sleep(1);
    setTimeout(() => registry.wake(), 1);
    assertEquals<unknown>(yield* waiter.get(), []);
    registry.wake();
    registry.wake();
    assertEquals(yield* registry.poll(), [], "a wake before the poll counts for it");
    const clock = performance.now();
    assertEquals(yield* registry.poll(5), []);
    assert(performance.now() - clock > 3, "two wakes are one");
  });
});

law("a second poll at the same time gets BusyError, and the first goes on", async () => {
  const { registry, handle, fd } = one(POLLIN);
  const first = registry.poll().then((events) => events);
  await Promise.resolve();
  await assertRejects(async () => await registry.poll(0), BusyError);
  handle.set(POLLIN);
  assertEquals<unknown>(await first, [[fd, POLLIN]]);
  assertEquals<unknown>(await registry.poll(0), [[fd, POLLIN]]);
});

law("close() ends a waiting poll with ClosedError, forgets all, and closes no handle", async () => {
  const { registry, handle } = one(POLLIN);
  const first = assertRejects(async () => await registry.poll(), ClosedError);
  await Promise.resolve();
  registry.close();
  registry.close();
  await first;
  assertEquals([registry.closed, registry.size, handle.closed, handle.watchers], [
    true,
    0,
    false,
    0,
  ]);
  await assertRejects(async () => await registry.poll(0), ClosedError);
  assertThrows(() => registry.register(handle), ClosedError);
  assertThrows(() => registry.unregister(handle), ClosedError);
});

law("`using` closes a registry", () => {
  const registry = poll();
  {
    using _same = registry;
  }
  assert(registry.closed);
});

// -- Bad use --

law("register() again changes the mask and gives the same handle", async () => {
  const { registry, handle, fd } = one(POLLIN);
  handle.set(POLLIN | POLLOUT);
  assertStrictEquals(registry.register(handle, POLLOUT), handle);
  assertEquals<unknown>(await registry.poll(0), [[fd, POLLOUT]]);
  assertEquals(registry.size, 1);
});

law("modify() and unregister() of what is not registered throw NotRegisteredError", () => {
  const registry = poll();
  const handle = new FakeHandle();
  assertThrows(() => registry.modify(handle, POLLIN), NotRegisteredError, "not registered");
  assertThrows(() => registry.unregister(handle), NotRegisteredError);
  const error = assertThrows(() => registry.unregister(77), NotRegisteredError, "descriptor 77");
  assertEquals(error.fd, 77);
});

law("descriptors and masks that mean nothing are refused", () => {
  const { registry, handle } = one(POLLIN);
  for (const fd of [-1, 2 ** 31]) assertThrows(() => registry.register(fd, POLLIN), RangeError);
  for (const fd of [1.5, NaN]) assertThrows(() => registry.register(fd, POLLIN), TypeError);
  for (const target of ["seven", null, {}, undefined]) {
    assertThrows(
      () => registry.register(target as never, POLLIN),
      TypeError,
      "Cannot find a handle",
    );
  }
  for (const mask of [-1, 0x40, 65536, 2 ** 32, 2 ** 33 + 1]) {
    assertThrows(() => registry.register(handle, mask), RangeError, "bits other than");
    assertThrows(() => registry.modify(handle, mask), RangeError);
  }
  for (const mask of [1.5, "1", null]) {
    assertThrows(() => registry.register(handle, mask as never), TypeError);
  }
  registry.register(handle, POLLIN | POLLET); // negative: the sign bit
  registry.register(handle, POLLIN + POLLET);
  registry.register(handle, POLLERR | POLLHUP | POLLNVAL);
});

law("timeouts that mean nothing are refused before the poll waits", () => {
  const { registry } = one(POLLIN);
  for (const timeout of [NaN, "soon", {}]) {
    assertThrows(() => registry.poll(timeout as never), TypeError);
  }
  assertThrows(() => registry.poll(2 ** 31), RangeError);
});

law("register() of a closed handle throws ClosedError; by its number it is POLLNVAL", async () => {
  const { registry, handle, fd } = one(POLLIN);
  handle.close();
  assertThrows(() => registry.register(handle, POLLIN), ClosedError);
  assertThrows(() => registry.modify(handle, POLLIN), ClosedError);
  registry.register(fd, POLLOUT);
  registry.modify(fd, 0);
  assertEquals<unknown>(await registry.poll(), [[fd, POLLNVAL]]);
  registry.unregister(handle);
  assertEquals(registry.size, 0);
});

law("a number that no handle has can be registered, and is POLLNVAL, as on Linux", async () => {
  const registry = poll();
  assertEquals(registry.register(999_999, POLLIN), null);
  assertEquals<unknown>(await registry.poll(), [[999_999, POLLNVAL]]);
  assertEquals(registry.get(999_999), null);
  registry.unregister(999_999);
  assertEquals([await registry.poll(0), registry.get(999_999)], [[], undefined]);
});
