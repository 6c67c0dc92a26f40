/**
 * The record of a job's starts.
 *
 * The server's own count of deliveries begins anew after it was killed, and counts jobs that only lay in
 * a buffer; so starts are counted here, before each. A first start is not recorded where a second is
 * allowed: it would cost every job one more message to be stored, and few are started a second time.
 */
import { decode } from "../codec/decode.ts";
import { encode } from "../codec/encode.ts";
import type { Link } from "../link/link.ts";
import type { JobKey } from "../wire/names.ts";
import { HEAD, isBareHead } from "../wire/protocol.ts";
import { StateRecords } from "./state_records.ts";

/** No more starts than this are kept, and none that is longer. */
const MOST = 100;
const LONGEST = 500;
/** So often another may be quicker. */
const TRIES = 20;

/** Reads and writes records of starts. */
export class StartRecords {
  readonly #link: Link;
  readonly #records: StateRecords;

  constructor(link: Link) {
    this.#link = link;
    this.#records = new StateRecords(link);
  }

  /** Adds a start to the record of a job, and gives all of it, the oldest first. */
  async add(key: JobKey, start: string): Promise<string[]> {
    const subject = this.#link.names.starts(key);
    for (let i = 0; i < TRIES; i++) {
      const { starts, seq } = await this.#read(subject);
      const all = [...starts, start].slice(-MOST);
      if (await this.#records.write(subject, encode(all), seq)) return all;
    }
    throw new Error(`Cannot record a start: others have been quicker ${TRIES} times`);
  }

  async #read(subject: string): Promise<{ starts: readonly string[]; seq: number }> {
    const found = await this.#records.read(subject);
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
