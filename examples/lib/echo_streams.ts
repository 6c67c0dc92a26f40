/**
 * Upper-case echo over streams (TCP and unix) in three ways. Compare where each keeps what it knows of
 * a client: `sequential` and `coroutine` in the local variables of a function that waits, `pollLoop`
 * in an object, because a loop that serves everybody may wait for nobody.
 */
import {
  BrokenError,
  type Listener,
  poll,
  POLLIN,
  POLLOUT,
  serve,
  sleep,
  type Socket,
  WouldBlock,
} from "@weft/weft";
import { upperCase } from "./bytes.ts";
import { PolledListener } from "./poll_accept.ts";
import { isHostError } from "./serve.ts";

/** How long to leave newcomers in the backlog when the host has no descriptor for them, in milliseconds. */
const PAUSE_MS = 100;

/** The engines by name. */
export const streamEngines = { sequential, coroutine, poll: pollLoop };

/** One client after the other; the next one waits in the backlog. */
async function* sequential(listener: Listener) {
  for (;;) yield* echo(yield* accept(listener));
}

/** A task for each client. In the end those who are in line already are let in, and nobody is reset. */
async function* coroutine(listener: Listener) {
  yield* serve(listener, echo);
}

async function* accept(listener: Listener) {
  for (;;) {
    try {
      return yield* listener.accept();
    } catch (error) {
      if (!isHostError(error)) throw error;
      yield* sleep(PAUSE_MS);
    }
  }
}

/** Serves one client until it ends its sending side. */
async function* echo(socket: Socket) {
  using _ = socket;
  try {
    for (;;) {
      const bytes = yield* socket.recv();
      if (bytes.length === 0) return; // what was sent still goes out
      yield* socket.sendAll(upperCase(bytes));
    }
  } catch (error) {
    if (!(error instanceof BrokenError)) throw error; // reset: nobody is left to be answered
  }
}

/** One loop for all clients. */
async function* pollLoop(listener: Listener) {
  using registry = poll();
  const newcomers = new PolledListener(listener, registry);
  const clients = new Map<number, Client>();
  try {
    for (;;) {
      for (const [fd] of yield* registry.poll(newcomers.timeout)) {
        const client = clients.get(fd);
        if (client === undefined) {
          const socket = newcomers.tryAccept();
          if (socket === null) continue;
          clients.set(registry.register(socket, POLLIN).fd, new Client(socket));
        } else if (client.step()) {
          registry.modify(fd, client.interest);
        } else {
          registry.unregister(fd);
          clients.delete(fd);
          client.close();
        }
      }
    }
  } finally {
    for (const client of clients.values()) client.close();
  }
}

/** What the loop has to remember of a client: the part of the answer that the client has not taken. */
class Client {
  readonly #socket: Socket;
  #left: Uint8Array | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Nothing more is read from a client that does not take its answer: so it holds up only itself. */
  get interest(): number {
    return this.#left === null ? POLLIN : POLLOUT;
  }

  /** Does what can be done without waiting; says whether the connection goes on. */
  step(): boolean {
    try {
      if (this.#left === null) {
        const bytes = this.#socket.tryRecv();
        if (bytes.length === 0) return false;
        this.#left = upperCase(bytes);
      }
      const sent = this.#socket.trySend(this.#left);
      this.#left = sent === this.#left.length ? null : this.#left.subarray(sent);
      return true;
    } catch (error) {
      if (error instanceof BrokenError) return false;
      if (error instanceof WouldBlock) return true;
      throw error;
    }
  }

  close(): void {
    this.#socket.close();
  }
}
