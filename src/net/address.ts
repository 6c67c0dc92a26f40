/**
 * Addresses: checking them where they are passed, so that the error points at the caller, and showing them; and
 * the names of hosts and services, as `gethostname`, `gethostbyname` and `getservbyname` give them.
 */
import { checkString } from "../kernel/checks.ts";
import { addressesOf } from "../io/dial.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import { printable, show } from "../kernel/printable.ts";
import { wait } from "../tasks/wait.ts";

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

/** Where Unix keeps the names of services. */
const SERVICES_FILE = "/etc/services";

/** What is known without that file, or without leave to read it: name, port, and protocol if it has one only. */
const WELL_KNOWN: Readonly<Record<string, readonly [port: number, protocol?: "tcp" | "udp"]>> = {
  echo: [7],
  discard: [9],
  daytime: [13],
  ftp: [21, "tcp"],
  ssh: [22, "tcp"],
  telnet: [23, "tcp"],
  smtp: [25, "tcp"],
  time: [37],
  domain: [53],
  bootps: [67, "udp"],
  bootpc: [68, "udp"],
  tftp: [69, "udp"],
  http: [80, "tcp"],
  pop3: [110, "tcp"],
  ntp: [123, "udp"],
  imap2: [143, "tcp"],
  snmp: [161],
  ldap: [389],
  https: [443],
  submission: [587, "tcp"],
  ldaps: [636],
  imaps: [993, "tcp"],
  pop3s: [995, "tcp"],
  mysql: [3306, "tcp"],
  postgresql: [5432, "tcp"],
};

/**
 * The name of this machine. Needs `--allow-sys=hostname`.
 *
 * @example
 * ```ts ignore (needs a permission)
 * import { hostName } from "@weft/weft";
 * if (hostName() === "") throw new Error();
 * ```
 *
 * @returns The name.
 */
export function hostName(): string {
  return Deno.hostname();
}

/**
 * Looks up the addresses of a host: IPv4 and IPv6, as the system orders them, the families taking turns. An
 * address is its own; `localhost` has one of each family, and nobody is asked for it.
 *
 * A cancel does not wait for the answer, which is dropped.
 *
 * @example
 * ```ts
 * import { lookup, run } from "@weft/weft";
 * const addresses = await run(async function* () {
 *   return yield* lookup("localhost");
 * });
 * if (addresses.join() !== "127.0.0.1,::1") throw new Error(addresses.join());
 * ```
 *
 * @param name A host's name, or an address.
 * @returns An operation that evaluates to one address at least.
 * @throws {TypeError} If the name is no text, or empty.
 * @throws {Error} The host's, with the code `ENOTFOUND`, if nobody knows the name, or `EPERM` without the
 *   permission to ask (`--allow-net`).
 */
export function lookup(name: string): Operation<string[]> {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`Cannot look up ${show(name)}: a host has a name that is not empty`);
  }
  return sequence(`lookup(${show(name)})`, function* () {
    return [...(yield* wait(() => addressesOf(name)))];
  });
}

/**
 * The port of a service, as in `http` 80: from `/etc/services` if that may be read, and from a table of
 * well-known ones else.
 *
 * @example
 * ```ts
 * import { serviceByName } from "@weft/weft";
 * if (serviceByName("http") !== 80 || serviceByName("domain", "udp") !== 53) throw new Error();
 * ```
 *
 * @param name The service, or an alias of it.
 * @param protocol Which port: some services have but one.
 * @returns The port.
 * @throws {Deno.errors.NotFound} If there is no such service.
 */
export function serviceByName(name: string, protocol: "tcp" | "udp" = "tcp"): number {
  checkString(name, "the name of a service");
  if (protocol !== "tcp" && protocol !== "udp") {
    throw new TypeError(`Cannot find a service on ${show(protocol)}: it must be "tcp" or "udp"`);
  }
  const port = servicesOfHost().get(`${name}/${protocol}`) ?? wellKnown(name, protocol);
  if (port !== undefined) return port;
  throw new Deno.errors.NotFound(`Cannot find service ${show(name)} on ${protocol}: there is none`);
}

function wellKnown(name: string, protocol: string): number | undefined {
  if (!Object.hasOwn(WELL_KNOWN, name)) return undefined;
  const [port, only] = WELL_KNOWN[name]!;
  return only === undefined || only === protocol ? port : undefined;
}

let known: ReadonlyMap<string, number> | null = null;

/** The ports of the host's file by `name/protocol`; none where it may not be read. */
function servicesOfHost(): ReadonlyMap<string, number> {
  if (known !== null) return known;
  const ports = new Map<string, number>();
  const { state } = Deno.permissions.querySync({ name: "read", path: SERVICES_FILE });
  if (state !== "granted") return ports;
  try {
    for (const line of Deno.readTextFileSync(SERVICES_FILE).split("\n")) {
      const [name, where, ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
      const [port, protocol] = where?.split("/") ?? [];
      if (port === undefined) continue;
      for (const each of [name!, ...aliases]) {
        const key = `${each}/${protocol}`;
        if (!ports.has(key)) ports.set(key, Number(port));
      }
    }
  } catch {
    // No such file: on Windows it is elsewhere.
  }
  return known = ports;
}
