/**
 * A caching recursive resolver: it asks from the root down until somebody knows (RFC 1034 §5.3.3).
 *
 * Each answer brings one of three things: the records, the word that there are none, or a referral to
 * servers that are nearer. All of it is remembered, so the next question begins as near as is known.
 * Identical questions that come while one is being worked on wait for its answer, instead of being asked
 * again: so however many ask, the servers above see one.
 */
import { AsyncResult, type UdpAddress } from "@weft/weft";
import { Cache, type Entry } from "./cache.ts";
import type { DnsRecord, Question, Reply, Response } from "./message.ts";
import { isWithin, keyOf, labelsOf, upFrom } from "./names.ts";
import type { Rcode } from "./rcodes.ts";
import { ask } from "./upstream.ts";
import { spelt } from "./zone.ts";

/** Where a resolver asks. */
export interface Surroundings {
  /** Above which nothing is asked: names elsewhere are refused. */
  readonly top: string;
  /** The name of the root's server. */
  readonly root: string;
  /** Where the servers are, by name. The port in each referral would be 53, which is not ours to have. */
  readonly addresses: ReadonlyMap<string, UdpAddress>;
  /** Runs work in a task of its own, which outlives the one that asked. */
  spawn(work: () => Generator<unknown, void, unknown>): void;
  /** Told of each question that was asked, and of what came back. */
  onStep?(step: Step): void;
}

/** One question to one server. */
export interface Step {
  readonly zone: string;
  readonly server: string;
  readonly question: Question;
  readonly response: Response | null;
}

/** The result of a question: what was learnt on the way, and how it ended. */
interface Outcome {
  readonly rcode: Rcode;
  readonly entries: readonly Entry[];
}

const FAILED: Outcome = { rcode: "SERVFAIL", entries: [] };
/** How many aliases are followed from server to server, and how many referrals for each. */
const MOST_ALIASES = 32;
const MOST_REFERRALS = 16;

/** Finds answers, and remembers them. */
export class Resolver {
  readonly cache: Cache;
  readonly #around: Surroundings;
  readonly #underway = new Map<string, AsyncResult<Outcome>>();

  /** A resolver that knows nothing but where the root is. */
  constructor(around: Surroundings, cache: Cache = new Cache()) {
    this.#around = around;
    this.cache = cache;
  }

  /** How many questions are being worked on. */
  get underway(): number {
    return this.#underway.size;
  }

  /** Answers a question from what is known; `null` if that is not enough. */
  known(question: Question): Reply | null {
    if (!this.#isOurs(question.key)) return { rcode: "REFUSED" };
    const walk = this.#walkCache(question);
    return walk.outcome === null ? null : this.#reply(walk.outcome, question);
  }

  /** Answers a question, by asking as often as it takes. */
  *resolve(question: Question): Generator<unknown, Reply, unknown> {
    const known = this.known(question);
    if (known !== null) return known;
    const place = `${question.type} ${question.key}`;
    let result = this.#underway.get(place);
    if (result === undefined) {
      result = new AsyncResult<Outcome>();
      this.#underway.set(place, result);
      this.#begin(question, place, result);
    }
    return this.#reply(yield* result.get(), question);
  }

  #begin(question: Question, place: string, result: AsyncResult<Outcome>): void {
    const find = () => this.#find(question);
    const underway = this.#underway;
    this.#around.spawn(function* () {
      let outcome = FAILED;
      try {
        outcome = yield* find();
      } finally {
        underway.delete(place);
        result.set(outcome);
      }
    });
  }

  #isOurs(key: string): boolean {
    return isWithin(key, this.#around.top);
  }

  /** Follows aliases through the cache, as far as they go; `outcome` is there if that is to the end. */
  #walkCache(question: Question): { entries: Entry[]; key: string; outcome: Outcome | null } {
    const entries: Entry[] = [];
    const seen = new Set<string>();
    for (let { key } = question;;) {
      // An alias that leads back, or away from what we ask about, is an answer by itself.
      if (seen.has(key) || !this.#isOurs(key) || seen.size === MOST_ALIASES) {
        return { entries, key, outcome: { rcode: "NOERROR", entries } };
      }
      seen.add(key);
      const entry = this.cache.get(key, question.type);
      if (entry !== undefined) {
        entries.push(entry);
        return { entries, key, outcome: ending(entries) };
      }
      const alias = question.type === "ANY" ? undefined : this.cache.get(key, "CNAME");
      if (alias?.kind !== "records") return { entries, key, outcome: null };
      entries.push(alias);
      key = keyOf(alias.records[0]!.data as string);
    }
  }

  /** Asks from server to server, alias by alias. */
  *#find(question: Question): Generator<unknown, Outcome, unknown> {
    const learnt: Entry[] = [];
    const seen = new Set<string>();
    let { key } = question;
    while (seen.size < MOST_ALIASES) {
      const walk = this.#walkCache({ ...question, key });
      learnt.push(...walk.entries);
      if (walk.outcome !== null) return { rcode: walk.outcome.rcode, entries: learnt };
      key = walk.key;
      if (seen.has(key)) return { rcode: "NOERROR", entries: learnt };
      const entries = yield* this.#descend({ name: key, key, type: question.type });
      if (entries === null) return FAILED;
      for (const entry of entries) {
        learnt.push(entry);
        if (
          entry.kind !== "records" || entry.records.some(({ type }) => fits(type, question.type))
        ) {
          return ending(learnt);
        }
        seen.add(key);
        key = keyOf(entry.records[0]!.data as string);
        if (seen.has(key) || !this.#isOurs(key)) return { rcode: "NOERROR", entries: learnt };
      }
    }
    return { rcode: "NOERROR", entries: learnt };
  }

  /** From the nearest server that is known down to one that answers; `null` if nobody does. */
  *#descend(question: Question): Generator<unknown, Entry[] | null, unknown> {
    let { zone, servers } = this.#nearest(question.key);
    for (let referrals = 0; referrals < MOST_REFERRALS; referrals++) {
      const response = yield* this.#askOneOf(servers, zone, question);
      if (response === null) return null;
      const { rcode, authorities } = response;
      if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") return null;
      const entries = this.#learn(response, zone, question);
      if (entries.length > 0) return entries;
      // A referral counts only if it leads nearer: else two servers could send us to and fro for ever.
      const referral = authorities.filter(({ name, type }) => {
        const below = keyOf(name);
        return type === "NS" && isWithin(question.key, below) && isWithin(below, zone) &&
          labelsOf(below).length > labelsOf(zone).length;
      });
      if (referral.length === 0) return null;
      zone = keyOf(referral[0]!.name);
      const same = referral.filter(({ name }) => keyOf(name) === zone);
      this.cache.put(zone, "delegation", "records", same);
      servers = serversOf(same);
    }
    return null;
  }

  #nearest(key: string): { zone: string; servers: string[] } {
    for (const zone of upFrom(key)) {
      const entry = this.cache.get(zone, "delegation");
      if (entry !== undefined) return { zone, servers: serversOf(entry.records) };
    }
    return { zone: "", servers: [this.#around.root] };
  }

  *#askOneOf(
    servers: readonly string[],
    zone: string,
    question: Question,
  ): Generator<unknown, Response | null, unknown> {
    for (const server of servers) {
      const address = this.#around.addresses.get(server);
      if (address === undefined) continue;
      const response = yield* ask(address, question);
      this.#around.onStep?.({ zone, server, question, response });
      if (response !== null) return response;
    }
    return null;
  }

  /**
   * Remembers what a server says about its own zone, and nothing else: it could say anything about others'.
   * Gives the entries from the question on, alias by alias, as far as they go.
   */
  #learn(response: Response, zone: string, question: Question): Entry[] {
    const entries: Entry[] = [];
    const isIts = ({ name }: DnsRecord) => isWithin(keyOf(name), zone);
    const answers = response.answers.filter(isIts);
    const seen = new Set<string>();
    for (let { key } = question; isWithin(key, zone) && !seen.has(key);) {
      seen.add(key);
      const own = answers.filter(({ name }) => keyOf(name) === key);
      const wanted = own.filter(({ type }) => fits(type, question.type));
      if (wanted.length > 0) {
        entries.push(this.cache.put(key, question.type, "records", wanted));
        return entries;
      }
      const alias = own.find(({ type }) => type === "CNAME");
      if (alias === undefined) {
        const soa = response.authorities.filter((one) => one.type === "SOA" && isIts(one));
        if (soa.length === 0) return entries;
        const kind = response.rcode === "NXDOMAIN" ? "NXDOMAIN" : "NODATA";
        entries.push(this.cache.put(key, question.type, kind, soa));
        return entries;
      }
      entries.push(this.cache.put(key, "CNAME", "records", [alias]));
      key = keyOf(alias.data as string);
    }
    return entries;
  }

  #reply({ rcode, entries }: Outcome, question: Question): Reply {
    const answers: DnsRecord[] = [];
    const authorities: DnsRecord[] = [];
    for (const entry of entries) {
      const records = this.cache.aged(entry);
      if (entry.kind === "records") answers.push(...records);
      else authorities.push(...records);
    }
    return {
      rcode,
      answers: answers.map((record) =>
        keyOf(record.name) === question.key ? spelt(record, question.name) : record
      ),
      authorities,
    };
  }
}

function fits(type: string, wanted: string): boolean {
  return wanted === "ANY" || type === wanted;
}

/** What entries amount to when the last of them is the end. */
function ending(entries: readonly Entry[]): Outcome {
  return { rcode: entries.at(-1)?.kind === "NXDOMAIN" ? "NXDOMAIN" : "NOERROR", entries };
}

/** The servers in a referral, in a turn of their own for each question, so that each has its share. */
function serversOf(records: readonly DnsRecord[]): string[] {
  const first = Math.floor(Math.random() * records.length);
  return [...records.slice(first), ...records.slice(0, first)]
    .map(({ data }) => keyOf(data as string));
}
