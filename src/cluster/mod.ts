/**
 * The same jobs on many machines, over NATS JetStream.
 *
 * This entry point loads the NATS client; the main one does not.
 *
 * @module
 */
export { UnsendableError } from "./codec/encode.ts";
