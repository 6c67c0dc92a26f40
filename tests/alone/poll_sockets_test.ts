import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  adopt,
  alarm,
  bindDatagram,
  fileno,
  listen,
  poll,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  run,
  signals,
  spawn,
  WouldBlock,
} from "@weft/weft";
import { law } from "../lib/law.ts";

const HERE = { hostname: "127.0.0.1", port: 0 } as const;
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** Two raw ends of a TCP connection. */
async function pair(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen(HERE);
  const [near, far] = await Promise.all([
    listener.accept(),
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
  ]);
  return [near, far];
}

law("register() adopts a Deno.Listener, a Deno.Conn and a Deno.DatagramConn", async () => {
  const registry = poll();
  const accepting = registry.register(Deno.listen(HERE), POLLIN);
  const { port } = accepting.native.addr as Deno.NetAddr;
  const dialled = registry.register(await Deno.connect({ ...HERE, port }), POLLOUT);
  const datagrams = registry.register(Deno.listenDatagram({ transport: "udp", ...HERE }), POLLIN);
  assertEquals<unknown>((await registry.poll(0)).toSorted(), [
    [fileno(accepting), POLLIN],
    [fileno(dialled), POLLOUT],
  ]);
  const accepted = accepting.tryAccept();
  assertEquals(dialled.trySend(bytes("hello")), 5);
  datagrams.trySendTo(bytes("to myself"), datagrams.native.addr);
  registry.register(accepted, POLLIN);
  registry.modify(dialled, 0);
  assertEquals((await registry.poll()).length > 0, true);
  await registry.poll(0);
  assertEquals(text(accepted.tryRecv()), "hello");
  assertEquals(text(datagrams.tryRecvFrom(100)[0]), "to myself");
  for (const handle of [accepting, dialled, datagrams, accepted]) await handle.release();
});

law("a raw handle is adopted once: adopt() and register() give the same handle", async () => {
  const [near, far] = await pair();
  const handle = adopt(near);
  assertStrictEquals(adopt(near), handle);
  assertStrictEquals(poll().register(near), handle);
  await handle.release();
  far.close();
  assertThrows(() => adopt({} as Deno.Conn), TypeError, "Cannot find a handle");
});

law("poll(0) sees what has just been sent by this very process", async () => {
  const [near, far] = await pair();
  const registry = poll();
  const handle = registry.register(near, POLLIN);
  for (let i = 0; i < 50; i++) {
    assertEquals(await registry.poll(0), []);
    await far.write(bytes("x"));
    assertEquals(await registry.poll(0), [[fileno(handle), POLLIN]]);
    handle.tryRecv();
  }
  await handle.release();
  far.close();
});

law(
  "bytes that a poll has told of are taken by tryRecv(), in any portions, and none is lost",
  async () => {
    const [near, far] = await pair();
    const registry = poll();
    const handle = registry.register(near, POLLIN);
    const sent = crypto.getRandomValues(new Uint8Array(50_000));
    const sending = (async () => {
      for (let at = 0; at < sent.length;) at += await far.write(sent.subarray(at, at + 777));
      await far.closeWrite();
    })();
    const got: number[] = [];
    for (let portion = 1;; portion = portion % 1000 + 1) {
      await registry.poll();
      const part = handle.tryRecv(portion);
      if (part.length === 0) break;
      got.push(...part);
    }
    await sending;
    assertEquals(Uint8Array.from(got), sent);
    await handle.release();
    far.close();
  },
);

law("with one connection flooding, the others are served", async () => {
  await run(async function* () {
    using listener = listen(HERE);
    const { port } = listener.localAddr;
    const registry = poll();
    const clients = await Promise.all(
      Array.from({ length: 4 }, () => Deno.connect({ ...HERE, port })),
    );
    const sockets = new Map<number, ReturnType<typeof listener.tryAccept>>();
    while (sockets.size < clients.length) {
      const socket = yield* listener.accept();
      sockets.set(fileno(registry.register(socket, POLLIN)), socket);
    }
    const [flooding, ...others] = clients;
    let isOver = false;
    const flood = (async () => {
      const chunk = new Uint8Array(65536);
      while (!isOver) await flooding!.write(chunk);
    })();
    const asked = Promise.all(others.map(async (conn) => {
      for (let i = 0; i < 20; i++) {
        await conn.write(bytes("?"));
        await conn.read(new Uint8Array(1));
      }
    })).then(() => isOver = true);
    let flooded = 0;
    while (!isOver) {
      for (const [fd] of yield* registry.poll(1000)) {
        const socket = sockets.get(fd)!;
        const data = socket.tryRecv(1000);
        if (data[0] === 63) socket.trySend(data);
        else flooded += data.length;
      }
    }
    await asked;
    const rest = spawn(async function* () {
      for (;;) {
        for (const [fd] of yield* registry.poll()) sockets.get(fd)!.tryRecv();
      }
    });
    await flood;
    rest.cancel();
    assert(flooded > 0);
    for (const conn of clients) conn.close();
  });
});

law("a peer's end is told as POLLIN for as long as the descriptor is registered", async () => {
  const [near, far] = await pair();
  const registry = poll();
  const handle = registry.register(near, POLLIN);
  const fd = fileno(handle);
  far.close();
  for (let i = 0; i < 3; i++) assertEquals(await registry.poll(), [[fd, POLLIN]]);
  assertEquals(handle.tryRecv().length, 0);
  assertEquals(await registry.poll(), [[fd, POLLIN]]);
  handle.closeWrite();
  assertEquals(await registry.poll(), [[fd, POLLIN | POLLHUP]]);
  await handle.release();
  assertEquals(await registry.poll(), [[fd, POLLNVAL]]);
});

law("POLLOUT goes while the peer takes nothing, and comes back when it does", async () => {
  const [near, far] = await pair();
  const registry = poll();
  const handle = registry.register(near, POLLOUT);
  const fd = fileno(handle);
  assertEquals(await registry.poll(), [[fd, POLLOUT]]);
  const chunk = new Uint8Array(65536);
  for (let isFull = false; !isFull;) {
    try {
      handle.trySend(chunk);
    } catch (error) {
      assert(error instanceof WouldBlock);
      isFull = (await registry.poll(20)).length === 0;
    }
  }
  let isOver = false;
  const taking = (async () => {
    const buffer = new Uint8Array(1 << 20);
    while (!isOver) if (await far.read(buffer) === null) break;
  })();
  assertEquals(await registry.poll(), [[fd, POLLOUT]]);
  isOver = true;
  await handle.release();
  await taking;
  far.close();
});

law("one poll serves sockets, datagrams, an alarm and a signal", async () => {
  await run(async function* () {
    using registry = poll();
    using datagrams = bindDatagram(HERE);
    using ticks = alarm(1);
    using stops = signals("SIGUSR2");
    const names = new Map<number, string>();
    names.set(fileno(registry.register(datagrams, POLLIN)), "datagrams");
    names.set(fileno(registry.register(ticks, POLLIN)), "ticks");
    names.set(fileno(registry.register(stops, POLLIN)), "stops");
    datagrams.trySendTo(bytes("x"), datagrams.localAddr);
    Deno.kill(Deno.pid, "SIGUSR2");
    const told = new Set<string>();
    while (told.size < 3) {
      for (const [fd, mask] of yield* registry.poll(5000)) {
        assertEquals(mask, POLLIN);
        told.add(names.get(fd)!);
      }
    }
  });
});

law("POLLOUT is told again and again after the peer's half-close", async () => {
  const registry = poll();
  const [near, far] = await pair();
  const handle = registry.register(near, POLLOUT);
  await far.closeWrite();
  for (let i = 0; i < 5; i++) {
    assertEquals(await registry.poll(2000), [[handle.fd, POLLOUT]]);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  handle.close();
  far.close();
  registry.close();
});

law("closing a raw handle that was adopted closes weft's, and frees its number", async () => {
  const registry = poll();
  const ways: ((raw: Deno.Listener) => void)[] = [(raw) => raw.close(), (raw) => {
    using _ = raw;
  }];
  for (const close of ways) {
    const raw = Deno.listen(HERE);
    const handle = registry.register(raw, POLLIN);
    registry.unregister(raw);
    close(raw);
    assert(handle.closed);
    await handle.gone;
    const next = Deno.listen(HERE);
    assertEquals(registry.register(next, POLLIN).fd, handle.fd);
    await registry.poll(0); // an accept is under way
    close(next);
    assertEquals(await registry.poll(1000), [[handle.fd, POLLNVAL]]);
    registry.unregister(handle.fd);
    assertThrows(() => next.close(), Deno.errors.BadResource);
  }
  const [near, far] = await pair();
  const handle = registry.register(near, POLLIN);
  handle.trySend(bytes("goes out"));
  near.close();
  assert(handle.closed);
  const buffer = new Uint8Array(10);
  assertEquals(text(buffer.subarray(0, (await far.read(buffer))!)), "goes out");
  assertEquals(await far.read(buffer), null);
  far.close();
  await handle.gone;
  registry.close();
});
