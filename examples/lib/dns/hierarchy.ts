/**
 * Four servers that make up a small world: a root, a top level, a zone, and a resolver that knows only where
 * the root is. They talk to each other by messages over loopback sockets, as they would on four machines.
 */
import { shield, spawn, type Task, type UdpAddress } from "@weft/weft";
import type { DnsRecord, Query, Reply } from "./message.ts";
import { isWithin, keyOf, labelsOf } from "./names.ts";
import { Resolver, type Step } from "./resolver.ts";
import { DnsServer, type Responder } from "./server.ts";
import { spelt, Zone } from "./zone.ts";
import { soaData, type ZoneFile } from "./zone_file.ts";

const TTL = 3600;

/** The servers, from the one that clients ask to the one that knows. */
export class Hierarchy {
  readonly recursive: DnsServer;
  readonly root: DnsServer;
  readonly topLevel: DnsServer;
  readonly authoritative: DnsServer;
  readonly resolver: Resolver;

  /** Opens all four; the recursive one on `port`, the others on free ones. */
  constructor(file: ZoneFile, hostname: string, port: number, onStep?: (step: Step) => void) {
    const zones = makeZones(file);
    const addresses = new Map<string, UdpAddress>();
    this.resolver = new Resolver({
      top: zones.topLevel.origin,
      root: zones.rootServer,
      addresses,
      spawn: (work) => void spawn(work),
      ...onStep === undefined ? {} : { onStep },
    });
    this.recursive = new DnsServer(recursion(this.resolver, zones), hostname, port);
    this.root = new DnsServer(authority(zones.root, zones), hostname, 0);
    this.topLevel = new DnsServer(authority(zones.topLevel, zones), hostname, 0);
    this.authoritative = new DnsServer(authority(zones.own, zones), hostname, 0);
    // The zone's servers may have any names and addresses in the file: here they are all one.
    for (const { data } of zones.own.set(zones.own.origin, "NS")) {
      addresses.set(keyOf(data as string), reachable(this.authoritative));
    }
    addresses.set(zones.rootServer, reachable(this.root));
    addresses.set(zones.topServer, reachable(this.topLevel));
  }

  /** The four, in the order in which they are told of. */
  get servers(): readonly DnsServer[] {
    return [this.recursive, this.root, this.topLevel, this.authoritative];
  }

  /** Serves until it is cancelled. The resolver ends first, because it still needs the others. */
  *serveForever(): Generator<unknown, void, unknown> {
    const [recursive, ...others] = this.servers.map((server) =>
      spawn(function* serving() {
        yield* server.serveForever();
      })
    );
    try {
      yield* recursive!.get();
    } finally {
      yield* shield(ended([recursive!]));
      yield* shield(ended(others));
    }
  }
}

/** Where a server of this machine answers from: one that is bound to every address, from the nearest. */
function reachable({ address }: DnsServer): UdpAddress {
  const hostname = { "0.0.0.0": "127.0.0.1", "::": "::1" }[address.hostname] ?? address.hostname;
  return { ...address, hostname };
}

function* ended(tasks: readonly Task[]): Generator<unknown, void, unknown> {
  for (const task of tasks) task.cancel("the servers stop");
  for (const task of tasks) yield* task.join();
}

/** The three zones, and the names of the servers above ours. */
interface Zones {
  readonly root: Zone;
  readonly topLevel: Zone;
  readonly own: Zone;
  readonly rootServer: string;
  readonly topServer: string;
}

function makeZones({ origin, records }: ZoneFile): Zones {
  const top = keyOf(labelsOf(origin).at(-1)!);
  const rootServer = `root-server.${top}`;
  const topServer = `${top}-server.${top}`;
  const address = (name: string): DnsRecord => ({ name, type: "A", ttl: TTL, data: "127.0.0.1" });
  const begin = (zone: string, server: string): DnsRecord[] => [
    { name: zone, type: "SOA", ttl: TTL, data: soaData(server, zone) },
    { name: zone, type: "NS", ttl: TTL, data: server },
    address(server),
  ];
  const delegation = records.filter(({ name, type }) =>
    type === "NS" && keyOf(name) === keyOf(origin)
  );
  const servers = delegation.map(({ data }) => keyOf(data as string));
  const isGlue = ({ name, type }: DnsRecord) =>
    (type === "A" || type === "AAAA") && servers.includes(keyOf(name)) &&
    isWithin(keyOf(name), keyOf(origin));
  return {
    root: new Zone("", [
      ...begin("", rootServer),
      { name: top, type: "NS", ttl: TTL, data: topServer },
      address(topServer),
    ]),
    topLevel: new Zone(top, [
      ...begin(top, topServer),
      address(rootServer),
      ...delegation,
      ...records.filter(isGlue),
    ]),
    own: new Zone(origin, records),
    rootServer,
    topServer,
  };
}

/** Transfers and the like are nobody's business here. */
const REFUSED_TYPES = ["AXFR", "IXFR", "OPT"];

function isRefused({ key, type }: Query, top: string): boolean {
  return REFUSED_TYPES.includes(type) || !isWithin(key, top);
}

function authority(zone: Zone, { topLevel }: Zones): Responder {
  return {
    known(query) {
      const isRootsOwn = zone.origin === "" && query.key === "";
      return isRefused(query, topLevel.origin) && !isRootsOwn
        ? { rcode: "REFUSED" }
        : zone.answer(query);
    },
  };
}

function recursion(resolver: Resolver, { root, topLevel }: Zones): Responder {
  const recursive = (reply: Reply): Reply => ({ ...reply, recursionAvailable: true });
  return {
    known(query) {
      if (isRefused(query, topLevel.origin)) return recursive({ rcode: "REFUSED" });
      const known = resolver.known(query);
      if (known !== null) return recursive(known);
      if (query.recursionDesired) return null;
      // Not asked to ask others: so it says whom one could ask oneself.
      const authorities = root.set("", "NS").map((record) => spelt(record, ""));
      return recursive({ rcode: "NOERROR", authorities });
    },
    *find(query) {
      return recursive(yield* resolver.resolve(query));
    },
  };
}
