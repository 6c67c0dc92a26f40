/** Multicast groups that a UDP socket has joined. */
import type { DatagramHandle } from "../io/datagram.ts";
import type { Operation } from "../kernel/operation.ts";
import { sequence } from "../kernel/operation.ts";
import { wait } from "../tasks/wait.ts";

/** Deno's own membership; the two kinds differ in what a time to live is. */
interface NativeMembership {
  leave(): Promise<void>;
  setLoopback(loopback: boolean): Promise<void>;
  setTTL?(ttl: number): Promise<void>;
}

/** A socket's part in a multicast group. It ends with the socket. */
export class Membership {
  readonly #native: NativeMembership;

  /** Made by `joinMulticastV4` and `joinMulticastV6`. */
  constructor(native: NativeMembership) {
    this.#native = native;
  }

  /** Receives no more of the group's datagrams. */
  leave(): Operation<void> {
    return wait(() => this.#native.leave());
  }

  /** Whether datagrams that this socket sends to the group come back to this machine. */
  setLoopback(on: boolean): Operation<void> {
    return wait(() => this.#native.setLoopback(on));
  }

  /**
   * How many routers a datagram to the group may pass.
   *
   * @throws {TypeError} On IPv6, where Deno cannot set it.
   */
  setTTL(hops: number): Operation<void> {
    const native = this.#native;
    if (native.setTTL === undefined) {
      throw new TypeError("Cannot set the time to live: Deno can on IPv4 only");
    }
    return wait(() => native.setTTL!(hops));
  }
}

/** Joins by `join`, as an operation. */
export function joinGroup(
  handle: DatagramHandle,
  join: (conn: Deno.DatagramConn) => Promise<NativeMembership>,
): Operation<Membership> {
  if (handle.native.addr.transport !== "udp") {
    throw new TypeError(`Cannot join a multicast group on ${handle}: it is not a UDP socket`);
  }
  return sequence("joinMulticast()", function* () {
    return new Membership(yield* wait(() => join(handle.native as Deno.DatagramConn)));
  });
}
