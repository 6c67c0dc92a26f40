import { assert, assertEquals } from "@std/assert";
import { adopt, alarm, fileno, poll, POLLIN, POLLNVAL, select } from "@weft/weft";
import { collectGarbage, growthOf } from "../lib/heap.ts";
import { law } from "../lib/law.ts";
import { FakeHandle } from "./fake_handle.ts";

/** A handle in a registry, and its number. */
function registered(registry: ReturnType<typeof poll>): [FakeHandle, number] {
  const handle = new FakeHandle();
  registry.register(handle, POLLIN);
  return [handle, fileno(handle)];
}

law("fileno() gives a small whole number from 3 up, the same one for life", () => {
  const handle = new FakeHandle();
  const fd = fileno(handle);
  assert(Number.isInteger(fd) && fd >= 3);
  assertEquals(fileno(handle), fd);
});

law("a number is free again once its handle is closed and no registry names it", () => {
  const [one, two] = [poll(), poll()];
  const [handle, fd] = registered(one);
  two.register(fd, POLLIN);
  handle.close();
  one.unregister(fd);
  assert(registered(one)[1] !== fd, "the other registry still names it");
  two.unregister(fd);
  assertEquals(registered(one)[1], fd);
  one.close();
});

law("the lowest free number is given first", () => {
  const registry = poll();
  const made = Array.from({ length: 4 }, () => registered(registry));
  for (const i of [2, 0, 3]) {
    const [handle, fd] = made[i]!;
    handle.close();
    registry.unregister(fd);
  }
  assertEquals(
    [registered(registry)[1], registered(registry)[1], registered(registry)[1]],
    [made[0]![1], made[2]![1], made[3]![1]],
  );
});

law("the registration of a closed handle never speaks for another one", async () => {
  const registry = poll();
  const [first, fd] = registered(registry);
  first.close();
  const [second] = registered(poll());
  second.set(POLLIN);
  assert(fileno(second) !== fd);
  assertEquals(await registry.poll(0), [[fd, POLLNVAL]]);
});

law("a number that was registered before any handle had it is given to none", async () => {
  const registry = poll();
  const next = fileno(new FakeHandle()) + 1;
  registry.register(next, POLLIN);
  assert(fileno(new FakeHandle()) !== next);
  assertEquals(await registry.poll(0), [[next, POLLNVAL]]);
});

law("register() gives the handle with its number as `fd`", () => {
  const registry = poll();
  const handle = registry.register(new FakeHandle(), POLLIN);
  assertEquals(handle.fd, fileno(handle));
  assertEquals(registry.register(handle, POLLIN).fd, handle.fd);
});

/** The number that the next handle would get. */
function nextNumber(): number {
  const handle = new FakeHandle();
  const fd = fileno(handle);
  handle.close();
  return fd;
}

/** Ways to let go of a handle, each of which must give its number back. */
const ends: Record<string, (handle: FakeHandle) => unknown> = {
  "register, unregister, close": (handle) => {
    const registry = poll();
    registry.register(handle, POLLIN);
    registry.unregister(handle);
    handle.close();
  },
  "register, close, unregister": (handle) => {
    const registry = poll();
    registry.register(handle, POLLIN);
    handle.close();
    registry.unregister(handle);
  },
  "register, registry.close(), close": (handle) => {
    const registry = poll();
    registry.register(handle, POLLIN);
    registry.close();
    handle.close();
  },
  "fileno(), close": (handle) => {
    fileno(handle);
    handle.close();
  },
  "select(), close": async (handle) => {
    handle.set(POLLIN);
    await select([handle], [], [], 0);
    handle.close();
  },
};

for (const [name, end] of Object.entries(ends)) {
  law(`a number is free again after ${name}`, async () => {
    const before = nextNumber();
    for (let i = 0; i < 100; i++) await end(new FakeHandle());
    assertEquals(nextNumber(), before);
  });
}

law("numbers of nobody, registered and unregistered over and over, leave nothing", async () => {
  const registry = poll();
  const turn = (): void => {
    registry.register(7, POLLIN);
    registry.unregister(7);
  };
  for (let i = 0; i < 1000; i++) turn();
  const growth = await growthOf(() => {
    for (let i = 0; i < 20_000; i++) turn();
  });
  assert(growth < 400_000, `${growth} bytes`); // an object for each turn would take half a million
});

law("a registry that is dropped without close() gives its numbers back", async () => {
  const before = nextNumber();
  (() => {
    for (let i = 0; i < 100; i++) {
      const handle = new FakeHandle();
      poll().register(handle, POLLIN);
      handle.close();
    }
  })();
  await collectGarbage();
  assertEquals(nextNumber(), before);
});

law("a handle of weft's own gives its number back when it is closed, wherever it was", async () => {
  const before = nextNumber();
  const registry = poll();
  for (let i = 0; i < 20; i++) {
    const beat = alarm(60_000);
    const listening = adopt(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    for (const handle of [beat.handle, listening]) {
      registry.register(handle, POLLIN);
      registry.unregister(handle);
      handle.close();
    }
    await listening.gone;
  }
  assertEquals(nextNumber(), before);
});

law("handles that were unregistered and closed are collected", async () => {
  const registry = poll();
  const gone: WeakRef<FakeHandle>[] = [];
  (() => {
    for (let i = 0; i < 50; i++) {
      const handle = new FakeHandle();
      gone.push(new WeakRef(handle));
      registry.register(handle, POLLIN);
      registry.unregister(handle);
      handle.close();
    }
    nextNumber();
  })();
  await collectGarbage();
  assert(gone.filter((ref) => ref.deref() !== undefined).length <= 1);
});

law("fileno() of a handle that was closed before it had a number is -1", () => {
  const handle = new FakeHandle();
  handle.close();
  assertEquals(fileno(handle), -1);
});
