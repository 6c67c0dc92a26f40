/** Checking addresses and options where they are passed, so that the error points at the caller. */

/** A port as Deno takes it. */
export function checkPort(port: unknown, verb: string): number {
  if (typeof port === "number" && Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new RangeError(
    `Cannot ${verb} port ${String(port)}: a port is a whole number from 0 to 65535`,
  );
}

/** A path of a unix socket. */
export function checkPath(path: unknown, verb: string): string {
  if (typeof path === "string" && path !== "") return path;
  throw new TypeError(`Cannot ${verb} path ${String(path)}: a unix socket needs a path`);
}

/** The error for a transport that there is not. */
export function unknownTransport(transport: unknown, verb: string, known: string): TypeError {
  return new TypeError(
    `Cannot ${verb} transport ${JSON.stringify(transport)}: it must be ${known}`,
  );
}
