/** What a run tells its page, one JSON object a line and an event. */
import type { Picture } from "./picture.ts";

/** The live pictures. */
export type PictureName = "lanes" | "ready" | "curves" | "dinner" | "circle";

/** The columns of the table `Results`. */
export const RESULT_COLUMNS = [
  "Engine",
  "ops/s",
  "p50 ms",
  "p99 ms",
  "speed-up",
  "CPU s",
  "peak MiB",
] as const;

/** One event of a run. Of the events with the same `kind` and `name`, only the latest matters. */
export type RunEvent =
  | ({ readonly kind: "picture"; readonly name: PictureName } & Picture)
  | { readonly kind: "detail"; readonly text: string }
  | {
    readonly kind: "results";
    readonly rows: readonly (readonly string[])[];
    readonly sentence: string;
  }
  | { readonly kind: "end"; readonly status: string };

/** Sends an event to the process that started this one. */
export function tell(event: RunEvent): void {
  console.log(JSON.stringify(event));
}
