/**
 * Telling a genuine result from whatever else was stored on the subject of one.
 *
 * Submitters, nodes and keepers all ask this, and must all get the same answer: a node that took a false
 * result for genuine would ack a job that nobody has done.
 */
import type { MsgHdrs } from "@nats-io/transport-node";
import { decode } from "../codec/decode.ts";
import type { JobKey } from "../wire/names.ts";
import { HEAD, parseResultHead, type ResultHead, SIGNATURE } from "../wire/protocol.ts";
import type { Signer } from "../wire/signing.ts";
import type { Link } from "./link.ts";
import type { Objects } from "./objects.ts";

/** A result that was stored by a node that may store it. */
export interface GenuineResult {
  /** Whose. */
  readonly key: JobKey;
  /** What is said of it. */
  readonly head: ResultHead;
  readonly body: Uint8Array;
}

/** What stands in a message. */
export interface ResultMessage {
  readonly subject: string;
  readonly headers?: MsgHdrs | undefined;
  /** Its body, unless that is an object. */
  readonly data: Uint8Array;
}

/** Reads results. */
export class ResultReader {
  readonly #link: Link;
  readonly #objects: Objects;
  readonly #signer: Signer | null;

  /** A reader; with a signer, a result without the right signature is not genuine. */
  constructor(link: Link, objects: Objects, signer: Signer | null) {
    this.#link = link;
    this.#objects = objects;
    this.#signer = signer;
  }

  /** Whose result a message is, and what it says of it; `null` if it is none. */
  headOf(message: ResultMessage): { readonly key: JobKey; readonly head: ResultHead } | null {
    const { names } = this.#link;
    const key = names.parseAbout("r", message.subject);
    const head = parseResultHead(message.headers?.get(HEAD) ?? "");
    if (key === null || head === null) return null;
    if (head.object !== null && !names.isObjectOf(key, head.object)) return null;
    return { key, head };
  }

  /**
   * Reads a result. At once, where no object and no signature has to be looked at. `null` if it is not
   * genuine, also where its object is gone.
   */
  read(message: ResultMessage): GenuineResult | null | Promise<GenuineResult | null> {
    const found = this.headOf(message);
    if (found === null) return null;
    const { key, head } = found;
    if (head.object === null && this.#signer === null) return { key, head, body: message.data };
    return this.#readSlowly(message, key, head);
  }

  /**
   * The genuine result that is stored for a job, if there is one; a false one is deleted. Where nobody
   * signs, one whose body is no value is false.
   */
  async stored(key: JobKey): Promise<GenuineResult | null> {
    const { manager, names } = this.#link;
    const found = await manager.direct.getMessage(names.results, {
      last_by_subj: names.result(key),
    });
    if (found === null) return null;
    const { subject, header, data, seq } = found;
    const result = await this.read({ subject, headers: header, data });
    if (result !== null && (this.#signer !== null || isReadable(result.body))) return result;
    await this.remove(seq);
    return null;
  }

  /** Deletes a stored message that is no genuine result, so that one can be stored in its place. */
  async remove(seq: number): Promise<void> {
    const { manager, names } = this.#link;
    try {
      await manager.streams.deleteMessage(names.results, seq);
    } catch {
      // Another has deleted it, or will: the next look shows what is there.
    }
  }

  async #readSlowly(
    message: ResultMessage,
    key: JobKey,
    head: ResultHead,
  ): Promise<GenuineResult | null> {
    const body = head.object === null ? message.data : await this.#objects.get(head.object);
    if (body === null) return null;
    if (this.#signer === null) return { key, head, body };
    const [text, signature] = [message.headers!.get(HEAD), message.headers!.get(SIGNATURE)];
    const isRight = await this.#signer.isRight(signature, message.subject, text, body);
    return isRight ? { key, head, body } : null;
  }
}

function isReadable(body: Uint8Array): boolean {
  try {
    decode(body);
    return true;
  } catch {
    return false;
  }
}
