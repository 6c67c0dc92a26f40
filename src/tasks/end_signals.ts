/**
 * Ctrl-C for a run: the first SIGINT or SIGTERM ends it in order, the second ends the process.
 *
 * Only for runs that ask for it with a time of grace. A library that took signals away from every
 * program that calls it would be a bad guest; and one that has its own {@linkcode signals} keeps them:
 * the host tells all who listen.
 */
import { formatTaskTree } from "../kernel/report.ts";
import { listenForSignal } from "../kernel/host_signal.ts";
import type { RunLife } from "../kernel/run_life.ts";

/** The signals that end a program, with what they make of its exit code. */
const ENDING: readonly (readonly [Deno.Signal, number])[] = [["SIGINT", 130], ["SIGTERM", 143]];

/** Ends `life` by signals, until disposed. */
export class EndSignals implements Disposable {
  readonly #life: RunLife<unknown>;
  readonly #silence: (() => void)[];
  #came = false;

  /** Starts to listen. */
  constructor(life: RunLife<unknown>) {
    this.#life = life;
    this.#silence = ENDING.map(([name, code]) =>
      listenForSignal(name, () => this.#hear(name, code))
    );
  }

  /** Stops listening: the signals do what they did before. */
  [Symbol.dispose](): void {
    for (const silence of this.#silence.splice(0)) silence();
  }

  #hear(name: Deno.Signal, code: number): void {
    if (!this.#came) {
      this.#came = true;
      return this.#life.wind({ source: "shutdown", reason: name, quiet: true });
    }
    const tree = formatTaskTree(this.#life.scheduler.tasks(), { sites: true, most: 1000 });
    console.error(
      [`Ended at once by a second ${name}, with these tasks alive:`, ...tree].join("\n  "),
    );
    Deno.exit(code);
  }
}
