/** Upper-case echo over datagrams in four ways; see `echo_udp.ts` for what to watch for. */
import {
  BrokenError,
  type DatagramSocket,
  fileno,
  group,
  poll,
  POLLIN,
  POLLOUT,
  type UdpAddress,
  WorkerPool,
  WouldBlock,
} from "@weft/weft";
import { upperCase } from "./bytes.ts";
import { isHostError } from "./serve.ts";
import { upper } from "./upper_job.ts";

type Udp = DatagramSocket<UdpAddress>;

/** How many datagrams may wait for a worker; what is too much stays with the host, which drops it. */
const MOST_WAITING = 1000;

/** The engines by name. */
export const datagramEngines = { sequential, coroutine, poll: pollLoop, worker };

/** One datagram after the other. */
async function* sequential(socket: Udp) {
  for (;;) yield* answer(socket, ...(yield* socket.recvFrom()));
}

/** A task for each datagram. */
async function* coroutine(socket: Udp) {
  yield* group(async function* (g) {
    for (;;) g.spawn(answer, socket, ...(yield* socket.recvFrom()));
  });
}

async function* answer(socket: Udp, data: Uint8Array, from: UdpAddress) {
  yield* reply(socket, upperCase(data), from);
}

async function* reply(socket: Udp, data: Uint8Array, to: UdpAddress) {
  try {
    yield* socket.sendTo(data, to);
  } catch (error) {
    if (!isHostError(error)) throw error; // that one cannot be answered; the others can
  }
}

/** One socket, which workers cannot share; they do the work, and the answers go out as it is done. */
async function* worker(socket: Udp, workers: number) {
  await using pool = new WorkerPool(workers, { queue: MOST_WAITING });
  yield* group(async function* (g) {
    for (;;) {
      yield* pool.ready();
      const [data, from] = yield* socket.recvFrom();
      g.spawn(async function* () {
        yield* reply(socket, yield* pool.apply(upper, data), from);
      });
    }
  });
}

/** One loop; with several sockets it would still be one. */
async function* pollLoop(socket: Udp) {
  using registry = poll();
  const fd = fileno(registry.register(socket.handle, POLLIN));
  let left: [Uint8Array, UdpAddress] | null = null;
  for (;;) {
    yield* registry.poll();
    try {
      if (left === null) {
        const [data, from] = socket.tryRecvFrom();
        left = [upperCase(data), from];
      }
      socket.trySendTo(...left);
      left = null;
    } catch (error) {
      // Broken: an earlier answer did not go out. This one is tried again.
      if (!(error instanceof WouldBlock || error instanceof BrokenError)) throw error;
    }
    registry.modify(fd, left === null ? POLLIN : POLLOUT);
  }
}
