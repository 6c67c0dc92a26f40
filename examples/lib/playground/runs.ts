/**
 * The runs that are under way, each a process. A run belongs to the page that listens to it: not listened to
 * within two seconds, or no longer, it is ended.
 */
import { wait } from "@weft/weft";
import { encode } from "../bytes.ts";
import type { BodyWriter } from "../http/reply.ts";
import { HttpError } from "../http/status.ts";
import { linesOf } from "./cells.ts";
import type { RunEvent } from "./events.ts";
import type { RunOrder } from "./settings.ts";

/** Most runs at a time. One browser opens six connections to a server, and one must be left to ask by. */
export const MOST_RUNS = 5;
/** How long a run waits for somebody to listen. */
const LISTEN_MS = 2000;
/** How long a run that is over can still be asked for. */
const KEPT_MS = 2000;
/** How long a process gets to end its children before it is killed; theirs end with it anyway. */
const KILL_MS = 400;

/** A run, from its start to its last event. */
class Run {
  readonly id: string = crypto.randomUUID();
  readonly #child: Deno.ChildProcess;
  /** Events not sent yet, by what they are about: of two pictures, a slow client gets the later. */
  readonly #pending = new Map<string, string>();
  readonly #unheard: ReturnType<typeof setTimeout>;
  #news = Promise.withResolvers<void>();
  /** Whether its process is gone. */
  hasEnded = false;
  #isHeard = false;
  /** Settles when the process is gone. */
  readonly gone: Promise<void>;

  constructor(order: RunOrder) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-check", "--allow-all"],
        ...[new URL("run_child.ts", import.meta.url).href, JSON.stringify(order)],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.gone = this.#follow();
    this.#unheard = setTimeout(() => this.end(), LISTEN_MS);
  }

  /** Sends its events until it is over; only one may listen. */
  async *sendTo(out: BodyWriter) {
    clearTimeout(this.#unheard);
    for (;;) {
      const over = this.hasEnded;
      const batch = [...this.#pending.values()].map((json) => `data: ${json}\n\n`).join("");
      this.#pending.clear();
      this.#news = Promise.withResolvers();
      yield* out.write(encode(batch === "" ? ": begins\n\n" : batch));
      if (over) return;
      if (this.#pending.size === 0 && !this.hasEnded) yield* wait(this.#news.promise);
    }
  }

  /** Says that somebody listens from now on; throws if somebody does already. */
  claim(): void {
    if (this.#isHeard) throw new HttpError(409, "This run is listened to already");
    this.#isHeard = true;
  }

  /** Ends its processes. */
  end(): void {
    clearTimeout(this.#unheard);
    if (this.hasEnded) return;
    kill(this.#child, "SIGTERM");
    const killer = setTimeout(() => kill(this.#child, "SIGKILL"), KILL_MS);
    void this.gone.then(() => clearTimeout(killer));
  }

  async #follow(): Promise<void> {
    let last: RunEvent | null = null;
    for await (const line of linesOf(this.#child)) {
      last = JSON.parse(line) as RunEvent;
      this.#put(last);
    }
    if (last?.kind !== "end") this.#put({ kind: "end", status: "failed: the run ended too early" });
    await this.#child.status;
    await this.#child.stdin.close().catch(() => {});
    clearTimeout(this.#unheard);
    this.hasEnded = true;
    this.#news.resolve();
  }

  #put(event: RunEvent): void {
    const key = event.kind === "picture" ? event.name : event.kind;
    this.#pending.delete(key);
    this.#pending.set(key, JSON.stringify(event));
    this.#news.resolve();
  }
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended already.
  }
}

/** Starts, finds and ends runs. */
export class Runs {
  readonly #runs = new Map<string, Run>();

  /** Starts a run; gives its id. Refused with 503 when there are too many. */
  start(order: RunOrder): string {
    const live = [...this.#runs.values()].filter(({ hasEnded }) => !hasEnded).length;
    if (live >= MOST_RUNS) {
      throw new HttpError(503, `${MOST_RUNS} runs are under way; try again later`, {
        "Retry-After": "5",
      });
    }
    const run = new Run(order);
    this.#runs.set(run.id, run);
    void run.gone.then(() => {
      Deno.unrefTimer(setTimeout(() => this.#runs.delete(run.id), KEPT_MS));
    });
    return run.id;
  }

  /** The run with that id. */
  get(id: string): Run {
    const run = this.#runs.get(id);
    if (run === undefined) throw new HttpError(404, "There is no such run");
    return run;
  }

  /** Ends all of them, and waits until they are gone. */
  async stop(): Promise<void> {
    const all = [...this.#runs.values()];
    for (const run of all) run.end();
    await Promise.all(all.map(({ gone }) => gone));
  }
}
