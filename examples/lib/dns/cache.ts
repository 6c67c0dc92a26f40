/**
 * What a resolver remembers: sets of records, and that there is nothing, each until its time is up.
 *
 * It is bounded. When it is full, the entry that has been there longest goes, which costs nothing to find
 * in a `Map`; that what is asked often stays matters less than that a flood of names takes no memory.
 */
import type { DnsRecord } from "./message.ts";

/** Something that was learnt. */
export interface Entry {
  /** No records: there is nothing of this type, or nothing at all. */
  readonly kind: "records" | "NODATA" | "NXDOMAIN";
  /** The records; where there is nothing, the SOA that says so. */
  readonly records: readonly DnsRecord[];
  /** When it was learnt, in milliseconds. */
  readonly since: number;
}

const MOST_ENTRIES = 10_000;
/** Nothing is believed for longer than a day, whatever its owner says. */
const MOST_TTL = 86_400;

/** A bounded memory of answers. */
export class Cache {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  /** An empty cache, with its own idea of time. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many entries it has, those included whose time is up. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is known, if it is not too old. */
  get(key: string, type: string): Entry | undefined {
    const place = placeOf(key, type);
    const entry = this.#entries.get(place);
    if (entry === undefined) return undefined;
    if (this.#now() - entry.since < lifetimeOf(entry)) return entry;
    this.#entries.delete(place);
    return undefined;
  }

  /** Remembers, unless its time is up at once. Gives the entry, which is good for one answer in any case. */
  put(key: string, type: string, kind: Entry["kind"], records: readonly DnsRecord[]): Entry {
    const capped = records.map((one) => one.ttl > MOST_TTL ? { ...one, ttl: MOST_TTL } : one);
    const entry: Entry = { kind, records: capped, since: this.#now() };
    const place = placeOf(key, type);
    this.#entries.delete(place);
    if (lifetimeOf(entry) <= 0) return entry;
    if (this.#entries.size >= MOST_ENTRIES) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.set(place, entry);
    return entry;
  }

  /** The records of an entry, with the time that is left to them. */
  aged(entry: Entry): readonly DnsRecord[] {
    const seconds = Math.floor((this.#now() - entry.since) / 1000);
    if (seconds === 0) return entry.records;
    return entry.records.map((record) => ({ ...record, ttl: Math.max(0, record.ttl - seconds) }));
  }
}

function lifetimeOf({ records }: Entry): number {
  let least = Infinity;
  for (const { ttl } of records) least = Math.min(least, ttl);
  return least === Infinity ? 0 : least * 1000;
}

/** A type has no blank in its name. */
function placeOf(key: string, type: string): string {
  return `${type} ${key}`;
}
