/**
 * `select`: a poll over three lists, for those who think in them.
 *
 * A registry is made for each call, so a call costs a step for each handle, as select(2) does. What each list
 * means is Linux's: readable is `POLLIN`, `POLLHUP` or `POLLERR`; writable is `POLLOUT` or `POLLERR`;
 * exceptional is `POLLPRI`, which Deno never shows.
 */
import { currentScope } from "../kernel/context.ts";
import { checkArray, checkMs } from "../kernel/checks.ts";
import { ClosedError } from "../kernel/errors.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import { handleBehind, type PollTarget } from "./adopt.ts";
import { fileno } from "./descriptors.ts";
import { POLLERR, POLLET, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI } from "./masks.ts";
import type { PollEvent } from "./poller.ts";
import { EventRegistry } from "./registry.ts";

const READABLE = POLLIN | POLLHUP | POLLERR;
const WRITABLE = POLLOUT | POLLERR;
const EXCEPTIONAL = POLLPRI;

/** The targets of one list by descriptor. */
type Listed<T> = readonly (readonly [fd: number, target: T])[];

/**
 * Waits until one of the handles can be read, written, or has something exceptional.
 *
 * @example Which of two
 * ```ts
 * import { connect, listen, run, select } from "@weft/weft";
 * await run(async function* () {
 *   using listener = listen({ hostname: "127.0.0.1", port: 0 });
 *   using socket = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
 *   const [readable, writable] = yield* select([listener, socket], [socket], [], 1000);
 *   if (writable[0] !== socket || readable.includes(socket)) throw new Error("wrong list");
 * });
 * ```
 *
 * @typeParam R What stands in the first list.
 * @typeParam W What stands in the second list.
 * @typeParam X What stands in the third list.
 * @param read Which to read: sockets, listeners, handles, descriptors.
 * @param write Which to write.
 * @param except Which to watch for urgent data.
 * @param timeout The longest wait in milliseconds; 0 only looks, without one it waits.
 * @returns Three lists, of those that are ready, in the order of the given ones; all empty when time ran out.
 * @throws {ClosedError} If one of them is closed, or no handle has a descriptor: Python's `EBADF`.
 * @throws {RangeError} If the timeout is negative.
 */
export function select<R extends PollTarget, W extends PollTarget, X extends PollTarget>(
  read: readonly R[],
  write: readonly W[],
  except: readonly X[],
  timeout?: number,
): Operation<[R[], W[], X[]]> {
  checkArray(read, "targets to read");
  checkArray(write, "targets to write");
  checkArray(except, "targets to watch for exceptions");
  const ms = timeout === undefined ? Infinity : checkMs(timeout, "the timeout of a select");
  return sequence("select()", function* () {
    using registry = new EventRegistry();
    const masks = new Map<number, number>();
    const lists = [
      enlist(masks, read, POLLIN),
      enlist(masks, write, POLLOUT),
      enlist(masks, except, POLLPRI),
    ] as const;
    // Edges, because a hang-up of a handle that is only to be written counts for nothing here, and
    // would be told again at once.
    for (const [fd, mask] of masks) registry.register(fd, mask | POLLET);
    const { clock } = schedulerOf(currentScope()!.task);
    const end = clock.now() + ms;
    for (let left = ms;; left = Math.max(0, end - clock.now())) {
      const events = yield* registry.poll(left);
      const told = new Map<number, number>(events.map(checked));
      const ready: [R[], W[], X[]] = [
        pick(lists[0], told, READABLE),
        pick(lists[1], told, WRITABLE),
        pick(lists[2], told, EXCEPTIONAL),
      ];
      if (ready.some((list) => list.length > 0) || left === 0 || events.length === 0) return ready;
    }
  });
}

function enlist<T extends PollTarget>(
  masks: Map<number, number>,
  targets: readonly T[],
  mask: number,
): Listed<T> {
  return targets.map((target) => {
    const handle = typeof target === "number" ? null : handleBehind(target);
    if (handle?.closed) throw new ClosedError(`Cannot select ${handle}: it is closed`);
    const fd = handle === null ? target as number : fileno(handle);
    masks.set(fd, (masks.get(fd) ?? 0) | mask);
    return [fd, target];
  });
}

function checked([fd, mask]: PollEvent): [number, number] {
  if (mask === POLLNVAL) {
    throw new ClosedError(`Cannot select descriptor ${fd}: no open handle has it`);
  }
  return [fd, mask];
}

function pick<T>(listed: Listed<T>, told: ReadonlyMap<number, number>, mask: number): T[] {
  return listed.filter(([fd]) => ((told.get(fd) ?? 0) & mask) !== 0).map(([, target]) => target);
}
