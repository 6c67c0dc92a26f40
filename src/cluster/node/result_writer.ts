/**
 * Storing results, of which the first wins.
 *
 * A result has no message id, on purpose. The server would say of a second one that it has it, without a
 * look at what it has: then a false result that was deleted could not be replaced. It is the bound of one
 * message for a subject that refuses the second, a second by the same node included.
 */
import type { MsgHdrs } from "@nats-io/transport-node";
import type { Link } from "../link/link.ts";
import type { Objects } from "../link/objects.ts";
import type { PublishAnswer, Publisher } from "../link/publisher.ts";
import { headOnly, headSigned } from "../link/raw_headers.ts";
import type { ResultReader } from "../link/result_reader.ts";
import type { JobKey } from "../wire/names.ts";
import { formatResultHead, type ResultHead } from "../wire/protocol.ts";
import type { Signer } from "../wire/signing.ts";

/** The server's word for "there is one". */
const THERE_IS_ONE = 10077;
/** So often a false result may be found in the way. */
const TRIES = 5;

/** What a writer works with. */
export interface ResultTools {
  /** The connection. */
  readonly link: Link;
  /** Sends again what was not answered. */
  readonly publisher: Publisher;
  /** Large bodies. */
  readonly objects: Objects;
  /** Tells which results are genuine. */
  readonly reader: ResultReader;
  /** Signs, where there is a key. */
  readonly signer: Signer | null;
}

/** The server refuses to store a result. */
export class ResultRefusedError extends Error {
  /** `"ResultRefusedError"`. */
  override readonly name = "ResultRefusedError";
}

/** Stores the results of a node's jobs. */
export class ResultWriter {
  readonly #tools: ResultTools;

  /** A writer. */
  constructor(tools: ResultTools) {
    this.#tools = tools;
  }

  /**
   * Stores a result; resolves when this or another genuine one is stored.
   *
   * @throws {ResultRefusedError} If the server does not take it.
   */
  async write(key: JobKey, said: Omit<ResultHead, "object">, body: Uint8Array): Promise<void> {
    const { link, objects } = this.#tools;
    let object: string | null = null;
    if (body.length > link.inline) {
      object = link.names.resultObject(key);
      await objects.put(object, body);
    }
    try {
      if (await this.#store(key, formatResultHead({ ...said, object }), body, object !== null)) {
        return;
      }
    } catch (error) {
      if (object !== null) await objects.remove(object);
      throw error;
    }
    if (object !== null) await this.#removeUnlessStored(key, object);
  }

  /** Whether it was this one that was stored, as far as is known: it may be so although it was refused. */
  async #store(key: JobKey, head: string, body: Uint8Array, isObject: boolean): Promise<boolean> {
    const { link, signer, reader } = this.#tools;
    const subject = link.names.result(key);
    const heads = signer === null
      ? headOnly(head)
      : headSigned(head, await signer.sign(subject, head, body));
    for (let i = 0; i < TRIES; i++) {
      const answer = await this.#publish(subject, isObject ? new Uint8Array() : body, heads);
      if (answer.kind === "stored") return true;
      if (answer.code !== THERE_IS_ONE) {
        throw new ResultRefusedError(`The server does not store a result: ${answer.why}`);
      }
      if (await reader.stored(key) !== null) return false;
    }
    throw new ResultRefusedError(`False results were in the way ${TRIES} times`);
  }

  #publish(
    subject: string,
    body: Uint8Array,
    heads: MsgHdrs,
  ): Promise<PublishAnswer> {
    return new Promise((resolve) =>
      this.#tools.publisher.publish(subject, body, heads, (answer) => {
        // No leader, or no room for the moment: a result is not dropped for that.
        if (answer.kind === "refused" && isPassing(answer.code)) return "again";
        resolve(answer);
      })
    );
  }

  async #removeUnlessStored(key: JobKey, object: string): Promise<void> {
    const { reader, objects } = this.#tools;
    const stored = await reader.stored(key);
    if (stored?.head.object !== object) await objects.remove(object);
  }
}

/** Insufficient resources, no quorum, a stream that is offline. */
function isPassing(code: number): boolean {
  return code === 10023 || code === 10008 || code === 10118 || code === 10120;
}
