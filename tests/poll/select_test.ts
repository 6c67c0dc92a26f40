import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ClosedError,
  fileno,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  run,
  select,
  sleep,
  spawn,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { FakeHandle } from "./fake_handle.ts";

law("select() gives each handle in the lists it was asked in, in their order", async () => {
  const [a, b, c] = [new FakeHandle(), new FakeHandle(), new FakeHandle()] as const;
  a.set(POLLIN | POLLOUT);
  b.set(POLLOUT);
  c.set(POLLIN | POLLPRI);
  assertEquals(await select([c, b, a], [b, c], [a, b, c], 0), [[c, a], [b], [c]]);
  assertEquals(await select([fileno(a)], [], []), [[fileno(a)], [], []]);
});

law("select() with nothing ready gives three empty lists after its timeout", async () => {
  const clock = new VirtualClock();
  await run(function* () {
    assertEquals(yield* select([new FakeHandle()], [], [], 50), [[], [], []]);
    assertEquals(yield* select([], [], [], 50), [[], [], []]);
  }, { clock });
  assertEquals(clock.now(), 100);
});

law("a hang-up makes readable, and does not end the wait of who only writes", async () => {
  const handle = new FakeHandle();
  handle.set(POLLHUP);
  assertEquals(await select([handle], [], [], 0), [[handle], [], []]);
  const clock = new VirtualClock();
  await run(function* () {
    const waiter = spawn(function* () {
      return yield* select([], [handle], []);
    });
    yield* sleep(1000);
    assertEquals(waiter.done, false);
    handle.set(POLLHUP | POLLOUT);
    assertEquals<unknown>(yield* waiter.get(), [[], [handle], []]);
  }, { clock });
});

law("select() leaves nothing behind on its handles, also when it is cancelled", async () => {
  const handle = new FakeHandle();
  await run(function* () {
    const waiter = spawn(function* () {
      yield* select([handle], [], []);
    });
    yield* sleep(1);
    assertEquals(handle.watchers, 1);
    yield* waiter.cancel();
    assertEquals(handle.watchers, 0);
  });
});

law("select() of a closed handle or of nobody's number throws ClosedError", async () => {
  const handle = new FakeHandle();
  handle.close();
  await assertRejects(async () => await select([handle], [], []), ClosedError, "it is closed");
  await assertRejects(async () => await select([888_888], [], []), ClosedError, "888888");
  assertThrows(() => select([], [], [], -1), RangeError);
});
