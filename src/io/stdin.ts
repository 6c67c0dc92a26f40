/**
 * Standard input, which belongs to the process and not to a run.
 *
 * Every {@linkcode StdinHandle} is a lease on the same reader, so that what one run has read ahead the next
 * one finds. But a read that is pending when the last lease ends would keep the process from ending, and
 * only closing standard input ends it; so then it is closed, for good.
 */
import { ClosedError } from "../kernel/errors.ts";
import { checkCount, Fault } from "./errors.ts";
import { closeQuietly } from "./native.ts";
import { ERR, HUP, IN } from "./pollable.ts";
import { MOST_AHEAD, type ReaderHost, StreamReader } from "./stream_reader.ts";
import { Handle } from "./handle.ts";

/** The one reader, and who leases it. */
class SharedStdin implements ReaderHost {
  readonly fault: Fault = new Fault();
  readonly leases: Set<StdinHandle> = new Set();
  readonly reader: StreamReader = new StreamReader(Deno.stdin, this);
  #ended: (() => void) | null = null;
  #end: number | null = null;

  /** How its end shows. */
  get end(): number {
    return this.#end ??= endOf(Deno.stdin.isTerminal() ? "terminal" : kindOfStdin());
  }

  changed(fresh = 0): void {
    for (const lease of this.leases) lease.changed(fresh);
  }

  began(): void {}

  ended(): void {
    this.#ended?.();
  }

  /** Ends a lease; the last one takes a pending read with it. Resolves when that is over. */
  async give(lease: StdinHandle): Promise<void> {
    this.leases.delete(lease);
    if (this.leases.size > 0 || !this.reader.reading) return;
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    this.reader.close("it was closed while a read was pending");
    closeQuietly(Deno.stdin);
    await ended;
  }

  toString(): string {
    return "stdin";
  }
}

/** What standard input may be. */
type StdinKind = "terminal" | "pipe" | "socket" | "file";

/**
 * What it is if it is no terminal. Only Node's `fstat` tells without a permission; it takes 50 ms to load, so it
 * is asked for when the end has come, and not before.
 */
function kindOfStdin(): StdinKind {
  try {
    const { process } = globalThis as unknown as { process: typeof import("node:process") };
    const stat = process.getBuiltinModule("node:fs").fstatSync(0);
    return stat.isFIFO() ? "pipe" : stat.isSocket() ? "socket" : "file";
  } catch {
    return "pipe";
  }
}

/** How the end of each shows in poll(2): a file, `/dev/null` as well, is always readable. */
function endOf(kind: StdinKind): number {
  return kind === "pipe" ? HUP : kind === "socket" ? IN | HUP : IN;
}

let shared: SharedStdin | null = null;

/** A lease on standard input. */
export class StdinHandle extends Handle {
  readonly #shared: SharedStdin;
  #closed: ClosedError | null = null;

  /** Takes a lease, in the run of the current task. */
  constructor() {
    super("stdin");
    this.#shared = shared ??= new SharedStdin();
    this.#shared.leases.add(this);
  }

  /** What does the reading. */
  get reader(): StreamReader {
    if (this.#closed !== null) throw this.#closed;
    return this.#shared.reader;
  }

  /** Whether the lease was ended. */
  get closed(): boolean {
    return this.#closed !== null;
  }

  /** As Linux has it for a pipe, a socket, or a file: the end of each shows in another way. */
  get ready(): number {
    if (this.#closed !== null) return 0;
    const { reader, fault } = this.#shared;
    if (reader.broken !== null) return fault.pending ? IN | ERR | HUP : IN | HUP;
    return (reader.held > 0 ? IN : 0) | (reader.ended ? this.#shared.end : 0);
  }

  /** Starts a read. */
  arm(_interest: number): void {
    if (this.#closed === null) this.#shared.reader.arm();
  }

  /**
   * Takes at most `n` bytes that have arrived; an empty array at the end.
   *
   * @throws {WouldBlock} If nothing has arrived. A native read is under way then.
   */
  tryRecv(n: number = MOST_AHEAD): Uint8Array {
    checkCount(n, 1, "receive");
    return this.reader.tryTake(n);
  }

  /** Ends the lease. */
  close(): void {
    if (this.#closed !== null) return;
    const error = this.#closed = new ClosedError(
      "Cannot receive from stdin: this use of it was closed",
    );
    if (this.#shared.leases.size === 1) this.#shared.reader.dismiss(error);
    this.began();
    this.letGo();
    this.#shared.give(this).then(() => this.ended());
    this.changed();
  }
}
