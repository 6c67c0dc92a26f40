/** Crews: servers on one port that are supervised and exchanged, and nobody notices. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  BrokenError,
  BusyError,
  ClosedError,
  connect,
  Crew,
  IncompleteError,
  listen,
  run,
  sleep,
  spawn,
  SupervisionError,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { greeter, never, quitter, shaky } from "./fixtures/servers.ts";

/** A port that was free a moment ago; the crew's workers share it. */
function freePort(): number {
  using listener = listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.localAddr as Deno.NetAddr).port;
}

/** Says a word to whichever worker answers; gives its name. */
async function* greet(port: number, word = "hi") {
  using socket = yield* connect({ hostname: "127.0.0.1", port });
  yield* socket.sendAll(new TextEncoder().encode(word));
  return new TextDecoder().decode(yield* socket.recvExactly(36));
}

law("The workers of a crew share a port", async () => {
  await run(async function* () {
    const port = freePort();
    await using crew = new Crew(greeter, [port], { workers: 2 });
    yield* crew.start();
    assertEquals(crew.statistics(), { ready: 2, workers: 2, started: 2 });
    const names = new Set<string>();
    for (let i = 0; i < 500 && names.size < 2; i++) names.add(yield* greet(port));
    assertEquals(names.size, 2);
  });
}, 60_000);

law("Workers are exchanged while clients come and are served: all are answered", async () => {
  await run(async function* () {
    const port = freePort();
    await using crew = new Crew(greeter, [port], { workers: 2 });
    yield* crew.start();
    for (let round = 0; round < 2; round++) {
      const early = Array.from({ length: 40 }, () => spawn(greet, port, "slow"));
      yield* sleep(20); // all are connected: some are being served, some in line
      const exchange = spawn(function* () {
        yield* crew.restartAll();
      });
      let tries = 0;
      while (!exchange.done) {
        try {
          yield* greet(port);
        } catch (error) {
          // The moment in which a listener closes cannot be avoided; a refusal would mean a gap.
          if (!(error instanceof BrokenError || error instanceof IncompleteError)) throw error;
          assert(++tries < 10, String(error));
        }
        yield* sleep(10);
      }
      yield* exchange.join();
      for (const client of early) assertEquals((yield* client.get()).length, 36);
    }
    assertEquals(crew.statistics(), { ready: 2, workers: 2, started: 6 });
  });
}, 60_000);

law("A worker that dies is started again, and the others serve meanwhile", async () => {
  await run(async function* () {
    const port = freePort();
    const restarts: string[] = [];
    await using crew = new Crew(greeter, [port], {
      workers: 2,
      onRestart: (_worker, error) => restarts.push(String(error)),
    });
    yield* crew.start();
    const killer = spawn(function* () {
      using socket = yield* connect({ hostname: "127.0.0.1", port });
      yield* socket.sendAll(new TextEncoder().encode("die"));
      yield* socket.recv();
    });
    killer.link(() => {});
    while (restarts.length === 0 || crew.statistics().ready < 2) yield* sleep(5);
    assert(restarts[0]!.includes("exit code 3"), restarts[0]);
    yield* greet(port);
    assertEquals(crew.statistics().started, 3);
  });
}, 60_000);

law("A crew whose workers fail too often fails, and says why", async () => {
  for (const job of [shaky, quitter]) {
    await run(async function* () {
      const crew = new Crew(job, [], { workers: 1, intensity: { restarts: 1, within: 60_000 } });
      let error: unknown;
      try {
        yield* crew.start();
        yield* crew.join();
      } catch (caught) {
        error = caught;
      }
      assert(error instanceof SupervisionError, String(error));
      assertEquals(error.errors.length, 2);
      if (job === shaky) assert(String(error.errors[0]).includes("shaky by nature"));
    });
  }
}, 60_000);

law("What makes no sense is refused", async () => {
  await run(async function* () {
    const port = freePort();
    await using crew = new Crew(greeter, [port], { workers: 1 });
    let error: unknown;
    for (
      const [wrong, kind] of [
        [() => crew.restart(1), RangeError],
        [() => crew.restart(0), ClosedError],
        [() => crew.join(), Error],
      ] as const
    ) {
      try {
        yield* wrong();
      } catch (caught) {
        error = caught;
      }
      assert(error instanceof kind, String(error));
    }
    yield* crew.start();
    const first = spawn(function* () {
      yield* crew.restart(0);
    });
    yield;
    try {
      yield* crew.restart(0);
    } catch (caught) {
      error = caught;
    }
    assert(error instanceof BusyError, String(error));
    yield* first.join();
  });
  assertThrows(() => new Crew(greeter, [1], { workers: 0 }), RangeError);
}, 60_000);

law("A run that ends takes its crew with it, also one that is still starting", async () => {
  await run(async function* () {
    yield* new Crew(greeter, [freePort()], { workers: 1 }).start();
  });
  await run(async function* () {
    const crew = new Crew(never, [], { workers: 1, grace: 10 });
    const starting = spawn(function* () {
      yield* crew.start();
    });
    yield* sleep(50);
    starting.cancel();
  });
}, 60_000);
