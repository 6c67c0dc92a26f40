/**
 * Signatures of results, for users of a server who do not trust one another.
 *
 * Anybody who may publish on the subject of a result could store a false one first. With a `resultKey`, known
 * to submitters and nodes only, each result carries an HMAC-SHA-256 of its subject, its head and its
 * body: so a result cannot be made up, nor moved to another job. (A true result of the same job can be
 * played again; it is the same job's.) A body in the bucket is signed by its bytes, too.
 */
import { checkString } from "../../kernel/checks.ts";

const utf8 = new TextEncoder();

/** Signs results, and tells whether others were signed with the same key. */
export class Signer {
  readonly #key: Promise<CryptoKey>;

  /**
   * A signer.
   *
   * @throws {TypeError} If the key is no string.
   * @throws {RangeError} If it is too short to be a secret.
   */
  constructor(resultKey: string) {
    if (checkString(resultKey, "a resultKey").length < 16) {
      throw new RangeError("Cannot use so short a resultKey: it must have 16 letters or more");
    }
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const raw = utf8.encode(resultKey);
    this.#key = crypto.subtle.importKey("raw", raw, algorithm, false, ["sign", "verify"]);
  }

  /** The signature of a result, in base 64. */
  async sign(subject: string, head: string, body: Uint8Array): Promise<string> {
    const bytes = signedBytes(subject, head, body);
    return new Uint8Array(await crypto.subtle.sign("HMAC", await this.#key, bytes)).toBase64();
  }

  /** Whether a signature is right. Never throws. */
  async isRight(
    signature: string,
    subject: string,
    head: string,
    body: Uint8Array,
  ): Promise<boolean> {
    try {
      const given = Uint8Array.fromBase64(signature);
      const bytes = signedBytes(subject, head, body);
      return await crypto.subtle.verify("HMAC", await this.#key, given, bytes);
    } catch {
      return false;
    }
  }
}

/** Neither a subject nor a head has a newline in it, so the parts cannot be mistaken for one another. */
function signedBytes(subject: string, head: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const front = utf8.encode(`${subject}\n${head}\n`);
  const bytes = new Uint8Array(front.length + body.length);
  bytes.set(front);
  bytes.set(body, front.length);
  return bytes;
}
