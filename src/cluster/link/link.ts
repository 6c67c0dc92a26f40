/**
 * The connection of one program to the server: made within a time limit, kept for ever.
 *
 * The client's own `waitOnFirstConnect` never gives up, so the loop here has a deadline. Once there was a
 * connection it comes back by itself, however long the server was away: what was under way is the
 * publisher's to send again. Only what waiting cannot mend ends a link: a wrong password, an account
 * without JetStream, `close`.
 *
 * "No responders" means three things on a JetStream subject: no such stream, no JetStream, no quorum.
 * The server's own greeting tells the second from the others, and the third goes by when one waits.
 */
import { connect, errors, type NatsConnection, type Status } from "@nats-io/transport-node";
import { JetStreamApiError, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";
import { ensureLayout, isApiError, type LayoutOptions } from "../wire/layout.ts";
import { INLINE } from "../wire/protocol.ts";
import type { Names } from "../wire/names.ts";
import { ClusterError, clusterError } from "./errors.ts";
import { surviveResets } from "./socket_guard.ts";
import { clientOptions, type ConnectOptions } from "./connect_options.ts";
import { pause } from "./ticker.ts";

/** How a link is to be. */
export interface LinkOptions {
  /** Where the servers are, and how to log in. */
  readonly connect: ConnectOptions;
  /** The names of the cluster. */
  readonly names: Names;
  /** How streams are made, if they are missing. */
  readonly layout: LayoutOptions;
  /** What the server is told that this client is called. */
  readonly clientName: string;
  /** How long to wait for the server and its streams, in milliseconds. */
  readonly connectTimeout: number;
}

/** Between two tries to connect, in milliseconds. */
const AGAIN_MS = 200;
/** How long the server may take to answer one question, in milliseconds. */
const ANSWER_MS = 5000;
/** A server is asked for a sign of life so often, and may miss two, in milliseconds. */
const PING_MS = 5000;
/** Room for heads and headers beside a body, in bytes. */
const HEADERS = 8192;
/** The server's words for "no JetStream for this account". */
const NO_ACCOUNT = [10039, 10035] as const;

/** A connection that comes back. */
export class Link {
  /** The client. */
  readonly nc: NatsConnection;
  /** For streams and consumers. */
  readonly manager: JetStreamManager;
  /** The names of the cluster. */
  readonly names: Names;
  /** How streams are kept. */
  readonly layout: LayoutOptions;
  /** Whether there is a connection at this moment, as far as is known. */
  up = true;
  /** How often the connection came back. */
  reconnects = 0;
  /** Why it ended; `null` as long as it has not. */
  ended: ClusterError | null = null;
  readonly #ups = new Set<() => void>();
  readonly #ends = new Set<(error: ClusterError) => void>();
  readonly #refusals = new Set<(subject: string, error: Error) => void>();
  readonly #pauses = new Set<() => void>();
  #closing = false;

  private constructor(nc: NatsConnection, manager: JetStreamManager, options: LinkOptions) {
    this.nc = nc;
    this.manager = manager;
    this.names = options.names;
    this.layout = options.layout;
    withScope(null, () => void this.#watch(nc.status()));
    withScope(null, () => void this.#awaitEnd());
  }

  /**
   * Connects, and makes what streams are missing.
   *
   * @throws {ClusterError} If that does not succeed in time, or cannot.
   */
  static async open(options: LinkOptions): Promise<Link> {
    surviveResets();
    const deadline = performance.now() + options.connectTimeout;
    const nc = await dial(options, deadline);
    try {
      if (nc.info?.jetstream !== true) {
        throw clusterError(
          `Cannot use the server of ${options.names.cluster}: it has no JetStream (start it with -js)`,
        );
      }
      const manager = await jetstreamManager(nc, { timeout: ANSWER_MS, checkAPI: false });
      const left = Math.max(1, deadline - performance.now());
      const hasty = { timeout: Math.min(ANSWER_MS, left), checkAPI: false };
      await layOut(await jetstreamManager(nc, hasty), options, deadline);
      return new Link(nc, manager, options);
    } catch (error) {
      await nc.close();
      throw error;
    }
  }

  /** How large a body may be that travels in a message, in bytes. */
  get inline(): number {
    return Math.min(INLINE, (this.nc.info?.max_payload ?? INLINE) - HEADERS);
  }

  /** Calls `fn` whenever the connection has come back. */
  onUp(fn: () => void): void {
    this.#ups.add(fn);
  }

  /** Calls `fn` when the link has ended and will not come back, but for `close`. */
  onEnd(fn: (error: ClusterError) => void): void {
    this.#ends.add(fn);
  }

  /** Calls `fn` when the server refuses to take something on a subject, for lack of permission. */
  onRefusal(fn: (subject: string, error: Error) => void): void {
    this.#refusals.add(fn);
  }

  /**
   * Asks the server something until it answers: it may be away for a moment, or without a leader.
   *
   * @throws {ClusterError} If it says no, or the time is up.
   */
  async ask<T>(question: () => Promise<T>, timeout: number): Promise<T> {
    const deadline = performance.now() + timeout;
    for (;;) {
      try {
        return await question();
      } catch (error) {
        if (this.ended !== null) throw this.ended;
        if (!mayGoBy(error) || this.#closing || performance.now() + AGAIN_MS >= deadline) {
          throw clusterError(`Cannot use the streams of cluster ${this.names.cluster}`, error);
        }
        await this.pause(AGAIN_MS);
      }
    }
  }

  /** Resolves after a while, or when the link is closed. */
  pause(ms: number): Promise<void> {
    if (this.#closing) return Promise.resolve();
    const clock = new SystemClock();
    return new Promise((resolve) => {
      const end = (): void => {
        clock.clearAlarm();
        this.#pauses.delete(end);
        resolve();
      };
      this.#pauses.add(end);
      withScope(null, () => clock.setAlarm(clock.now() + ms, end));
    });
  }

  /** Says good-bye. Waits for what was published to be on its way, if there is a connection. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const end of [...this.#pauses]) end();
    if (this.nc.isClosed()) return;
    try {
      // A drain waits for the server, which may be away.
      if (this.up) await this.nc.drain();
      else await this.nc.close();
    } catch {
      await this.nc.close();
    }
  }

  async #watch(statuses: AsyncIterable<Status>): Promise<void> {
    for await (const status of statuses) {
      if (status.type === "disconnect" || status.type === "staleConnection") this.up = false;
      else if (status.type === "reconnect") {
        this.up = true;
        this.reconnects++;
        for (const fn of this.#ups) fn();
      } else if (status.type === "error") this.#tell(status.error);
    }
  }

  #tell(error: Error): void {
    if (!(error instanceof errors.PermissionViolationError)) return;
    if (error.operation === "publish") {
      for (const fn of this.#refusals) {
        fn(error.subject, error);
      }
    }
  }

  async #awaitEnd(): Promise<void> {
    const reason = await this.nc.closed();
    this.up = false;
    if (this.#closing) return;
    this.ended = clusterError(`The connection to cluster ${this.names.cluster} has ended`, reason);
    for (const fn of this.#ends) fn(this.ended);
  }
}

async function dial(options: LinkOptions, deadline: number): Promise<NatsConnection> {
  const { cluster } = options.names;
  for (;;) {
    const left = Math.max(1, deadline - performance.now());
    try {
      return await connect({
        ...clientOptions(options.connect),
        name: options.clientName,
        timeout: Math.min(ANSWER_MS, left),
        maxReconnectAttempts: -1,
        reconnectTimeWait: AGAIN_MS,
        reconnectJitter: AGAIN_MS,
        pingInterval: PING_MS,
        maxPingOut: 2,
        noAsyncTraces: true,
      });
    } catch (error) {
      if (isFinal(error)) throw clusterError(`Cannot log in to cluster ${cluster}`, error);
      if (performance.now() + AGAIN_MS >= deadline) {
        throw clusterError(
          `Cannot reach a server of cluster ${cluster} within ${options.connectTimeout} ms`,
          error,
        );
      }
      await pause(AGAIN_MS);
    }
  }
}

/** Whether trying again would change nothing. */
function isFinal(error: unknown): boolean {
  return error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError ||
    error instanceof errors.InvalidArgumentError ||
    error instanceof Deno.errors.NotCapable || error instanceof TypeError;
}

/** A cluster of servers that has just been started has no quorum yet: that goes by. */
async function layOut(
  manager: JetStreamManager,
  options: LinkOptions,
  deadline: number,
): Promise<void> {
  for (;;) {
    try {
      return await ensureLayout(manager, options.names, options.layout);
    } catch (error) {
      const what = `Cannot use the streams of cluster ${options.names.cluster}`;
      if (NO_ACCOUNT.some((code) => isApiError(error, code))) {
        throw clusterError("Cannot use JetStream with this account", error);
      }
      if (!mayGoBy(error)) throw error instanceof ClusterError ? error : clusterError(what, error);
      if (performance.now() + AGAIN_MS >= deadline) {
        const why = `${what} within ${options.connectTimeout} ms; do its servers have a quorum?`;
        throw clusterError(why, error);
      }
      await pause(AGAIN_MS);
    }
  }
}

/** Whether the server may have another answer in a moment. */
function mayGoBy(error: unknown): boolean {
  return error instanceof errors.TimeoutError ||
    error instanceof errors.NoRespondersError ||
    error instanceof errors.ClosedConnectionError ||
    (error instanceof errors.RequestError && error.isNoResponders()) ||
    (error instanceof Error && error.name === "JetStreamNotEnabled") ||
    (error instanceof JetStreamApiError && error.status === 503);
}
