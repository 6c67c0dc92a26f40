/**
 * The streams of a cluster: made by the first who comes, used as they are by all others.
 *
 * Nothing here relies on what server 2.9 ignores, and three things are left out on purpose. No `max_msgs`
 * on a job stream: after a kill, finished jobs come back, and the server would delete the oldest,
 * unfinished ones to keep the limit. No `max_deliver`: a job that reached it would lie there for ever, and
 * the count does not survive a kill. No filter on the one consumer: a stream for each class takes its
 * place, so that no two can overlap.
 *
 * What exists is not changed: an `add` with other settings would silently change the consumer that
 * others work with. What differs in a way that would break a promise is an error instead.
 */
import {
  AckPolicy,
  type ConsumerInfo,
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { CLASSES, DURABLE, type JobClass, type Names } from "./names.ts";

/** How what a cluster stores is kept. */
export interface LayoutOptions {
  /** On how many servers. */
  readonly replicas: number;
  /** How long a node may be silent about a job before another gets it, in milliseconds. */
  readonly lease: number;
  /** How long results, records and objects are kept, in milliseconds. */
  readonly keep: number;
}

/** How things are kept unless somebody says otherwise. */
export const USUAL_LAYOUT: LayoutOptions = { replicas: 1, lease: 30_000, keep: 3_600_000 };

/** For so long the server knows the id of a message that it has stored, in milliseconds. */
const DUPLICATES_MS = 120_000;

/** The server's words for "no such stream", "no such consumer". */
const [NO_STREAM, NO_CONSUMER] = [10059, 10014] as const;

/** A cluster's streams do not keep what weft promises. */
export class LayoutError extends Error {
  /** `"LayoutError"`. */
  override readonly name = "LayoutError";
}

/** Makes whatever is missing. Rejects with what the server says against it. */
export async function ensureLayout(
  manager: JetStreamManager,
  names: Names,
  options: LayoutOptions,
): Promise<void> {
  for (const jobClass of CLASSES) {
    await ensureStream(manager, jobStream(names, jobClass, options));
    await ensureConsumer(manager, names, jobClass, options);
  }
  await ensureStream(manager, resultStream(names, options));
  await ensureStream(manager, stateStream(names, options));
}

/** Makes the consumer of a class if there is none; gives what is known of it. */
export async function ensureConsumer(
  manager: JetStreamManager,
  names: Names,
  jobClass: JobClass,
  options: LayoutOptions,
): Promise<ConsumerInfo> {
  const stream = names.jobs(jobClass);
  try {
    return await manager.consumers.info(stream, DURABLE);
  } catch (error) {
    if (!isApiError(error, NO_CONSUMER)) throw error;
  }
  return await manager.consumers.add(stream, {
    durable_name: DURABLE,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(options.lease),
    max_deliver: -1,
    max_ack_pending: -1,
  });
}

/** Whether an error is the server's with this `err_code`. */
export function isApiError(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

type Wanted = Partial<StreamConfig> & { readonly name: string };

function jobStream(names: Names, jobClass: JobClass, { replicas }: LayoutOptions): Wanted {
  return {
    name: names.jobs(jobClass),
    subjects: [`${names.cluster}.q.${jobClass}.*.*`],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    duplicate_window: nanos(DUPLICATES_MS),
    num_replicas: replicas,
    allow_direct: true,
  };
}

function resultStream(names: Names, { replicas, keep }: LayoutOptions): Wanted {
  return {
    name: names.results,
    subjects: [`${names.cluster}.r.*.*`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    discard_new_per_subject: true,
    max_msgs_per_subject: 1,
    max_age: nanos(keep),
    duplicate_window: nanos(Math.min(DUPLICATES_MS, keep)),
    num_replicas: replicas,
    allow_direct: true,
  };
}

function stateStream(names: Names, { replicas, keep }: LayoutOptions): Wanted {
  return {
    name: names.state,
    subjects: [`${names.cluster}.s.*.*`, `${names.cluster}.k.*`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_msgs_per_subject: 1,
    max_age: nanos(keep),
    duplicate_window: nanos(Math.min(DUPLICATES_MS, keep)),
    num_replicas: replicas,
    allow_direct: true,
  };
}

/** What must be as it is wanted; the rest is the operator's to choose. */
const PROMISED = [
  "retention",
  "discard",
  "discard_new_per_subject",
  "max_msgs_per_subject",
  "allow_direct",
] as const;

async function ensureStream(manager: JetStreamManager, wanted: Wanted): Promise<void> {
  let config: StreamConfig;
  try {
    ({ config } = await manager.streams.info(wanted.name));
  } catch (error) {
    if (!isApiError(error, NO_STREAM)) throw error;
    ({ config } = await manager.streams.add(wanted));
  }
  for (const key of PROMISED) {
    if (wanted[key] === undefined || config[key] === wanted[key]) continue;
    throw new LayoutError(
      `Cannot use the stream ${wanted.name}: its ${key} is ${config[key]}, and not ${wanted[key]}`,
    );
  }
  if (wanted.retention === RetentionPolicy.Workqueue && config.max_msgs > 0) {
    throw new LayoutError(
      `Cannot use the stream ${wanted.name}: it has max_msgs, which may cost accepted jobs when the ` +
        `server is killed`,
    );
  }
}
