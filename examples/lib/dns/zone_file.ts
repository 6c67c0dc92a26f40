/** Zones from JSON files: what may stand in them, and the zone that is built in. */
import { Buffer } from "node:buffer";
import { isIPv4, isIPv6 } from "node:net";
import type { DnsRecord } from "./message.ts";
import { isName, isWithin, keyOf, labelsOf } from "./names.ts";

/** A zone as it stands in a file. */
export interface ZoneFile {
  readonly origin: string;
  readonly records: readonly DnsRecord[];
}

const MOST_TTL = 0x7fff_ffff;

/** Checks what was parsed from a file. Throws with one line that names the record and the rule. */
export function checkZone(value: unknown): ZoneFile {
  if (!isObject(value)) throw new TypeError("a zone is an object with origin and records");
  const { origin, records } = value;
  if (!isName(origin)) {
    throw new TypeError(`origin ${quote(origin)} is no name without its last dot`);
  }
  if (labelsOf(origin).length < 2) {
    throw new TypeError(`origin ${quote(origin)} is a top level, which has a server of its own`);
  }
  if (!Array.isArray(records)) throw new TypeError("records is no array");
  const checked = records.map((record, i) => checkRecord(record, `records[${i}]`, origin));
  checkTogether(origin, checked);
  return { origin, records: checked };
}

function checkRecord(record: unknown, where: string, origin: string): DnsRecord {
  if (!isObject(record)) throw new TypeError(`${where} is no object`);
  const { name, type, ttl, data } = record;
  if (!isName(name)) throw new TypeError(`${where}: name ${quote(name)} is no name`);
  if (!isWithin(keyOf(name), keyOf(origin))) {
    throw new TypeError(`${where}: name ${quote(name)} is not in ${origin}`);
  }
  if (!isWhole(ttl, MOST_TTL)) {
    throw new TypeError(`${where}: ttl ${quote(ttl)} is no whole number of seconds`);
  }
  const check = typeof type === "string" && Object.hasOwn(CHECKS, type) ? CHECKS[type]! : null;
  if (check === null) {
    const known = Object.keys(CHECKS).join(", ");
    throw new TypeError(`${where}: type ${quote(type)} is none of ${known}`);
  }
  if (!check(data)) throw new TypeError(`${where}: data ${quote(data)} is not that of a ${type}`);
  return { name, type: type as string, ttl, data };
}

/** Rules about several records (RFC 1034 §3.6.2, §4.2.1). */
function checkTogether(origin: string, records: readonly DnsRecord[]): void {
  const at = (key: string, type: string) =>
    records.filter((one) => keyOf(one.name) === key && one.type === type);
  const top = keyOf(origin);
  if (at(top, "SOA").length !== 1) throw new TypeError(`${origin} needs one SOA`);
  if (at(top, "NS").length === 0) throw new TypeError(`${origin} needs an NS`);
  for (const record of records) {
    const key = keyOf(record.name);
    if (record.type === "SOA" && key !== top) {
      throw new TypeError(`"${record.name}" has an SOA, but is not the origin`);
    }
    if (
      record.type === "CNAME" && records.some((one) => keyOf(one.name) === key && one !== record)
    ) {
      throw new TypeError(`"${record.name}" has a CNAME and something else`);
    }
  }
}

/** What the data of each type is, as dns-packet has it; a number that is left out is 0. */
const CHECKS: Readonly<Record<string, (data: unknown) => boolean>> = {
  A: (data) => typeof data === "string" && isIPv4(data),
  AAAA: (data) => typeof data === "string" && isIPv6(data) && !data.includes("%"),
  NS: isName,
  CNAME: isName,
  PTR: isName,
  MX: (data) => isObject(data) && isWhole(data.preference ?? 0, 0xffff) && isName(data.exchange),
  TXT: (data) =>
    Array.isArray(data) && data.length > 0 &&
    data.every((text) => typeof text === "string" && Buffer.byteLength(text) <= 255) &&
    data.reduce((sum, text) => sum + 1 + Buffer.byteLength(text), 0) <= 60_000,
  SRV: (data) =>
    isObject(data) && isName(data.target) &&
    [data.priority, data.weight, data.port].every((number) => isWhole(number ?? 0, 0xffff)),
  SOA: (data) =>
    isObject(data) && isName(data.mname) && isName(data.rname) &&
    [data.serial, data.refresh, data.retry, data.expire, data.minimum]
      .every((number) => isWhole(number ?? 0, 0xffff_ffff)),
};

function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && value as number >= 0 && value as number <= most;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value in one short line. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The data of an SOA record whose zone never changes. */
export function soaData(mname: string, zone: string): Record<string, string | number> {
  const rname = zone === "" ? "hostmaster" : `hostmaster.${zone}`;
  return { mname, rname, serial: 1, refresh: 3600, retry: 600, expire: 86_400, minimum: 60 };
}

const ORIGIN = "example.test";

/** The zone that is served without a file. */
export const BUILT_IN_ZONE: ZoneFile = checkZone({
  origin: ORIGIN,
  records: [
    { name: ORIGIN, type: "SOA", ttl: 3600, data: soaData(`ns.${ORIGIN}`, ORIGIN) },
    { name: ORIGIN, type: "NS", ttl: 3600, data: `ns.${ORIGIN}` },
    { name: ORIGIN, type: "MX", ttl: 3600, data: { preference: 10, exchange: `mail.${ORIGIN}` } },
    { name: ORIGIN, type: "TXT", ttl: 3600, data: ["v=spf1 mx -all"] },
    { name: `ns.${ORIGIN}`, type: "A", ttl: 3600, data: "127.0.0.1" },
    { name: `mail.${ORIGIN}`, type: "A", ttl: 3600, data: "192.0.2.25" },
    { name: `www.${ORIGIN}`, type: "A", ttl: 300, data: "192.0.2.80" },
    { name: `www.${ORIGIN}`, type: "AAAA", ttl: 300, data: "2001:db8::80" },
    { name: `web.${ORIGIN}`, type: "CNAME", ttl: 300, data: `www.${ORIGIN}` },
    {
      name: `big.${ORIGIN}`,
      type: "TXT",
      ttl: 300,
      data: ["a", "b", "c", "d"].map((letter) => letter.repeat(250)),
    },
  ],
});
