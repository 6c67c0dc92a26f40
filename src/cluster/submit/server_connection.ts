/** What a submitter has once it is connected: a link, and what sends and receives over it. */
import type { Msg } from "@nats-io/transport-node";
import { Link } from "../link/link.ts";
import { Objects } from "../link/objects.ts";
import { Publisher } from "../link/publisher.ts";
import { ResultReader } from "../link/result_reader.ts";
import { USUAL_LAYOUT } from "../wire/layout.ts";
import type { Names } from "../wire/names.ts";
import type { Signer } from "../wire/signing.ts";
import { ResultConsumer } from "./result_consumer.ts";
import type { ClusterOptions } from "./options.ts";

/** How long to wait for a server, unless said otherwise, in milliseconds. */
const CONNECT_MS = 10_000;

/** One connection, and what goes over it. */
export interface ServerConnection {
  /** The connection. */
  readonly link: Link;
  /** Has things stored. */
  readonly publisher: Publisher;
  /** Has large bodies stored. */
  readonly objects: Objects;
  /** Tells genuine results from others. */
  readonly reader: ResultReader;
  /** Where results come in. */
  readonly results: ResultConsumer;
  /** Signs results, if they are signed. */
  readonly signer: Signer | null;
}

/** Connects, and begins to listen. */
export async function openConnection(
  options: ClusterOptions,
  who: { readonly names: Names; readonly submitter: string; readonly signer: Signer | null },
  incoming: (reader: ResultReader, id: string, msg: Msg) => void,
): Promise<ServerConnection> {
  const { replicas, lease, keep } = { ...USUAL_LAYOUT, ...options };
  const { names, submitter, signer } = who;
  const { connectTimeout = CONNECT_MS } = options;
  const link = await Link.open({
    connect: options,
    names,
    layout: { replicas, lease, keep },
    clientName: `weft submitter ${submitter}`,
    connectTimeout,
  });
  try {
    const objects = new Objects(link);
    const reader = new ResultReader(link, objects, signer);
    const results = new ResultConsumer(
      link,
      submitter,
      options.inboxPrefix,
      (id, msg) => incoming(reader, id, msg),
    );
    await link.ask(() => results.open(), connectTimeout);
    const publisher = new Publisher(link);
    return { link, publisher, objects, reader, results, signer };
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** Disconnects. */
export async function closeConnection(
  { link, publisher, results }: ServerConnection,
): Promise<void> {
  publisher.close();
  await results.close();
  await link.close();
}
