import { assert, assertEquals } from "@std/assert";
import { fileno, poll, POLLIN, POLLNVAL } from "@weft/weft";
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
