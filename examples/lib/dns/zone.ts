/**
 * A zone: the names that one server knows everything about, down to those it has delegated (RFC 1034 §4.2).
 *
 * The three ways in which a name can be missing are kept apart. There is nothing at the name, nor below it:
 * NXDOMAIN. There is something, but not of this type: no error and no data. And it is somebody else's
 * business: a referral to the server that knows.
 */
import type { DnsRecord, Question, Reply } from "./message.ts";
import { isWithin, keyOf, upFrom } from "./names.ts";

/** What an SOA record says. */
export interface SoaData {
  mname: string;
  rname: string;
  serial: number;
  refresh: number;
  retry: number;
  expire: number;
  minimum?: number;
}

/** The records of a zone. */
export class Zone {
  /** Where it begins; its key. */
  readonly origin: string;
  readonly #sets = new Map<string, Map<string, DnsRecord[]>>();
  /** Names that have something at or below them. */
  readonly #existing = new Set<string>();
  readonly #soa: DnsRecord;

  /**
   * A zone of these records. Those at or below a delegation are only told together with it: they are the
   * addresses of its servers.
   */
  constructor(origin: string, records: readonly DnsRecord[]) {
    this.origin = keyOf(origin);
    for (const record of records) {
      const key = keyOf(record.name);
      const sets = this.#sets.get(key) ?? new Map<string, DnsRecord[]>();
      this.#sets.set(key, sets);
      const set = sets.get(record.type) ?? [];
      sets.set(record.type, set);
      set.push(record);
      for (const above of upFrom(key)) {
        this.#existing.add(above);
        if (above === this.origin) break;
      }
    }
    const soa = this.set(this.origin, "SOA")[0];
    if (soa === undefined) throw new TypeError(`Cannot serve ${origin}: it has no SOA`);
    // RFC 2308 §3: how long an answer may be remembered that there is nothing.
    this.#soa = { ...soa, ttl: Math.min(soa.ttl, (soa.data as SoaData).minimum ?? 0) };
  }

  /** The records of one name and type. */
  set(key: string, type: string): readonly DnsRecord[] {
    return this.#sets.get(key)?.get(type) ?? [];
  }

  /** Answers a question, with what its server would say. */
  answer(question: Question): Reply {
    const answers: DnsRecord[] = [];
    const seen = new Set<string>();
    for (let { name, key } = question;;) {
      if (!isWithin(key, this.origin)) {
        // A name outside is where an alias led, which somebody else has to follow; or none of ours.
        return answers.length > 0 ? found(answers) : { rcode: "REFUSED" };
      }
      const delegation = this.#delegationAbove(key, question.type);
      if (delegation !== null) {
        return answers.length > 0 ? found(answers) : this.#referral(delegation);
      }
      if (!this.#existing.has(key)) return this.#nothing("NXDOMAIN", answers);
      const sets = this.#sets.get(key) ?? new Map<string, DnsRecord[]>();
      const wanted = question.type === "ANY"
        ? [...sets.values()].flat()
        : sets.get(question.type) ?? [];
      answers.push(...wanted.map((record) => spelt(record, name)));
      if (wanted.length > 0) return found(answers);
      const alias = sets.get("CNAME")?.[0];
      if (alias === undefined) return this.#nothing("NOERROR", answers);
      seen.add(key);
      answers.push(spelt(alias, name));
      name = alias.data as string;
      key = keyOf(name);
      if (seen.has(key)) return found(answers); // a ring: there is no more to it
    }
  }

  /** The delegation that a name is at or below, the topmost; `null` if the name is ours. */
  #delegationAbove(key: string, type: string): string | null {
    let top: string | null = null;
    for (const above of upFrom(key)) {
      if (above === this.origin) break;
      // What is said about a delegation itself is said here (RFC 4035 §3.1.4.1).
      if (above === key && type === "DS") continue;
      if (this.set(above, "NS").length > 0) top = above;
    }
    return top;
  }

  #referral(key: string): Reply {
    const authorities = this.set(key, "NS");
    const additionals = authorities.flatMap(({ data }) => {
      const server = keyOf(data as string);
      return [...this.set(server, "A"), ...this.set(server, "AAAA")];
    });
    return { rcode: "NOERROR", authorities, additionals };
  }

  #nothing(rcode: "NXDOMAIN" | "NOERROR", answers: DnsRecord[]): Reply {
    return { rcode, authoritative: true, answers, authorities: [this.#soa] };
  }
}

function found(answers: DnsRecord[]): Reply {
  return { rcode: "NOERROR", authoritative: true, answers };
}

/** A record whose owner is spelt as the question was. */
export function spelt(record: DnsRecord, name: string): DnsRecord {
  return record.name === name ? record : { ...record, name };
}
