/**
 * weft's side: a connection's whole life, and one that is idle, in both lanes.
 *
 *     deno run -A tests/bench/weft_connection_peer.ts WORK N
 */
import { connect, joinAll, listen, run, type Socket, spawn, type TaskBody, wait } from "@weft/weft";
import { BACKLOG, GREETING, main, OPENING, whole } from "./peers/curve_common.ts";
import { measureIdle } from "./peers/idle_memory.ts";

const hostname = "127.0.0.1";

const echoFast = function* (socket: Socket) {
  using _ = socket;
  for (let bytes; (bytes = yield* socket.recv()).length > 0;) yield* socket.sendAll(bytes);
};

const echoAsync = async function* (socket: Socket) {
  using _ = socket;
  for (let bytes; (bytes = yield* socket.recv()).length > 0;) yield* socket.sendAll(bytes);
};

const askFast = function* (port: number) {
  using socket = yield* connect({ hostname, port });
  yield* socket.sendAll(GREETING);
  yield* socket.recvExactly(GREETING.length);
};

const askAsync = async function* (port: number) {
  using socket = yield* connect({ hostname, port });
  yield* socket.sendAll(GREETING);
  yield* socket.recvExactly(GREETING.length);
};

const lifeFast = (n: number) =>
  whole(n, () =>
    run(function* () {
      using listener = listen({ hostname, port: 0, backlog: BACKLOG });
      const { port } = listener.localAddr;
      spawn(function* () {
        for (let i = 0; i < n; i++) spawn(echoFast, yield* listener.accept());
      });
      let left = n;
      yield* joinAll(Array.from({ length: OPENING }, () =>
        spawn(function* () {
          while (left-- > 0) yield* askFast(port);
        })));
    }));

const lifeAsync = (n: number) =>
  whole(n, () =>
    run(async function* () {
      using listener = listen({ hostname, port: 0, backlog: BACKLOG });
      const { port } = listener.localAddr;
      spawn(async function* () {
        for (let i = 0; i < n; i++) spawn(echoAsync, yield* listener.accept());
      });
      let left = n;
      yield* joinAll(Array.from({ length: OPENING }, () =>
        spawn(async function* () {
          while (left-- > 0) yield* askAsync(port);
        })));
    }));

async function idle(work: string, n: number, echo: TaskBody<[Socket], void>): Promise<void> {
  await run(function* () {
    const listener = listen({ hostname, port: 0, backlog: BACKLOG });
    spawn(function* () {
      for (;;) spawn(echo, yield* listener.accept());
    }).daemon = true;
    yield* wait(measureIdle(work, listener.localAddr.port, n));
  });
}

const [work = "", count = "1000"] = Deno.args;
if (work === "idle-fast") await idle(work, Number(count), echoFast);
if (work === "idle-async") await idle(work, Number(count), echoAsync);
await main({ "life-fast": lifeFast, "life-async": lifeAsync });
