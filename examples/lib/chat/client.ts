/** A client of the chat. Datagrams get lost, so what needs an answer is said again until there is one. */
import {
  bindDatagram,
  BrokenError,
  type DatagramSocket,
  moveOnAfter,
  type Operation,
  TimeoutError,
  type UdpAddress,
} from "@weft/weft";
import { pack } from "./room.ts";

/** How long to wait before something is said again, in milliseconds, and how often. */
const AGAIN_MS = 500;
const TRIES = 10;

/** What the server says. */
export type News = Record<string, unknown>;

/** The server does not want it so; its message says why. */
export class ChatError extends Error {}

/** One who takes part. */
export class Member implements Disposable {
  readonly name: string;
  readonly #socket: DatagramSocket<UdpAddress>;
  readonly #server: UdpAddress;
  readonly #meanwhile: (news: News) => void;

  /** One who has not joined; `meanwhile` is told what else comes while an answer is waited for. */
  constructor(name: string, server: UdpAddress, meanwhile: (news: News) => void = () => {}) {
    this.name = name;
    this.#meanwhile = meanwhile;
    this.#server = server;
    const hostname = server.hostname.includes(":") ? "::" : "0.0.0.0";
    this.#socket = bindDatagram({ hostname, port: 0 });
  }

  /** Sends a message. */
  send(message: News): Operation<number> {
    return this.#socket.sendTo(pack(message), this.#server);
  }

  /** The next thing that the server says; what others send is dropped. */
  async *hear(): AsyncGenerator<unknown, News, unknown> {
    for (;;) {
      try {
        const [data, from] = yield* this.#socket.recvFrom();
        if (from.port !== this.#server.port) continue;
        return JSON.parse(new TextDecoder().decode(data)) as News;
      } catch (error) {
        if (!(error instanceof BrokenError || error instanceof SyntaxError)) throw error;
      }
    }
  }

  /** Joins, under its name. */
  join(): AsyncGenerator<unknown, void, unknown> {
    return this.#insist({ type: "join", name: this.name }, "joined");
  }

  /** Leaves. */
  leave(): AsyncGenerator<unknown, void, unknown> {
    return this.#insist({ type: "leave" }, "left");
  }

  /** Lets go of its socket. */
  [Symbol.dispose](): void {
    this.#socket.close();
  }

  /** Says something until the answer comes, which is of that type and about us. */
  async *#insist(message: News, type: string): AsyncGenerator<unknown, void, unknown> {
    for (let i = 0; i < TRIES; i++) {
      yield* this.send(message);
      const isAnswered = yield* moveOnAfter(AGAIN_MS, () => this.#answer(type));
      if (isAnswered === true) return;
    }
    throw new TimeoutError(TRIES * AGAIN_MS, `to ${message.type}`);
  }

  async *#answer(type: string): AsyncGenerator<unknown, boolean, unknown> {
    for (;;) {
      const news = yield* this.hear();
      // What goes wrong while it leaves was asked before, or is that it has left.
      if (news.type === "error" && type === "joined") throw new ChatError(String(news.message));
      if (news.type === type && news.name === this.name) return true;
      this.#meanwhile(news);
    }
  }
}

/** News as a line of text, in which nothing controls the terminal; `null` for what needs no line. */
export function lineOf(news: News): string | null {
  switch (news.type) {
    case "joined":
      return visible(`* ${news.name} has joined`);
    case "left":
      return visible(`* ${news.name} has left`);
    case "said":
      return visible(`${news.from}: ${news.text}`);
    case "told":
      return visible(`${news.from} (to you): ${news.text}`);
    case "who":
      return visible(`* here: ${(news.names as unknown[]).join(" ")}`);
    case "error":
      return visible(`! ${news.message}`);
    default:
      return null;
  }
}

/** Text with its control characters, and those that turn or hide text, written out. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`,
  );
}
