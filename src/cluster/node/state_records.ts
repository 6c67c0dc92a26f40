/**
 * Records in the state stream, of which the last of a subject counts. Two nodes may write one at the same time:
 * each says which one it has read, and the server refuses a node that has not read the last.
 */
import { jetstream, type JetStreamClient, type StoredMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import type { Link } from "../link/link.ts";
import { isApiError } from "../wire/layout.ts";
import { HEAD, PROTOCOL } from "../wire/protocol.ts";

/** The server's words for "another has written meanwhile". */
const WRONG_SEQUENCE = 10071;

/** Reads and writes records. */
export class StateRecords {
  readonly #link: Link;
  readonly #js: JetStreamClient;

  constructor(link: Link) {
    this.#link = link;
    this.#js = jetstream(link.nc);
  }

  /** The last record of a subject; `null` if there is none. */
  read(subject: string): Promise<StoredMsg | null> {
    const { manager, names } = this.#link;
    return manager.direct.getMessage(names.state, { last_by_subj: subject });
  }

  /** Writes a record after the one with this sequence, 0 for none; gives `false` if another was quicker. */
  async write(subject: string, body: Uint8Array, seq: number): Promise<boolean> {
    const head = headers();
    head.set(HEAD, PROTOCOL);
    try {
      const expect = { lastSubjectSequence: seq };
      await this.#js.publish(subject, body, { headers: head, expect });
      return true;
    } catch (error) {
      if (isApiError(error, WRONG_SEQUENCE)) return false;
      throw error;
    }
  }
}
