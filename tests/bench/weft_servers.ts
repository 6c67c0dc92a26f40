/**
 * The echo servers of the benchmark, as weft has them: a task per connection in either lane, and one
 * loop over one registry. Each runs until stdin closes.
 */
import {
  bindDatagram,
  type DatagramSocket,
  fileno,
  listen,
  poll,
  POLLIN,
  run,
  type Socket,
  spawn,
  type TaskBody,
} from "@weft/weft";

/** Says where the server listens, and ends the process when its stdin closes. */
async function announce(port: number): Promise<never> {
  console.log(`listening ${port}`);
  for await (const _ of Deno.stdin.readable);
  Deno.exit(0);
}

function serveTcp(session: TaskBody<[Socket], void>): Promise<void> {
  return run(async function* () {
    const listener = listen({ hostname: "127.0.0.1", port: 0, backlog: 4096 });
    spawn(async function* () {
      for (;;) spawn(session, yield* listener.accept());
    }).daemon = true;
    await announce((listener.localAddr as Deno.NetAddr).port);
  });
}

function serveUdp(session: TaskBody<[DatagramSocket], void>): Promise<void> {
  return run(async function* () {
    const socket = bindDatagram({ hostname: "127.0.0.1", port: 0 });
    spawn(session, socket).daemon = true;
    await announce((socket.localAddr as Deno.NetAddr).port);
  });
}

/** One loop over one registry, as one would write it with `select.poll`. */
function servePoll(): Promise<void> {
  return run(async function* () {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 4096 });
    const registry = poll();
    const accepting = registry.register(listener, POLLIN);
    const connections = new Map<number, ReturnType<typeof accepting.tryAccept>>();
    spawn(function* () {
      for (;;) {
        for (const [fd] of yield* registry.poll()) {
          const connection = connections.get(fd);
          if (connection === undefined) {
            const accepted = accepting.tryAccept();
            connections.set(fileno(accepted), accepted);
            registry.register(accepted, POLLIN);
            continue;
          }
          const data = connection.tryRecv();
          if (data.length > 0) {
            connection.trySend(data);
            continue;
          }
          registry.unregister(fd);
          connections.delete(fd);
          connection.close();
        }
      }
    }).daemon = true;
    await announce((listener.addr as Deno.NetAddr).port);
  });
}

function servePollUdp(): Promise<void> {
  return run(async function* () {
    const socket = bindDatagram({ hostname: "127.0.0.1", port: 0 });
    const registry = poll();
    registry.register(socket, POLLIN);
    spawn(function* () {
      for (;;) {
        for (const _ of yield* registry.poll()) {
          const [data, from] = socket.tryRecvFrom(65_536);
          socket.trySendTo(data, from);
        }
      }
    }).daemon = true;
    await announce((socket.localAddr as Deno.NetAddr).port);
  });
}

/** Each server by its work. */
export const servers: Record<string, () => Promise<void>> = {
  "tcp-echo-fast": () =>
    serveTcp(function* (socket) {
      for (;;) {
        const data = yield* socket.recv(65_536);
        if (data.length === 0) break;
        yield* socket.sendAll(data);
      }
      socket.close();
    }),
  "tcp-echo-async": () =>
    serveTcp(async function* (socket) {
      for (;;) {
        const data = yield* socket.recv(65_536);
        if (data.length === 0) break;
        yield* socket.sendAll(data);
      }
      socket.close();
    }),
  "tcp-echo-poll": servePoll,
  "udp-echo-fast": () =>
    serveUdp(function* (socket) {
      for (;;) {
        const [data, from] = yield* socket.recvFrom(65_536);
        yield* socket.sendTo(data, from);
      }
    }),
  "udp-echo-async": () =>
    serveUdp(async function* (socket) {
      for (;;) {
        const [data, from] = yield* socket.recvFrom(65_536);
        yield* socket.sendTo(data, from);
      }
    }),
  "udp-echo-poll": servePollUdp,
};
