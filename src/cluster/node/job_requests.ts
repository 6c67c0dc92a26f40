/** What submitters ask of every node about a job: to cancel it, or to say whether it has it. */
import type { Msg } from "@nats-io/transport-node";
import { decode } from "../codec/decode.ts";
import type { Link } from "../link/link.ts";
import { headOnly } from "../link/raw_headers.ts";
import { HEAD, isBareHead, parseCancelHead, PROTOCOL } from "../wire/protocol.ts";
import type { HeldJobs } from "./held_jobs.ts";

/** Answers for the jobs that one node has. */
export class JobRequests {
  readonly #link: Link;
  readonly #held: HeldJobs;
  readonly #refused: () => void;
  readonly #listens: readonly { unsubscribe(): void }[];

  /** Begins to listen; `refused` hears of each message that is no request. */
  constructor(link: Link, held: HeldJobs, refused: () => void) {
    this.#link = link;
    this.#held = held;
    this.#refused = refused;
    const { nc, names } = link;
    const every = { submitter: "*", id: "*" };
    this.#listens = [
      nc.subscribe(names.cancel(every), {
        callback: (error, msg) => {
          if (error === null) this.#cancel(msg);
        },
      }),
      nc.subscribe(names.question(every), {
        callback: (error, msg) => {
          if (error === null) this.#claim(msg);
        },
      }),
    ];
  }

  /** Listens no more. */
  stop(): void {
    if (this.#link.nc.isClosed()) return;
    for (const listen of this.#listens) listen.unsubscribe();
  }

  #cancel(msg: Msg): void {
    const key = this.#link.names.parseAbout("x", msg.subject);
    const policy = parseCancelHead(msg.headers?.get(HEAD) ?? "");
    if (key === null || policy === null) return this.#refused();
    let reason: unknown;
    try {
      reason = msg.data.length === 0 ? undefined : decode(msg.data);
    } catch {
      return this.#refused();
    }
    this.#held.get(key)?.cancel(policy, reason);
  }

  /** Somebody asks who has a job. */
  #claim(msg: Msg): void {
    const { nc, names } = this.#link;
    const key = names.parseAbout("w", msg.subject);
    if (key === null || !isBareHead(msg.headers?.get(HEAD) ?? "")) return this.#refused();
    if (this.#held.get(key) === undefined) return;
    nc.publish(names.claim(key), new Uint8Array(), { headers: headOnly(PROTOCOL) });
  }
}
