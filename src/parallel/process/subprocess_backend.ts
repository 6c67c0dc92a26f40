/**
 * A process that is a real one: Deno started anew, with a channel for messages.
 *
 * It takes half as long again as a worker to start and four times the memory, and buys what no worker
 * has: an end by signal that nothing can prevent, an exit status, and its own memory limit, so that running out
 * of it ends no other process.
 *
 * `node:child_process` and not `Deno.Command`, because only it has a channel that carries structured
 * clones while stdin, stdout and stderr stay the parent's. Not its `fork`, which gives the child every
 * permission. The host reaps the child when it ends, so no zombie stays.
 */
import process from "node:process";
import type { ChildProcess } from "node:child_process";
import { SystemClock } from "../../kernel/clock.ts";
import { serialize } from "../shared/codec.ts";
import { subprocessFlags } from "./flags.ts";
import {
  type Departure,
  endingIn,
  garbledEnding,
  type ProcessBody,
  type ProcessEnding,
  type StopMessage,
  type SubprocessBeginMessage,
} from "./wire.ts";
import { packError } from "../transported_error.ts";

/** How long the last message of a process that has exited may take, in milliseconds. */
const LINGER_MS = 100;

/** What the channel of a child has besides the types. */
interface Channel {
  ref(): void;
  unref(): void;
}

/** One real process. */
export class SubprocessBody implements ProcessBody {
  readonly #departure: Departure;
  readonly #child: ChildProcess;
  readonly #clock = new SystemClock();
  /** What it said of its end. */
  #said: ProcessEnding | null = null;
  /** What the system says. */
  #status: ProcessEnding | null = null;
  #ended = false;
  /** Whether it was killed for what it sent. */
  #isGarbled = false;

  /**
   * Starts it.
   *
   * @throws {Error} If the arguments or fields cannot be serialized, or a permission is missing; then
   *   nothing was started.
   */
  constructor(departure: Departure) {
    this.#departure = departure;
    const { begin, flags } = departure;
    const command = subprocessFlags(begin, flags);
    const message: SubprocessBeginMessage = { kind: "weft.begin", bytes: serialize(begin) };
    const { spawn } = process.getBuiltinModule("node:child_process");
    this.#child = spawn(Deno.execPath(), command, {
      stdio: ["inherit", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    this.#child.on("error", (error) => this.#failed(error));
    this.#child.on("message", (message: unknown) => this.#hear(message));
    this.#child.on("disconnect", () => this.#settleSoon());
    this.#child.on("exit", (code, signal) => this.#exited(code, signal));
    if (this.#child.pid !== undefined) this.#child.send(message);
  }

  /** Its number. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The same. */
  get ident(): number {
    return this.pid;
  }

  /** Asks it to stop. */
  stop(reason: unknown): void {
    if (this.#ended || !this.#child.connected) return;
    const message: StopMessage = { kind: "weft.stop", reason: packError(reason) };
    this.#child.send(message);
  }

  /** Sends SIGTERM. */
  terminate(): void {
    if (this.#status === null) this.#child.kill("SIGTERM");
  }

  /** Sends SIGKILL. */
  kill(): void {
    if (this.#status === null) this.#child.kill("SIGKILL");
  }

  /** Whether it keeps the host process alive. */
  hold(held: boolean): void {
    const channel = this.#child.channel as Channel | null | undefined;
    if (held) {
      this.#child.ref();
      channel?.ref();
    } else {
      this.#child.unref();
      channel?.unref();
    }
  }

  #hear(data: unknown): void {
    if (this.#said !== null) return;
    const ending = endingIn(data);
    this.#said = ending ?? garbledEnding(this.#departure.begin.name);
    if (ending !== null) return this.#settleSoon();
    this.#isGarbled = true;
    this.kill();
  }

  /** The channel could not be used, or the process not be started. */
  #failed(error: Error): void {
    this.#said ??= { code: 1, error };
    if (this.#child.pid !== undefined) return;
    this.#status = this.#said;
    this.#settle();
  }

  /** It has exited and was reaped. What it said last may still be on its way. */
  #exited(code: number | null, signal: string | null): void {
    this.#status = { code: signal === null ? code ?? 1 : -numberOf(signal), error: undefined };
    this.#settleSoon();
  }

  /** Waits a moment for the last message of a process that exited by itself, also behind the channel's end. */
  #settleSoon(): void {
    if (this.#status === null) return;
    if (this.#said !== null || this.#status.code < 0) return this.#settle();
    this.#clock.setAlarm(this.#clock.now() + LINGER_MS, () => this.#settle());
  }

  #settle(): void {
    if (this.#status === null || this.#ended) return;
    this.#ended = true;
    this.#clock.clearAlarm();
    if (this.#child.connected) this.#child.disconnect();
    // A signal has the last word: it may have come when all was said.
    const isSignalled = this.#status.code < 0 && !this.#isGarbled;
    const ending = isSignalled ? this.#status : this.#said ?? this.#status;
    this.#departure.ended(ending);
  }
}

function numberOf(signal: string): number {
  const { signals } = process.getBuiltinModule("node:os").constants;
  return (signals as Record<string, number>)[signal] ?? 1;
}
