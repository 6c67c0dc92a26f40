/**
 * The peers of a scenario: `peers.py` in a child process, asked over its pipes, strictly in turn.
 *
 * It is the program that `record.py` uses too, so that nothing but the poller differs between the two
 * sides; its head explains the protocol.
 */

/** Where somebody listens or is bound: `[host, port]`, or a path. */
export type PeerAddress = readonly [string, number] | string;

/** Does the actions of peers. */
export interface Peers {
  /** Has one action done; gives what it answered. */
  ask(op: string, fields?: Record<string, unknown>): Promise<unknown>;
}

/** `peers.py` as a child. */
export class PeerProcess implements Peers, AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest = "";

  /** Starts it. */
  constructor() {
    this.#child = new Deno.Command("python3", {
      args: [new URL("peers.py", import.meta.url).pathname],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  /** Has one action done. */
  async ask(op: string, fields: Record<string, unknown> = {}): Promise<unknown> {
    const request = JSON.stringify({ op, ...fields });
    await this.#writer.write(new TextEncoder().encode(request + "\n"));
    const answer: unknown = JSON.parse(await this.#line());
    if (typeof answer === "object" && answer !== null && "ok" in answer) return answer.ok;
    throw new Error(`Cannot have a peer do ${request}: ${JSON.stringify(answer)}`);
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      const { done, value } = await this.#reader.read();
      if (done) throw new Error("Cannot hear the peers: their process has ended");
      this.#rest += new TextDecoder().decode(value);
    }
  }
}
