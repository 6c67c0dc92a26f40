/** Checking addresses and options where they are passed, so that the error points at the caller; and showing them. */
import { printable, show } from "../kernel/printable.ts";

/** A port as Deno takes it. */
export function checkPort(port: unknown, verb: string): number {
  if (typeof port === "number" && Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new RangeError(
    `Cannot ${verb} port ${
      typeof port === "string" ? printable(port, 60) : show(port)
    }: a port is a whole number from 0 to 65535`,
  );
}

/** A path of a unix socket. */
export function checkPath(path: unknown, verb: string): string {
  if (typeof path === "string" && path !== "") return path;
  throw new TypeError(`Cannot ${verb} path ${show(path)}: a unix socket needs a path`);
}

/** A name or an address of a host. */
export function checkHostname(hostname: unknown, verb: string): string {
  if (typeof hostname === "string") return hostname;
  throw new TypeError(`Cannot ${verb} host ${show(hostname)}: a hostname is a string`);
}

/** The error for a transport that there is not. */
export function unknownTransport(transport: unknown, verb: string, known: string): TypeError {
  return new TypeError(
    `Cannot ${verb} transport ${show(transport)}: it must be ${known}`,
  );
}

/** An address as people write it: `127.0.0.1:80`, `[::1]:80`, or a unix socket's path. */
export function addressText(address: Deno.Addr): string {
  if ("path" in address) return printable(address.path || "a unix socket");
  if ("cid" in address) return `vsock ${address.cid}:${address.port}`;
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
