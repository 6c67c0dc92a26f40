/**
 * What the nodes of a cluster tell one another: each its health, every two seconds and when asked.
 *
 * A node hears the others for one reason: a job whose function it does not know may be one that another
 * knows. Only if nobody does, the job has failed.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { headOnly } from "../link/raw_headers.ts";
import { Ticker } from "../link/ticker.ts";
import { formatHealth, type NodeHealth, parseHealth } from "../wire/health.ts";
import type { Names } from "../wire/names.ts";
import { HEAD, HEALTH_MS, isBareHead, PROTOCOL, SILENT_MS } from "../wire/protocol.ts";

/** No more nodes than this are kept in mind. */
const MOST_NODES = 10_000;

/** Tells a node's health, and keeps that of the others. */
export class NodeHealthBoard {
  readonly #nc: NatsConnection;
  readonly #names: Names;
  readonly #node: string;
  readonly #own: () => NodeHealth;
  readonly #others = new Map<string, { readonly functions: Set<string>; at: number }>();
  readonly #ticker: Ticker;
  readonly #listens: readonly { unsubscribe(): void }[];

  /** Begins to tell and to hear. */
  constructor(nc: NatsConnection, names: Names, node: string, own: () => NodeHealth) {
    this.#nc = nc;
    this.#names = names;
    this.#node = node;
    this.#own = own;
    this.#listens = [
      nc.subscribe(names.health("*"), {
        callback: (error, msg) => {
          const node = error === null ? names.parseHealth(msg.subject) : null;
          if (node !== null && isBareHead(msg.headers?.get(HEAD) ?? "")) this.#hear(node, msg.data);
        },
      }),
      nc.subscribe(names.ask, {
        callback: (error, msg) => {
          // Not on the reply subject: who asks is not to say what a node publishes on.
          if (error === null && isBareHead(msg.headers?.get(HEAD) ?? "")) this.tell();
        },
      }),
    ];
    this.#ticker = new Ticker(HEALTH_MS, () => this.tell());
  }

  /** Whether a node that was heard of lately, this one not counted, knows a function. */
  othersKnow(entry: string): boolean {
    const now = performance.now();
    for (const [node, { functions, at }] of this.#others) {
      if (now - at > SILENT_MS) this.#others.delete(node);
      else if (functions.has(entry)) return true;
    }
    return false;
  }

  /** Tells the own health now. */
  tell(): void {
    if (this.#nc.isClosed() || this.#nc.isDraining()) return;
    const subject = this.#names.health(this.#node);
    this.#nc.publish(subject, formatHealth(this.#own()), { headers: headOnly(PROTOCOL) });
  }

  /** Says nothing any more. */
  stop(): void {
    this.#ticker.stop();
    if (this.#nc.isClosed()) return;
    for (const listen of this.#listens) listen.unsubscribe();
  }

  #hear(node: string, data: Uint8Array): void {
    const health = parseHealth(node, data);
    if (health === null || node === this.#node) return;
    if (health.state === "closing") this.#others.delete(node);
    else if (this.#others.has(node) || this.#others.size < MOST_NODES) {
      this.#others.set(node, { functions: new Set(health.functions), at: performance.now() });
    }
  }
}
