/**
 * Closing what may still have something to write.
 *
 * What was handed over to a send before `close` still goes out, as it would from a kernel's buffer: the
 * native handle is closed once the write buffer is empty. At the end of a run that goes on only while
 * the other side keeps taking something, and for {@linkcode LINGER_MS} without progress at most; so a
 * peer that never reads cannot hold the end of a run up.
 */
import { SystemClock } from "../kernel/clock.ts";
import type { StreamWriter } from "./stream_writer.ts";

/** How long a handle whose run has ended waits for the other side to take more of what is buffered. */
const LINGER_MS = 1000;

/** How the end of a handle goes: open, then writing what is left, then closed. */
type Life = "open" | "closing" | "closed";

/** The end of one handle. */
export class Linger {
  readonly #writer: StreamWriter;
  readonly #close: () => void;
  #life: Life = "open";
  #clock: SystemClock | null = null;

  /**
   * A handle that is open.
   *
   * @param writer What may still hold something.
   * @param close Closes the native handle; called once.
   */
  constructor(writer: StreamWriter, close: () => void) {
    this.#writer = writer;
    this.#close = close;
  }

  /** Whether the end has begun. */
  get begun(): boolean {
    return this.#life !== "open";
  }

  /** The end begins: from now on the handle counts as closed. */
  begin(): void {
    if (this.#life === "open") this.#life = "closing";
  }

  /** Closes the native handle when nothing is left to write; the writer takes nothing more. */
  go(): void {
    if (this.#writer.buffered === 0) this.#finish();
    else this.#writer.whenIdle(() => this.#finish());
  }

  /** Closes it anyhow when time passes without progress. */
  hurry(): void {
    if (this.#life !== "closing") return;
    const { written } = this.#writer;
    this.#clock ??= new SystemClock();
    this.#clock.setAlarm(this.#clock.now() + LINGER_MS, () => {
      if (this.#writer.written === written) this.#finish();
      else this.hurry();
    });
  }

  #finish(): void {
    if (this.#life === "closed") return;
    this.#life = "closed";
    this.#clock?.clearAlarm();
    this.#close();
  }
}
