/**
 * The same jobs on many machines, over NATS JetStream.
 *
 * This entry point loads the NATS client; the main one does not.
 *
 * @module
 */
export { UnsendableError } from "./codec/encode.ts";
export { ClusterError, JobFailedError } from "./link/errors.ts";
export type { ConnectOptions, TlsFiles } from "./link/connect_options.ts";
export { Cluster } from "./submit/cluster.ts";
export type {
  ClusterFuture,
  ClusterJobOptions,
  ClusterMapOptions,
  ClusterOptions,
  ClusterSender,
  ClusterState,
  ClusterStatistics,
} from "./submit/options.ts";
export type { NodeHealth } from "./wire/health.ts";
export type { FailureCode } from "./wire/protocol.ts";
