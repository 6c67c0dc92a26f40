/** Who is there and what waits: asked of the nodes and of the server. */
import { CLASSES, DURABLE, type JobClass } from "../wire/names.ts";
import { type NodeHealth, parseHealth } from "../wire/health.ts";
import { headers } from "@nats-io/transport-node";
import { HEAD, isBareHead, PROTOCOL, SILENT_MS } from "../wire/protocol.ts";
import type { Link } from "../link/link.ts";

/** Nodes have so long to answer the first question, in milliseconds. */
const ANSWER_MS = 150;

/** What was found. */
export interface StatisticsReport {
  /** Jobs that no node has, by class. */
  readonly queued: Readonly<Record<JobClass, number>>;
  /** Jobs that nodes have. */
  readonly inFlight: number;
  /** The nodes that were heard of lately. */
  readonly nodes: readonly NodeHealth[];
}

/** Listens to nodes, once somebody has asked for them. */
export class StatisticsReader {
  readonly #link: Link;
  readonly #heard = new Map<string, { readonly health: NodeHealth; readonly at: number }>();
  #listening = false;

  /** Listens to nobody yet. */
  constructor(link: Link) {
    this.#link = link;
  }

  /** Asks. Rejects if the server does not answer. */
  async take(): Promise<StatisticsReport> {
    await this.#ask();
    const { manager, names } = this.#link;
    const queued = { high: 0, normal: 0, low: 0 };
    let inFlight = 0;
    for (const jobClass of CLASSES) {
      const info = await manager.consumers.info(names.jobs(jobClass), DURABLE);
      queued[jobClass] = info.num_pending;
      inFlight += info.num_ack_pending;
    }
    const now = performance.now();
    for (const [node, { at }] of this.#heard) if (now - at > SILENT_MS) this.#heard.delete(node);
    const nodes = [...this.#heard.values()].map(({ health }) => health);
    nodes.sort((a, b) => a.node < b.node ? -1 : 1);
    return { queued, inFlight, nodes };
  }

  async #ask(): Promise<void> {
    const { nc, names } = this.#link;
    if (!this.#listening) {
      this.#listening = true;
      nc.subscribe(`${names.cluster}.n.*`, {
        callback: (error, msg) => {
          const node = error === null ? names.parseHealth(msg.subject) : null;
          if (node === null || !isBareHead(msg.headers?.get(HEAD) ?? "")) return;
          const health = parseHealth(node, msg.data);
          if (health !== null) this.#heard.set(node, { health, at: performance.now() });
        },
      });
    }
    const head = headers();
    head.append(HEAD, PROTOCOL);
    nc.publish(names.ask, new Uint8Array(), { headers: head });
    await this.#link.pause(ANSWER_MS);
  }
}
