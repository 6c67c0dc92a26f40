import { assertEquals, assertInstanceOf } from "@std/assert";
import { BrokenError, connect, listen, run, spawn, TimeoutError } from "@weft/weft";
import { law } from "../lib/law.ts";
import { countToEnd, decode, encode, errorOf } from "../lib/sockets.ts";
import { AUTHORITY, CERTIFICATE, KEY } from "./fixtures/certificates.ts";

const server = { cert: CERTIFICATE, key: KEY };

law(
  "TLS sockets carry streams, half-close and say what was agreed on",
  () =>
    run(async function* () {
      const tls = { ...server, alpnProtocols: ["weft"] };
      using listener = listen({ hostname: "127.0.0.1", port: 0, tls });
      const echo = spawn(async function* () {
        using socket = yield* listener.accept();
        yield* socket.sendAll(yield* socket.recvExactly(5));
        yield* socket.sendAll(new Uint8Array(2_000_000));
        socket.closeWrite();
        assertEquals(yield* countToEnd(socket), 3);
      });
      const { port } = listener.localAddr;
      const client = { caCerts: [AUTHORITY], alpnProtocols: ["weft"] };
      using socket = yield* connect({ hostname: "localhost", port, tls: client });
      assertEquals((yield* socket.handshake()).alpnProtocol, "weft");
      yield* socket.sendAll(encode("hello"));
      assertEquals(decode(yield* socket.recvExactly(5)), "hello");
      assertEquals(yield* countToEnd(socket), 2_000_000);
      yield* socket.sendAll(encode("bye"));
      socket.closeWrite();
      yield* echo.get();
    }),
);

law(
  "TLS connect() throws Deno's error for a certificate that it does not trust",
  () =>
    run(async function* () {
      using listener = listen({ hostname: "127.0.0.1", port: 0, tls: server });
      const accepted = spawn(async function* () {
        using socket = yield* listener.accept();
        return yield* errorOf(socket.recv());
      });
      const { port } = listener.localAddr;
      const error = yield* errorOf(connect({ hostname: "localhost", port, tls: true }));
      assertInstanceOf(error, Deno.errors.InvalidData);
      assertInstanceOf(yield* accepted.get(), BrokenError);
    }),
);

law(
  "TLS connect() that a timeout stops during the handshake leaves nothing",
  () =>
    run(function* () {
      using listener = listen({ hostname: "127.0.0.1", port: 0 }); // speaks no TLS at all
      const { port } = listener.localAddr;
      const error = yield* errorOf(
        connect({ hostname: "localhost", port, tls: true, timeout: 20 }),
      );
      assertInstanceOf(error, TimeoutError);
    }),
);
