/**
 * Accepting in a loop around a registry. An accept that the host refuses (no descriptor is left, or the
 * newcomer has gone again) says nothing of the listener, and must not end the loop; but the newcomers are
 * still there, so a registry would tell of them at once, and again. So the listener is left alone for a while.
 */
import { type EventRegistry, type Listener, POLLIN, type Socket, WouldBlock } from "@weft/weft";
import { isHostError } from "./serve.ts";

/** How long newcomers are left in the host's line then, in milliseconds. */
const PAUSE_MS = 100;

/** A listener in a registry. */
export class PolledListener<A extends Deno.Addr> {
  /** What polls call it. */
  readonly fd: number;
  readonly #listener: Listener<A>;
  readonly #registry: EventRegistry;
  #until = 0;

  /** Registers it. */
  constructor(listener: Listener<A>, registry: EventRegistry) {
    this.#listener = listener;
    this.#registry = registry;
    this.fd = registry.register(listener, POLLIN).fd;
  }

  /** The longest wait that the next poll may make, for poll(): -1 for no limit. */
  get timeout(): number {
    if (this.#until === 0) return -1;
    const left = this.#until - performance.now();
    if (left > 0) return left;
    this.#until = 0;
    this.#registry.modify(this.fd, POLLIN);
    return -1;
  }

  /** The newcomer that a poll has told of, or `null` if it cannot be had now. */
  tryAccept(): Socket<A> | null {
    try {
      return this.#listener.tryAccept();
    } catch (error) {
      if (error instanceof WouldBlock) return null;
      if (!isHostError(error)) throw error;
      this.#registry.modify(this.fd, 0);
      this.#until = performance.now() + PAUSE_MS;
      return null;
    }
  }
}
