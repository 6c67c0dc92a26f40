/**
 * From a host's name to a TCP connection: looking the name up, and trying its addresses (RFC 8305).
 *
 * A name may have addresses of both families of which only some answer; Deno's connect tries the first alone. So
 * each is tried, a moment after the one before or at once when that has failed, and the first that
 * connects wins. `localhost` is the loopback of both families, whatever the machine's files say (RFC 6761), and
 * nobody is asked for it.
 *
 * A program that may connect to a name only, and not to its addresses, has Deno connect to the name.
 */
import { SystemClock } from "../kernel/clock.ts";
import { closeQuietly } from "./native.ts";

/** How long one address is given before the next is tried as well: RFC 8305 recommends it. */
const ATTEMPT_MS = 250;

const LOOPBACK: readonly string[] = ["127.0.0.1", "::1"];

/**
 * The addresses of a name, those to be tried first at the front; an address is its own.
 *
 * @throws {Error} The host's, with the code `ENOTFOUND`, if there are none.
 */
export async function addressesOf(name: string): Promise<readonly string[]> {
  if (isAddress(name)) return [name];
  if (isLocalhost(name)) return LOOPBACK;
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(name, { all: true });
  return interleaved(found.map(({ address }) => address));
}

/** Connects to a host by its name or address. */
export async function dial(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const byName = (): Promise<Deno.TcpConn> => Deno.connect({ hostname, port, signal });
  if (isAddress(hostname)) return await byName();
  let addresses: readonly string[];
  try {
    addresses = await addressesOf(hostname);
  } catch {
    return await byName(); // the error, or the question for a permission, is to be Deno's
  }
  if (addresses.length === 1 || !addresses.every((address) => isAllowed(address, port))) {
    return await byName();
  }
  signal.throwIfAborted();
  return await firstOf(addresses, port, signal);
}

/** Tries the addresses, each with a head start over the next; the first connection wins. */
function firstOf(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const { promise, resolve, reject } = Promise.withResolvers<Deno.TcpConn>();
  const losers = new AbortController();
  const clock = new SystemClock();
  const errors: unknown[] = [];
  let next = 0;
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    clock.clearAlarm();
    losers.abort();
    signal.removeEventListener("abort", aborted);
  };
  const aborted = (): void => {
    stop();
    reject(signal.reason);
  };
  const tryNext = (): void => {
    clock.clearAlarm();
    if (isOver || next === addresses.length) return;
    const hostname = addresses[next++]!;
    if (next < addresses.length) clock.setAlarm(performance.now() + ATTEMPT_MS, tryNext);
    Deno.connect({ hostname, port, signal: losers.signal }).then((connection) => {
      if (isOver) return closeQuietly(connection);
      stop();
      resolve(connection);
    }, (error) => {
      if (isOver) return;
      errors.push(error);
      if (errors.length < addresses.length) return tryNext();
      stop();
      reject(errors[0]);
    });
  };
  signal.addEventListener("abort", aborted);
  tryNext();
  return promise;
}

/** Keeps the order but for the families, which take turns. */
function interleaved(addresses: readonly string[]): string[] {
  const first = addresses.filter((address) => isSix(address) === isSix(addresses[0]!));
  const second = addresses.filter((address) => isSix(address) !== isSix(addresses[0]!));
  const mixed: string[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    mixed.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  }
  return mixed;
}

function isAllowed(address: string, port: number): boolean {
  const host = isSix(address) ? `[${address}]:${port}` : `${address}:${port}`;
  return Deno.permissions.querySync({ name: "net", host }).state === "granted";
}

function isSix(address: string): boolean {
  return address.includes(":");
}

/** Whether it is an address, of which nobody has to be asked. */
export function isAddress(name: string): boolean {
  return isSix(name) || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

function isLocalhost(name: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(name);
}
