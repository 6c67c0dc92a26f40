/**
 * The life of one connection: requests are read, answered in their order, and the end is such that the
 * client gets to read the last answer.
 *
 * There are three kinds of silence. Before a later request a kept connection is idle, and nobody is owed
 * anything: it just closes. From the first byte of a request to its blank line there is a deadline, which
 * drops of one byte at a time do not move; behind it stands 408. And in a body each byte buys as much time
 * again.
 */
import {
  BrokenError,
  Cancelled,
  ClosedError,
  type Event,
  type Socket,
  TimeoutError,
  withTimeout,
  type Work,
} from "@weft/weft";
import { show } from "../serve.ts";
import { checkFields } from "./fields.ts";
import { type RequestHead, type RequestLimits, RequestParser } from "./parser.ts";
import { closeBody, errorReply, isDelimited, type Reply, sendReply } from "./reply.ts";
import { ClientGone, HttpRequest } from "./request.ts";
import { HttpError } from "./status.ts";

/** Answers a request. A body of either lane, or whatever else can be waited for. */
export type Handler = (request: HttpRequest) => Work<Reply>;

/** What a connection needs to know of its server. */
export interface ConnectionHost {
  readonly handler: Handler;
  readonly limits: RequestLimits;
  /** Milliseconds for a head, for a part of a body, and for an idle connection. */
  readonly headerTimeout: number;
  /** Set when no further request is wanted. */
  readonly stopped: Event;
  /** Told of what a handler throws. */
  report(message: string, error: unknown): void;
}

/** How long a client that reads nothing is waited for, in milliseconds: for each part of an answer. */
const SEND_TIMEOUT_MS = 300_000;
/** How long the last answer is waited for to be read, in milliseconds: in all, and without a byte. */
const LINGER_MS = 10_000;
const LINGER_SILENCE_MS = 2000;
/** A client whose answer has gone out this recently may have sent its next request already. */
export const CROSSING_MS = 100;

/** A client's connection. */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #parser: RequestParser;
  /** When the last answer went out, or the connection came. */
  #since = performance.now();
  #isFirst = true;
  #isIdle = false;
  /** What is being answered, and whether bytes of the answer may have gone out. */
  #request: HttpRequest | null = null;
  #answering = false;

  /** A connection that has just been accepted. */
  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.#parser = new RequestParser(host.limits);
  }

  /** Closes it if it owes no answer; a patient one allows for a request that may be under way. */
  closeIfIdle(patient: boolean): void {
    // A read that is still in flight has brought nothing: what it brings ends it.
    if (!this.#isIdle || !this.#socket.handle.reader.reading) return;
    if (patient && performance.now() - this.#since < CROSSING_MS) return;
    this.#socket.close();
  }

  /** Answers one request after the other, until either side has had enough. */
  *run(): Generator<unknown, void, unknown> {
    try {
      let goesOn = true;
      while (goesOn) goesOn = yield* this.#answerNext();
    } catch (error) {
      if (isGone(error)) return;
      if (!(error instanceof HttpError)) throw error;
      if (this.#answering) return; // half an answer cannot be taken back: it is cut
      yield* this.#send(errorReply(error), false);
    }
    yield* this.#linger();
  }

  /** Turns a client away. */
  *refuse(reply: Reply): Generator<unknown, void, unknown> {
    try {
      yield* this.#send(reply, false);
      yield* this.#linger();
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** Waits for a request and answers it; says whether another may come. */
  *#answerNext(): Generator<unknown, boolean, unknown> {
    const head = yield* this.#nextHead();
    if (head === null) return false;
    const request = new HttpRequest(
      head,
      this.#parser,
      this.#socket,
      this.#host,
    );
    this.#request = request;
    const reply = yield* this.#handle(request);
    const canSkip = request.canSkip();
    if (this.#parser.broken && isWithoutEffect(head, reply)) {
      closeBody(reply);
      this.#parser.next(); // throws what is wrong with the body, which is the better answer
    }
    const canStay = head.keepAlive && isDelimited(reply, head.version) && canSkip;
    // Asked last: a server that stops meanwhile says so in this answer.
    const stays = canStay && !this.#host.stopped.isSet;
    yield* this.#send(reply, stays);
    if (!stays) return false;
    yield* request.skip();
    this.#request = null;
    this.#isFirst = false;
    this.#since = performance.now();
    return true;
  }

  /** What the handler answers, or what its failure amounts to. */
  *#handle(request: HttpRequest): Generator<unknown, Reply, unknown> {
    try {
      const reply = yield* performed(this.#host.handler(request));
      checkReply(reply);
      return reply;
    } catch (error) {
      if (error instanceof Cancelled || isGone(error)) throw error;
      if (!(error instanceof HttpError)) this.#report(request, error);
      else if (error.status === 408 || this.#parser.broken) throw error;
      return errorReply(error);
    }
  }

  /** The next head; `null` if the client wants nothing more, or has nothing more to expect. */
  *#nextHead(): Generator<unknown, RequestHead | null, unknown> {
    const { headerTimeout } = this.#host;
    let deadline = this.#isFirst ? this.#since + headerTimeout : Infinity;
    for (;;) {
      const part = this.#parser.next();
      if (part !== null) return part.kind === "head" ? part.head : null;
      const { begun } = this.#parser;
      if (begun && deadline === Infinity) deadline = performance.now() + headerTimeout;
      this.#isIdle = !begun;
      let bytes: Uint8Array;
      try {
        this.#socket.timeout = deadline === Infinity
          ? headerTimeout
          : Math.max(0, deadline - performance.now());
        bytes = yield* this.#socket.recv();
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        if (deadline === Infinity) return null;
        throw new HttpError(408, "The request does not come");
      } finally {
        this.#isIdle = false;
      }
      if (bytes.length === 0) return null;
      this.#parser.push(bytes);
    }
  }

  *#send(reply: Reply, keepAlive: boolean): Generator<unknown, void, unknown> {
    const head = this.#request?.head;
    this.#socket.timeout = SEND_TIMEOUT_MS;
    this.#answering = true;
    try {
      yield* sendReply(this.#socket, reply, {
        version: head?.version ?? "HTTP/1.1",
        headOnly: head?.method === "HEAD",
        keepAlive,
      }, performed);
    } catch (error) {
      if (error instanceof Cancelled || isGone(error)) throw error;
      if (this.#request !== null) this.#report(this.#request, error);
      // The client sees that something is missing, because the connection ends before the answer does.
      throw new ClientGone("The answer was cut", { cause: error });
    }
    this.#answering = false;
  }

  /**
   * Ends our side, and reads on for a while. A socket closed with bytes unread resets the connection, and
   * then a client that is still sending may never get to see the answer (RFC 9112 §9.6).
   */
  *#linger(): Generator<unknown, void, unknown> {
    this.#since = performance.now();
    this.#isIdle = true;
    const until = this.#since + LINGER_MS;
    try {
      this.#socket.closeWrite();
      for (let left; (left = until - performance.now()) > 0;) {
        const silence = this.#host.stopped.isSet ? CROSSING_MS : LINGER_SILENCE_MS;
        this.#socket.timeout = Math.min(left, silence);
        if ((yield* this.#socket.recv()).length === 0) return;
      }
    } catch (error) {
      if (!(error instanceof TimeoutError) && !isGone(error)) throw error;
    }
  }

  #report(request: HttpRequest, error: unknown): void {
    const peer = show(request.peer as Deno.NetAddr);
    this.#host.report(`${request.method} ${request.path} from ${peer} failed`, error);
  }
}

/** Makes sure that an answer can be sent; what a handler got wrong shows before anything has gone out. */
function checkReply(reply: Reply): void {
  try {
    checkFields(reply.fields ?? {});
  } catch (error) {
    closeBody(reply);
    throw error;
  }
}

/** Whether an answer can still be replaced by another, because nothing has been changed. */
function isWithoutEffect({ method }: RequestHead, { status = 200 }: Reply): boolean {
  return status >= 400 || method === "GET" || method === "HEAD" || method === "OPTIONS";
}

/** Runs a body of either lane, or whatever else a handler gave, within the current task. */
function performed<T>(work: Work<T>): Iterable<unknown, T, unknown> {
  return typeof work === "object" && Symbol.iterator in work
    ? work as Iterable<unknown, T, unknown>
    : withTimeout(Infinity, work) as Iterable<unknown, T, unknown>;
}

/** Whether the client is gone, or we have hung up: either way there is nobody to be answered. */
function isGone(error: unknown): boolean {
  return error instanceof BrokenError || error instanceof ClosedError ||
    error instanceof ClientGone;
}
