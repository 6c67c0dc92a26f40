/**
 * The engine `worker` of a datagram server. There is one socket, which threads cannot share on Deno (a second
 * one on the port would get all of the datagrams, not its part); so the workers do the work, and what
 * they answer goes out from the server's thread.
 */
import type { Operation } from "../kernel/operation.ts";
import { jobs } from "../parallel/jobs.ts";
import { WorkerPool } from "../parallel/pool/pool.ts";
import type { UdpAddress, UnixAddress } from "../net/datagram_socket.ts";
import { wait } from "../tasks/wait.ts";
import { type AnyDatagramHandler, runDatagramHandler } from "./handler.ts";
import { type HandlerAddress, loadHandler } from "./known_handlers.ts";

/** The handlers that this worker has loaded, by address. */
const loaded = new Map<string, AnyDatagramHandler>();

const { serveDatagram, findHandler } = jobs(import.meta, {
  *serveDatagram(address: HandlerAddress, data: Uint8Array, peer: UdpAddress | UnixAddress) {
    return yield* runDatagramHandler(yield* find(address), data, peer);
  },
  /** Loads the handler, so that no datagram waits for that, and a missing handler is found at the start. */
  *findHandler(address: HandlerAddress) {
    yield* find(address);
  },
});

function* find(
  address: HandlerAddress,
): Generator<unknown, AnyDatagramHandler, unknown> {
  const key = `${address.url}#${address.name}`;
  let handler = loaded.get(key);
  if (handler === undefined) {
    handler = (yield* wait(() => loadHandler(address))) as AnyDatagramHandler;
    loaded.set(key, handler);
  }
  return handler;
}

/** The workers of one server. */
export class DatagramPool {
  readonly #pool: WorkerPool;
  readonly #address: HandlerAddress;

  /** Workers that serve with the handler of that address. */
  constructor(address: HandlerAddress, workers: number) {
    this.#address = address;
    this.#pool = new WorkerPool(workers);
  }

  /** Waits until the handler is found. */
  ready(): Operation<void> {
    return this.#pool.apply(findHandler, this.#address);
  }

  /** Has one of them serve a datagram; gives what is to be sent back. */
  *serve(
    data: Uint8Array,
    peer: UdpAddress | UnixAddress,
  ): Generator<unknown, readonly Uint8Array[], unknown> {
    return (yield* this.#pool.apply(serveDatagram, this.#address, data, {
      ...peer,
    })) as readonly Uint8Array[];
  }

  /** Ends them. */
  *end(): Generator<unknown, void, unknown> {
    yield* wait(() => this.#pool[Symbol.asyncDispose]());
  }
}
