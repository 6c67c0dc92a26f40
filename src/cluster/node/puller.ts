/**
 * Asking the server for jobs of one class: as many as the node has room for, and no more.
 *
 * The client's `consume` asks on as soon as a message has come, not when it is worked on, or keeps a
 * buffer of a size that is fixed; with slow jobs a node would hoard what others could do, with tiny ones it
 * would stand idle. So the requests are our own. Each has an end, after which the server has forgotten it;
 * what got lost with a server that was killed is not waited for any longer than that.
 */
import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import type { Link } from "../link/link.ts";
import { DURABLE } from "../wire/names.ts";

/** How long the server keeps a request that it cannot fill, in milliseconds. */
const EXPIRES_MS = 5000;
/** By then its answer must have come, in milliseconds. */
const LOST_MS = EXPIRES_MS + 1000;
/** No single request asks for more. */
const MOST = 256;

/** A request under way. */
interface Request {
  /** How many messages it may still get. */
  left: number;
  readonly at: number;
}

/** Pulls from the consumer of one job stream. */
export class Puller {
  readonly #link: Link;
  readonly #subject: string;
  readonly #inbox: string;
  readonly #room: () => number;
  readonly #requests = new Map<number, Request>();
  readonly #answers: Subscription;
  #next = 0;
  #outstanding = 0;
  #stopped = false;

  /**
   * Begins to pull.
   *
   * @param room Asked how many messages the node could take, those under way not counted.
   * @param got Hears of each.
   */
  constructor(
    link: Link,
    stream: string,
    inboxPrefix: string | undefined,
    room: () => number,
    got: (msg: Msg) => void,
  ) {
    this.#link = link;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${DURABLE}`;
    this.#inbox = createInbox(inboxPrefix);
    this.#room = room;
    this.#answers = link.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error !== null) return;
        if (this.#isStatus(msg)) return;
        this.#delivered();
        got(msg);
      },
    });
    link.onUp(() => {
      this.#requests.clear();
      this.#outstanding = 0;
      this.ask();
    });
    this.ask();
  }

  /** Asks for as many as there is room for, once that is worth a request. */
  ask(): void {
    if (this.#stopped || !this.#link.up) return;
    const room = this.#room();
    const missing = room - this.#outstanding;
    // Half of what it could have is on its way: then the answer to another request would not be missed.
    if (missing <= 0 || this.#outstanding > missing) return;
    const batch = Math.min(missing, MOST);
    const number = this.#next++;
    this.#requests.set(number, { left: batch, at: performance.now() });
    this.#outstanding += batch;
    this.#link.nc.publish(
      this.#subject,
      JSON.stringify({ batch, expires: EXPIRES_MS * 1e6 }),
      { reply: `${this.#inbox}.${number.toString(36)}` },
    );
  }

  /** Forgets requests that were lost, and asks anew. To be called now and then. */
  look(): void {
    const now = performance.now();
    for (const [number, { at }] of this.#requests) {
      if (now - at < LOST_MS) break;
      this.#over(number);
    }
    this.ask();
  }

  /** Asks for nothing any more; resolves when what was on its way has been taken. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#link.nc.isClosed()) return;
    if (this.#link.up) await this.#answers.drain();
    else this.#answers.unsubscribe();
  }

  /** A message that is none, but says that a request is over: 404, 408, 409; 503 where nobody listens. */
  #isStatus(msg: Msg): boolean {
    const code = msg.headers?.code ?? 0;
    if (code === 0 || !msg.subject.startsWith(this.#inbox)) return false;
    if (code === 100) return true;
    this.#over(parseInt(msg.subject.slice(this.#inbox.length + 1), 36));
    if (code === 408) this.ask();
    return true;
  }

  /** The server does not say for which request; they are filled in turn, about. */
  #delivered(): void {
    for (const [number, request] of this.#requests) {
      if (--request.left === 0) this.#requests.delete(number);
      this.#outstanding--;
      return;
    }
  }

  #over(number: number): void {
    this.#outstanding -= this.#requests.get(number)?.left ?? 0;
    this.#requests.delete(number);
  }
}
