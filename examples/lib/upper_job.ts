/** The echo servers' work as a job for a worker. */
import { jobs } from "@weft/weft";
import { upperCase } from "./bytes.ts";

export const { upper } = jobs(import.meta, {
  /** Makes ASCII letters upper-case. */
  upper: (bytes: Uint8Array): Uint8Array => upperCase(bytes),
});
