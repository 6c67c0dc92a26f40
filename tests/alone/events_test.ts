import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  alarm,
  BusyError,
  ClosedError,
  moveOnAfter,
  run,
  signals,
  sleep,
  spawn,
  TimeoutError,
  WouldBlock,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { errorOf, start } from "../lib/sockets.ts";

/** Runs a law while this process hears both signals whatever else does: unheard, each would end it. */
async function hearing(body: (heard: Set<string>) => Promise<unknown>): Promise<void> {
  const heard = new Set<string>();
  const names = ["SIGUSR1", "SIGUSR2"] as const;
  const listeners = names.map((name) => ({ name, listen: () => void heard.add(name) }));
  for (const { name, listen } of listeners) Deno.addSignalListener(name, listen);
  try {
    await body(heard);
  } finally {
    for (const { name, listen } of listeners) Deno.removeSignalListener(name, listen);
  }
}

law(
  "signals() gives each signal that came, once until it is taken",
  () =>
    hearing((heard) =>
      run(function* () {
        using stream = signals("SIGUSR1", "SIGUSR2");
        assertThrows(() => stream.tryNext(), WouldBlock);
        for (const name of ["SIGUSR2", "SIGUSR2"] as const) Deno.kill(Deno.pid, name);
        while (!heard.has("SIGUSR2")) yield* sleep(1);
        Deno.kill(Deno.pid, "SIGUSR1");
        while (!heard.has("SIGUSR1")) yield* sleep(1);
        yield* sleep(10);
        assertEquals(stream.tryNext(), "SIGUSR2");
        assertEquals(yield* stream.next(), "SIGUSR1");
        assertEquals(yield* moveOnAfter(5, stream.next()), undefined);
      })
    ),
);

law(
  "signals() keeps the process alive while somebody waits, and is no deadlock",
  () =>
    run(function* () {
      using stream = signals("SIGUSR1");
      setTimeout(() => Deno.kill(Deno.pid, "SIGUSR1"), 20);
      assertEquals(yield* stream.next(), "SIGUSR1");
    }),
);

law("EventStream ends a for await when it is closed", () =>
  run(async function* () {
    const beat = alarm(1, { every: 1 });
    let ticks = 0;
    for await (const count of beat) {
      ticks += count;
      if (ticks >= 3) beat.close();
    }
    assert(ticks >= 3);
    assert(beat.closed);
    assertInstanceOf(yield* errorOf(beat.next()), ClosedError);
  }));

law(
  "EventStream.next() by two tasks at once is a BusyError for the second",
  () =>
    run(function* () {
      const stream = signals("SIGUSR1");
      const first = start(errorOf(stream.next()));
      yield;
      assertInstanceOf(yield* errorOf(stream.next()), BusyError);
      stream.close();
      assertInstanceOf(yield* first.get(), ClosedError);
    }),
);

law("EventStream.timeout ends next() with TimeoutError", () =>
  run(function* () {
    using stream = signals("SIGUSR1");
    stream.timeout = 2;
    assertInstanceOf(yield* errorOf(stream.next()), TimeoutError);
  }));

law("alarm() counts expirations and keeps its beat", () =>
  run(function* () {
    using beat = alarm(10, { every: 10 });
    yield* sleep(35);
    assertEquals(yield* beat.next(), 3);
    assertEquals(yield* beat.next(), 1);
    using once = alarm(5);
    assertEquals(yield* once.next(), 1);
    assertEquals(yield* moveOnAfter(1000, once.next()), undefined);
  }, { clock: new VirtualClock() }));

law("alarm() works outside of tasks", async () => {
  using once = alarm(3);
  assertEquals(await once.next(), 1);
  using beat = alarm(2, { every: 2 });
  assert(await beat.next() >= 1);
  assert(await beat.next() >= 1);
});

law("run() that leaves event streams open ends with nothing left", () =>
  run(function* () {
    signals("SIGUSR1", "SIGUSR2");
    alarm(1_000_000, { every: 5 });
    spawn(function* () {
      yield* signals("SIGUSR1").next();
    }).daemon = true;
    yield* sleep(1);
  }));
