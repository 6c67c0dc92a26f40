/**
 * A node in the test's own process, which does what the protocol says in the plainest way: for laws of
 * the submitter, which are not to wait for another program.
 */
import { type ConsumerMessages, jetstream, type JsMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { decode } from "../../src/cluster/codec/decode.ts";
import { encode } from "../../src/cluster/codec/encode.ts";
import { Link } from "../../src/cluster/link/link.ts";
import { Objects } from "../../src/cluster/link/objects.ts";
import { CLASSES, DURABLE, Names } from "../../src/cluster/wire/names.ts";
import { USUAL_LAYOUT } from "../../src/cluster/wire/layout.ts";
import {
  formatResultHead,
  HEAD,
  parseJobHead,
  type ResultStatus,
  SIGNATURE,
} from "../../src/cluster/wire/protocol.ts";
import { Signer } from "../../src/cluster/wire/signing.ts";
import type { NatsServer } from "../lib/nats_server.ts";

/** A function of a fake node; what it throws is the job's error. */
export type FakeFunction = (...args: never[]) => unknown;

/** Answers jobs. */
export class FakeNode implements AsyncDisposable {
  /** The names of the functions that were called, in order. */
  readonly calls: string[] = [];
  /** Its connection. */
  readonly link: Link;
  readonly #functions: Readonly<Record<string, FakeFunction>>;
  readonly #objects: Objects;
  readonly #signer: Signer | null;
  readonly #messages: ConsumerMessages[] = [];

  private constructor(
    link: Link,
    functions: Readonly<Record<string, FakeFunction>>,
    signer: Signer | null,
  ) {
    this.link = link;
    this.#functions = functions;
    this.#objects = new Objects(link);
    this.#signer = signer;
  }

  /** Connects and takes jobs. */
  static async start(
    server: NatsServer,
    functions: Readonly<Record<string, FakeFunction>>,
    resultKey?: string,
  ): Promise<FakeNode> {
    const link = await Link.open({
      connect: { servers: server.url },
      names: new Names("weft"),
      layout: USUAL_LAYOUT,
      clientName: "fake",
      connectTimeout: 5000,
    });
    const node = new FakeNode(
      link,
      functions,
      resultKey === undefined ? null : new Signer(resultKey),
    );
    for (const jobClass of CLASSES) {
      const consumer = await jetstream(link.nc).consumers.get(link.names.jobs(jobClass), DURABLE);
      const messages = await consumer.consume({
        max_messages: 256,
        callback: (msg) => void node.#take(msg).catch(() => {}),
      });
      node.#messages.push(messages);
    }
    return node;
  }

  /** Takes no more, and disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const messages of this.#messages) await messages.close();
    await this.link.close();
  }

  /** Stores a result. */
  async answer(
    subject: string,
    status: ResultStatus,
    content: unknown,
    object?: string,
  ): Promise<void> {
    const body = encode(content);
    const text = formatResultHead({
      status,
      attempt: 1,
      node: "fake",
      ms: 1,
      object: object ?? null,
    });
    if (object !== undefined) await this.#objects.put(object, body);
    const head = headers();
    head.append(HEAD, text);
    if (this.#signer !== null) head.append(SIGNATURE, await this.#signer.sign(subject, text, body));
    const sent = object === undefined ? body : new Uint8Array();
    await jetstream(this.link.nc).publish(subject, sent, { headers: head });
  }

  async #take(msg: JsMsg): Promise<void> {
    const { names } = this.link;
    const head = parseJobHead(msg.headers?.get(HEAD) ?? "");
    const parsed = names.parseJob(msg.subject);
    if (head === null || parsed === null) return msg.term();
    const body = head.object === null ? msg.data : (await this.#objects.get(head.object))!;
    const args = decode(body) as never[];
    this.calls.push(head.name);
    const [status, content] = await this.#run(head.name, args);
    const isLarge = content instanceof Uint8Array && content.length > 500_000;
    const object = isLarge ? names.resultObject(parsed.key) : undefined;
    await this.answer(names.result(parsed.key), status, content, object);
    msg.ack();
  }

  async #run(name: string, args: never[]): Promise<[ResultStatus, unknown]> {
    const f = this.#functions[name];
    if (f === undefined) return ["failed", ["unknown", `no function ${name}`, []]];
    try {
      return ["value", await f(...args)];
    } catch (error) {
      return ["error", error];
    }
  }
}
