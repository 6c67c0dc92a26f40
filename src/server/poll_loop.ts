/**
 * The engine `poll`: one loop around one event registry, which holds the listener and every connection.
 *
 * The loop alone learns what has come, and says who goes on: a handler that waits for bytes is passed by
 * its socket's own readiness ({@linkcode StreamReader.isGated}) and goes on when an answer of the registry
 * names its descriptor. So the handlers stay what they are in the other engines, functions that wait,
 * while the loop is what a server on poll(2) has. Edges (`POLLET`) are asked for, because bytes may stay
 * for a while that are too few for the read that waits.
 *
 * Rejected: handlers that are called for each readiness and must not wait. They would need another form
 * in this one engine; `examples/poll_server.ts` shows what that looks like.
 */
import { WouldBlock } from "../kernel/errors.ts";
import { AcceptBackoff, type Listener } from "../net/listener.ts";
import type { Socket } from "../net/socket.ts";
import { fileno } from "../poll/descriptors.ts";
import { POLLET, POLLIN } from "../poll/masks.ts";
import { type EventRegistry, poll } from "../poll/registry.ts";
import { type Group, group } from "../tasks/group.ts";
import { currentTask } from "../tasks/run.ts";
import type { Connections } from "./connections.ts";

/** One listener being served by polling. */
export class PollLoop {
  readonly #listener: Listener;
  readonly #connections: Connections;
  readonly #most: number;
  readonly #backoff = new AcceptBackoff();
  readonly #clients = new Map<number, Socket>();
  /** Those who were let in at the end, and for whom there is no room yet. */
  readonly #line: Socket[] = [];
  #registry: EventRegistry | null = null;
  /** Whether newcomers are left in line because the host has just failed to give one. */
  #isPausing = false;

  /** A loop that has not begun. */
  constructor(listener: Listener, connections: Connections, maxConnections: number) {
    this.#listener = listener;
    this.#connections = connections;
    this.#most = maxConnections;
  }

  /** Serves until it was stopped and nobody is left. */
  *body(): Generator<unknown, void, unknown> {
    using registry = poll();
    this.#registry = registry;
    // deno-lint-ignore no-this-alias -- for the generator
    const loop = this;
    yield* group(function* (g) {
      yield* loop.#welcome(registry, g);
      for (const socket of yield* loop.#listener.drain()) loop.#line.push(socket);
      while (loop.#line.length + loop.#clients.size > 0) {
        while (loop.#hasRoom && loop.#line.length > 0) {
          loop.#admit(registry, g, loop.#line.shift()!);
        }
        loop.#proceed(yield* registry.poll());
      }
    });
  }

  /** Tells it to let nobody in any more. */
  stop(): void {
    this.#registry?.wake();
  }

  get #hasRoom(): boolean {
    return this.#clients.size < this.#most;
  }

  /** Lets newcomers in and serves, until the server is being shut down. */
  *#welcome(registry: EventRegistry, g: Group): Generator<unknown, void, unknown> {
    const door = fileno(registry.register(this.#listener, POLLIN));
    let isOpen = true;
    while (!this.#connections.isClosing) {
      if (isOpen !== (this.#hasRoom && !this.#isPausing)) {
        isOpen = !isOpen;
        registry.modify(door, isOpen ? POLLIN : 0);
      }
      const events = yield* registry.poll();
      this.#proceed(events);
      if (events.some(([fd]) => fd === door)) this.#accept(registry, g);
    }
    registry.unregister(door);
  }

  /** Lets in who is there; when the host fails to give them, leaves them in line for a while. */
  #accept(registry: EventRegistry, g: Group): void {
    try {
      while (this.#hasRoom) {
        const socket = this.#listener.tryAccept();
        this.#backoff.succeeded();
        this.#admit(registry, g, socket);
      }
    } catch (error) {
      if (error instanceof WouldBlock) return;
      const pause = this.#backoff.failed(error);
      if (pause === 1) this.#connections.failed(error, undefined); // the first of several in a row
      this.#isPausing = true;
      currentTask().timers.after(pause, () => {
        this.#isPausing = false;
        registry.wake();
      });
    }
  }

  #admit(registry: EventRegistry, g: Group, socket: Socket): void {
    const { reader } = socket.handle;
    reader.isGated = true;
    const fd = fileno(registry.register(socket, POLLIN | POLLET));
    this.#clients.set(fd, socket);
    const connections = this.#connections;
    g.spawn(function* () {
      yield* connections.serve(socket);
    }).watch(() => {
      this.#clients.delete(fd);
      if (!registry.closed) registry.unregister(fd);
      socket.close();
      registry.wake(); // for who waits for room, or for the end
    });
  }

  #proceed(events: readonly (readonly [fd: number, mask: number])[]): void {
    for (const [fd] of events) this.#clients.get(fd)?.handle.reader.proceed();
  }
}
