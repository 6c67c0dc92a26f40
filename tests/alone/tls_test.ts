import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  BrokenError,
  connect,
  listen,
  run,
  sleep,
  type Socket,
  spawn,
  TimeoutError,
  withTimeout,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { countToEnd, decode, encode, errorOf, start } from "../lib/sockets.ts";
import { AUTHORITY, CERTIFICATE, KEY } from "../net/fixtures/certificates.ts";

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

/** How many descriptors this process has. */
const descriptors = (): number => [...Deno.readDirSync("/proc/self/fd")].length;

/** Waits until there are not more than so many, for a moment: the host lets go of some in the background. */
function* descriptorsFallTo(most: number): Generator<unknown, void, unknown> {
  for (let turns = 0; turns < 100 && descriptors() > most; turns++) yield* sleep(5);
  assert(descriptors() <= most, `${descriptors()} descriptors, not ${most}`);
}

/** A law about descriptors, which only Linux shows. */
function descriptorLaw(name: string, fn: () => Promise<unknown>): void {
  Deno.test({ name, ignore: Deno.build.os !== "linux", timeout: 20_000, fn: () => fn().then() });
}

descriptorLaw(
  "a TLS client whose handshake never ends frees its descriptors at the timeout",
  () =>
    run(function* () {
      using listener = listen({ hostname: "127.0.0.1", port: 0 }); // speaks no TLS at all
      const { port } = listener.localAddr;
      const peers: Socket[] = [];
      const before = descriptors();
      for (let i = 0; i < 10; i++) {
        const error = yield* errorOf(
          connect({ hostname: "localhost", port, tls: true, timeout: 10 }),
        );
        assertInstanceOf(error, TimeoutError);
        peers.push(yield* listener.accept());
      }
      yield* descriptorsFallTo(before + peers.length); // the ends of the peers stay open
      for (const peer of peers) yield* peer.close();
    }),
);

descriptorLaw(
  "a TLS server frees the descriptors of clients that never shake hands",
  () =>
    run(function* () {
      using listener = listen({ hostname: "127.0.0.1", port: 0, tls: server });
      const { port } = listener.localAddr;
      const before = descriptors();
      const clients: Socket[] = [];
      for (let i = 0; i < 10; i++) {
        clients.push(yield* connect({ hostname: "127.0.0.1", port })); // and says nothing
        const socket = yield* listener.accept();
        if (i % 2 === 0) {
          assertInstanceOf(yield* errorOf(withTimeout(5, socket.handshake())), TimeoutError);
        } else {
          socket.timeout = 5;
          assertInstanceOf(yield* errorOf(socket.recv()), TimeoutError);
        }
        yield* socket.close();
      }
      yield* descriptorsFallTo(before + clients.length);
      for (const client of clients) yield* client.close();
    }),
);

descriptorLaw("TLS connections that end well leave no descriptor", () =>
  run(async function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0, tls: server });
    const { port } = listener.localAddr;
    const before = descriptors();
    for (let i = 0; i < 5; i++) {
      const accepted = start(listener.accept());
      const client = yield* connect({
        hostname: "localhost",
        port,
        tls: { caCerts: [AUTHORITY] },
      });
      const socket = yield* accepted.get();
      yield* socket.sendAll(encode("good-bye"));
      yield* socket.close();
      assertEquals(decode(yield* client.recvExactly(8)), "good-bye");
      assertEquals(yield* countToEnd(client), 0);
      yield* client.close();
    }
    yield* descriptorsFallTo(before);
  }));

law(
  "a TLS server that is closed has sent what was handed over, and a peer that never reads cannot hold it",
  () =>
    run(async function* () {
      using listener = listen({ hostname: "127.0.0.1", port: 0, tls: server });
      const { port } = listener.localAddr;
      const accepted = start(listener.accept());
      using client = yield* connect({ hostname: "localhost", port, tls: { caCerts: [AUTHORITY] } });
      const socket = yield* accepted.get();
      const sent = start(errorOf(socket.sendAll(new Uint8Array(20_000_000))));
      yield* sleep(50);
      socket.close();
      yield* sent.join();
      assertEquals(client.closed, false);
    }),
);

law("TLS sockets take the options of TCP", () =>
  run(async function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0, tls: server, noDelay: true });
    const accepted = start(listener.accept());
    using client = yield* connect({
      hostname: "localhost",
      port: listener.localAddr.port,
      tls: { caCerts: [AUTHORITY] },
      keepAlive: true,
    });
    using socket = yield* accepted.get();
    assertEquals(socket.remoteAddr.port, client.localAddr.port);
    assertEquals(client.remoteAddr.port, listener.localAddr.port);
  }));
