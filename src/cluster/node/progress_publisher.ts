/** Passing on what running jobs report to those who listen; perhaps nobody does, and a report that is lost is lost. */
import { onReport } from "../../parallel/pool/progress_stream.ts";
import type { Future } from "../../parallel/pool/future.ts";
import { encode, UnsendableError } from "../codec/encode.ts";
import type { Link } from "../link/link.ts";
import { headOnly } from "../link/raw_headers.ts";
import type { JobKey } from "../wire/names.ts";
import { formatProgressHead } from "../wire/protocol.ts";

/** Publishes reports. */
export class ProgressPublisher {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Publishes what a run of a job reports from now on. */
  follow(key: JobKey, future: Future<unknown>): void {
    let number = 0;
    onReport(future, (value) => this.#publish(key, ++number, value));
  }

  /** What cannot travel, or is too large, is left out: a job does not fail for that. */
  #publish(key: JobKey, number: number, value: unknown): void {
    const { nc, names, up, inline } = this.#link;
    if (!up || nc.isClosed()) return;
    try {
      const body = encode(value);
      if (body.length > inline) return;
      nc.publish(names.progress(key), body, { headers: headOnly(formatProgressHead(number)) });
    } catch (error) {
      if (!(error instanceof UnsendableError)) throw error;
    }
  }
}
