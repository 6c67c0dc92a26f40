/**
 * Whether an address is one of this machine's loopback interface, decided on the address itself.
 *
 * What is not an address is a name, and a name is looked up: `127.0.0.999` may lead anywhere. What some
 * take for octal (`127.0.0.010`) or fill up (`127.1`) is refused, since the host may read it otherwise
 * than we do. `localhost` is no exception: it stands for 127.0.0.1 here, and is never looked up.
 */

/** One part of an address, in decimal, without a leading zero. */
const PART = "(0|[1-9]\\d{0,2})";
const IPV4 = new RegExp(`^${PART}\\.${PART}\\.${PART}\\.${PART}$`);

/** The address that a hostname stands for, if that is one of the loopback interface. */
export function loopbackOf(hostname: unknown): string | undefined {
  if (typeof hostname !== "string") return undefined;
  if (hostname === "localhost") return "127.0.0.1";
  return isLoopback(hostname) ? hostname : undefined;
}

/** Whether a text is an address of 127.0.0.0/8, or `::1` in whatever form. */
export function isLoopback(address: string): boolean {
  const parts = IPV4.exec(address)?.slice(1).map(Number);
  if (parts !== undefined) return parts[0] === 127 && parts.every((part) => part <= 255);
  if (!/^[0-9a-f:]+$/i.test(address)) return false;
  const { hostname } = URL.parse(`http://[${address}]/`) ?? { hostname: "" };
  return hostname === "[::1]";
}
