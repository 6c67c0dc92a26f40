import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  BusyError,
  ClosedError,
  connect,
  currentTask,
  listen,
  moveOnAfter,
  run,
  sleep,
  type Socket,
  spawn,
  TimeoutError,
  withTimeout,
  WouldBlock,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { errorOf, start } from "../lib/sockets.ts";

law("Listener.tryAccept() never waits", () =>
  run(function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    assertThrows(() => listener.tryAccept(), WouldBlock);
    using _client = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
    for (let socket: Socket | undefined; socket === undefined; yield* sleep(1)) {
      try {
        socket = listener.tryAccept();
      } catch (error) {
        assertInstanceOf(error, WouldBlock);
      }
    }
  }));

law(
  "Listener.accept() that was cancelled leaves its connection to the next",
  () =>
    run(function* () {
      using listener = listen({ hostname: "127.0.0.1", port: 0 });
      assertEquals(yield* moveOnAfter(1, listener.accept()), undefined);
      const { port } = listener.localAddr;
      using client = yield* connect({ hostname: "127.0.0.1", port });
      yield* sleep(2); // the abandoned accept has it now
      using server = yield* listener.accept();
      assertEquals(server.remoteAddr.port, client.localAddr.port);
      assertEquals(server.localAddr.port, port);
    }),
);

law("Listener.accept() by two tasks at once is a BusyError for the second", () =>
  run(function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    const first = start(errorOf(listener.accept()));
    yield;
    assertInstanceOf(yield* errorOf(listener.accept()), BusyError);
    assertThrows(() => listener.tryAccept(), BusyError);
    listener.close();
    assertInstanceOf(yield* first.get(), ClosedError);
    assertInstanceOf(yield* errorOf(listener.accept()), ClosedError);
    assertThrows(() => listener.tryAccept(), ClosedError);
  }));

law(
  "Listener.close() frees its port at once, also with an accept under way",
  () =>
    run(function* () {
      let { port } = { port: 0 };
      for (let i = 0; i < 20; i++) {
        const listener = listen({ hostname: "127.0.0.1", port });
        port = listener.localAddr.port;
        yield* moveOnAfter(0, listener.accept());
        if (i % 2 === 0) yield* listener.close();
        else yield listener[Symbol.asyncDispose]();
      }
    }),
);

law("run() frees the port of a listener it leaves open", async () => {
  let { port } = { port: 0 };
  for (let i = 0; i < 5; i++) {
    port = await run(function* () {
      const listener = listen({ hostname: "127.0.0.1", port });
      spawn(function* () {
        yield* listener.accept();
      }).daemon = true;
      yield* sleep(1);
      return listener.localAddr.port;
    });
  }
});

law("Listener.timeout ends an accept with TimeoutError", () =>
  run(function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0, timeout: 2 });
    assertInstanceOf(yield* errorOf(listener.accept()), TimeoutError);
    listener.timeout = undefined;
    assertEquals(yield* moveOnAfter(5, listener.accept()), undefined);
  }));

law("A listener gives its connections to the run of the task that accepted them", async () => {
  await using listener = listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.localAddr;
  const raw = await Deno.connect({ hostname: "127.0.0.1", port });
  const socket = await run(function* () {
    assertEquals(currentTask().name, "main");
    return yield* listener.accept();
  });
  assert(socket.closed);
  assertEquals(await raw.read(new Uint8Array(1)), null);
  raw.close();
});

law(
  "withTimeout() around an accept that never comes leaves the listener as it was",
  () =>
    run(function* () {
      using listener = listen({ hostname: "127.0.0.1", port: 0 });
      const error = yield* errorOf(withTimeout(2, listener.accept()));
      assertInstanceOf(error, TimeoutError);
      assert(!listener.closed);
    }),
);
