/** A client of HTTP that sends what it is told, right or wrong, and shows what comes back. */
import { deadline } from "@std/async/deadline";
import { bytesOf } from "./http_messages.ts";

const LIMIT_MS = 10_000;

/** What came back: the heads and bodies of answers that are delimited by a length. */
export interface Answer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A raw connection. */
export class RawClient implements Disposable {
  readonly #conn: Deno.TcpConn;
  #held = "";

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  /** Connects to a server on this machine. */
  static async dial(port: number): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends text, a byte for each character. */
  async send(text: string): Promise<void> {
    const bytes = bytesOf(text);
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  /** Ends the sending side. */
  async end(): Promise<void> {
    await this.#conn.closeWrite();
  }

  /** The next answer; `null` at the end of the stream. `HEAD` and 304 have no body. */
  async answer(method = "GET"): Promise<Answer | null> {
    while (!this.#held.includes("\r\n\r\n")) {
      if (!await this.#more()) {
        if (this.#held !== "") throw new Error(`Half an answer: ${this.#held}`);
        return null;
      }
    }
    const end = this.#held.indexOf("\r\n\r\n");
    const [first, ...lines] = this.#held.slice(0, end).split("\r\n");
    this.#held = this.#held.slice(end + 4);
    const status = Number(/^HTTP\/1\.1 (\d{3}) [A-Z]/.exec(first!)![1]);
    const fields = Object.fromEntries(lines.map((line) => {
      const [, name, value] = /^([^:]+): (.*)$/.exec(line)!;
      return [name!.toLowerCase(), value!];
    }));
    const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
    const length = hasBody ? Number(fields["content-length"] ?? 0) : 0;
    return { status, fields, body: await this.take(length) };
  }

  /** So many bytes. */
  async take(length: number): Promise<string> {
    while (this.#held.length < length) {
      if (!await this.#more()) throw new Error(`${length - this.#held.length} bytes are missing`);
    }
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }

  /** All that comes until the server ends the stream. */
  async rest(): Promise<string> {
    while (await this.#more());
    return this.#held;
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(65_536);
    const count = await deadline(this.#conn.read(buffer), LIMIT_MS);
    if (count === null) return false;
    const bytes = buffer.subarray(0, count);
    for (let at = 0; at < count; at += 8192) {
      this.#held += String.fromCharCode(...bytes.subarray(at, at + 8192));
    }
    return true;
  }
}

/** Sends text on a new connection; gives the status of the first answer and whether the end followed. */
export async function statusOf(port: number, text: string): Promise<number | null> {
  using client = await RawClient.dial(port);
  await client.send(text);
  return (await client.answer())?.status ?? null;
}
