import { assertEquals, assertInstanceOf } from "@std/assert";
import { BrokenError, connect, listen, run, sleep, spawn } from "@weft/weft";
import { law } from "../lib/law.ts";
import { countToEnd, decode, encode, errorOf } from "../lib/sockets.ts";

async function withPath(body: (path: string) => Promise<unknown>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(`${folder}/socket`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

law("Unix sockets carry streams as TCP does", () =>
  withPath((path) =>
    run(async function* () {
      using listener = listen({ transport: "unix", path });
      assertEquals(listener.localAddr.path, path);
      const server = spawn(async function* () {
        using socket = yield* listener.accept();
        yield* socket.sendAll(yield* socket.recvExactly(5));
        yield* socket.sendAll(new Uint8Array(1_000_000));
        socket.closeWrite();
        return yield* countToEnd(socket);
      });
      using socket = yield* connect({ transport: "unix", path });
      assertEquals(socket.remoteAddr.path, path);
      yield* socket.sendAll(encode("hello"));
      assertEquals(decode(yield* socket.recvExactly(5)), "hello");
      assertEquals(yield* countToEnd(socket), 1_000_000);
      yield* socket.sendAll(encode("half-closed, not closed"));
      socket.closeWrite();
      assertEquals(yield* server.get(), 23);
    })
  ));

law(
  "A unix listener removes its file, and the path is free at once",
  () =>
    withPath((path) =>
      run(function* () {
        for (let i = 0; i < 3; i++) yield* listen({ transport: "unix", path }).close();
      })
    ),
);

law(
  "A unix peer that closes with bytes unread breaks the connection",
  () =>
    withPath((path) =>
      run(function* () {
        using listener = listen({ transport: "unix", path });
        const client = yield* connect({ transport: "unix", path });
        const server = yield* listener.accept();
        yield* client.sendAll(encode("never read"));
        yield* sleep(1);
        server.close();
        const error = yield* errorOf(client.recv());
        assertInstanceOf(error, BrokenError);
        assertInstanceOf(error.cause, Deno.errors.ConnectionReset);
      })
    ),
);

law(
  "connect() to a path where nobody listens throws Deno's error",
  () =>
    withPath((path) =>
      run(function* () {
        const error = yield* errorOf(connect({ transport: "unix", path }));
        assertInstanceOf(error, Deno.errors.NotFound);
      })
    ),
);
