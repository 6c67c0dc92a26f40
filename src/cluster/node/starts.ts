/**
 * The record of a job's starts.
 *
 * The server's own count of deliveries begins anew after it was killed, and counts jobs that only lay in
 * a buffer; so starts are counted here, before each. A first start is not recorded where a second is
 * allowed: it would cost every job one more message to be stored, and few come to a second. Two nodes
 * may write at the same time: each says which version it has read, and reads again if that was not the last.
 */
import { jetstream, type JetStreamClient } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { decode } from "../codec/decode.ts";
import { encode } from "../codec/encode.ts";
import type { Link } from "../link/link.ts";
import { isApiError } from "../wire/layout.ts";
import type { JobKey } from "../wire/names.ts";
import { HEAD, isBareHead, PROTOCOL } from "../wire/protocol.ts";

/** The server's words for "another has written meanwhile". */
const WRONG_SEQUENCE = 10071;
/** No more starts than this are kept, and none that is longer. */
const MOST = 100;
const LONGEST = 500;
/** So often another may be quicker. */
const TRIES = 20;

/** Reads and writes records of starts. */
export class StartRecords {
  readonly #link: Link;
  readonly #js: JetStreamClient;

  /** For one link. */
  constructor(link: Link) {
    this.#link = link;
    this.#js = jetstream(link.nc);
  }

  /** Adds a start to the record of a job, and gives all of it, the oldest first. */
  async add(key: JobKey, start: string): Promise<string[]> {
    const subject = this.#link.names.starts(key);
    for (let i = 0; i < TRIES; i++) {
      const { starts, seq } = await this.#read(subject);
      const all = [...starts, start].slice(-MOST);
      const head = headers();
      head.set(HEAD, PROTOCOL);
      try {
        await this.#js.publish(subject, encode(all), {
          headers: head,
          expect: { lastSubjectSequence: seq },
        });
        return all;
      } catch (error) {
        if (!isApiError(error, WRONG_SEQUENCE)) throw error;
      }
    }
    throw new Error(`Cannot record a start: others have been quicker ${TRIES} times`);
  }

  async #read(subject: string): Promise<{ starts: readonly string[]; seq: number }> {
    const { manager, names } = this.#link;
    const found = await manager.direct.getMessage(names.state, { last_by_subj: subject });
    if (found === null) return { starts: [], seq: 0 };
    const { data, header, seq } = found;
    return { starts: isBareHead(header.get(HEAD)) ? listOf(data) : [], seq };
  }
}

/** What is no record counts as none. */
function listOf(data: Uint8Array): readonly string[] {
  try {
    const list = decode(data);
    if (!Array.isArray(list)) return [];
    return list.filter((one): one is string => typeof one === "string" && one.length <= LONGEST);
  } catch {
    return [];
  }
}
