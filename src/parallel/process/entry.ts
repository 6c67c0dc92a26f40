/**
 * The program that every process runs: as the main module of a worker, or of Deno started anew.
 *
 * It waits for the one message that says what to do, does it, waits for the children of its own, says
 * how it ended, and goes. A worker's channel exists from the start; that of a subprocess is given by
 * the host. What differs between the two is a {@linkcode ProcessLink}.
 */
import process from "node:process";
import { isGenerator } from "../../kernel/checks.ts";
import { SystemClock } from "../../kernel/clock.ts";
import { Cancelled, ClosedError } from "../../kernel/errors.ts";
import { messageText } from "../../kernel/printable.ts";
import { RunLife } from "../../kernel/run_life.ts";
import { type AnyClass, findClass, findJob, loadKnown } from "../jobs.ts";
import { awaitFirst, watchErrors, watchLeaving } from "../thread/realm.ts";
import { deserialize, serialize } from "../shared/codec.ts";
import { packError, unpackError } from "../transported_error.ts";
import { openBegin, printFailure } from "./begin.ts";
import { endChildren, enterProcess, type Self } from "./current.ts";
import {
  type BeginMessage,
  type EndMessage,
  isStopMessage,
  isSubprocessBegin,
  TERMINATED,
  type WorkerBeginMessage,
} from "./wire.ts";
import { embody } from "./worker_process.ts";

/** How long a daemon gets to clean up when its parent is gone, in milliseconds. */
const ORPHAN_MS = 100;

if (import.meta.main) {
  if ("WorkerGlobalScope" in globalThis) awaitFirst("weft.begin", serveAsWorker);
  else awaitSubprocessBegin();
}

function serveAsWorker(begin: WorkerBeginMessage): void {
  const { port, words, idents } = begin;
  const current = enterProcess(begin, words, idents);
  // What is said after the last word is not heard.
  const say = (message: EndMessage): void => {
    try {
      port.postMessage(message);
    } catch {
      port.postMessage(plainEnd(message));
    }
  };
  const close = watchLeaving(() => say({ kind: "weft.end", code: Deno.exitCode, error: null }));
  port.onmessage = (event: MessageEvent<unknown>) => hearStop(current, event.data);
  const end = (message: EndMessage): void => {
    say(message);
    close();
  };
  runProcess(begin, current, { isHeard: () => true, end });
}

function awaitSubprocessBegin(): void {
  let current: Self | null = null;
  const line: ProcessLink = {
    isHeard: () => process.connected === true,
    end: async (message) => {
      if (process.connected) {
        await new Promise<void>((sent) => {
          process.once("disconnect", sent);
          process.send!(sendable(message), undefined, undefined, () => sent());
        });
      }
      Deno.exit(message.code < 0 ? 128 - message.code : message.code);
    },
  };
  process.on("message", (message: unknown) => {
    if (current !== null) {
      hearStop(current, message);
    } else if (isSubprocessBegin(message)) {
      const begin = deserialize(message.bytes) as BeginMessage;
      current = enterProcess(begin, null, null);
      runProcess(begin, current, line);
    }
  });
  process.on("disconnect", () => {
    // The parent is gone. A daemon goes with it; one that has not begun has nothing to do.
    if (current === null) Deno.exit(1);
    if (!current.daemon) return;
    current.stop(new DOMException("The parent of this process has ended", "AbortError"));
    const clock = new SystemClock();
    clock.setAlarm(clock.now() + ORPHAN_MS, () => Deno.exit(128 - TERMINATED));
  });
}

function hearStop(current: Self, message: unknown): void {
  if (isStopMessage(message)) current.stop(unpackError(message.reason));
}

/** A last word that the channel of a subprocess can carry. */
function sendable(message: EndMessage): EndMessage {
  try {
    serialize(message);
    return message;
  } catch {
    return plainEnd(message);
  }
}

/** The same in words alone. */
function plainEnd({ kind, code, error }: EndMessage): EndMessage {
  const { message } = error === null ? new Error() : asError(unpackError(error));
  return { kind, code, error: packError(new Error(message)) };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageText(thrown));
}

// -- What a process does between its first message and its last --

/** The way back to the parent. */
interface ProcessLink {
  /** Whether anybody listens. */
  isHeard(): boolean;
  /** Says the last word, and ends this process. */
  end(message: EndMessage): void;
}

/** Does what the message says, and ends the process. */
async function runProcess(
  begin: BeginMessage,
  current: Self,
  line: ProcessLink,
): Promise<void> {
  let isOver = false;
  const end = async (error: unknown, failed: boolean): Promise<void> => {
    if (isOver) return;
    isOver = true;
    try {
      await endChildren();
    } finally {
      line.end(endMessage(error, failed, current, line));
    }
  };
  watchErrors((error) => end(error, true));
  try {
    await perform(begin, current);
    await end(undefined, false);
  } catch (error) {
    await end(error, true);
  }
}

async function perform(begin: BeginMessage, current: Self): Promise<void> {
  const { target, type } = begin;
  const Type = type === null ? null : await loadKnown(type, findClass, "");
  const call = target === null ? null : await loadKnown(target, findJob, "");
  const opened = await openBegin(begin);
  if (current.stopRequested) {
    throw new Cancelled("shutdown", "the process was asked to stop before it began");
  }
  const made = embody(Type as AnyClass | null, opened, call).run();
  if (!isGenerator(made)) return void await made;
  const life = new RunLife<unknown>();
  life.begin(made);
  await life.toEnd();
}

function endMessage(
  error: unknown,
  failed: boolean,
  current: Self,
  line: ProcessLink,
): EndMessage {
  if (!failed) return { kind: "weft.end", code: Deno.exitCode, error: null };
  if (current.stopRequested && isStop(error, current.signal.reason)) {
    return { kind: "weft.end", code: TERMINATED, error: null };
  }
  const packed = packError(error);
  // Printed as it was unpacked: to look at what was thrown may throw.
  if (!line.isHeard()) printFailure(unpackError(packed), current.name);
  return { kind: "weft.end", code: 1, error: packed };
}

/** Whether an error only says that the process let itself be stopped; a shared lock says it by the last. */
function isStop(error: unknown, reason: unknown): boolean {
  if (error === reason) return true;
  try {
    return error instanceof Cancelled || error instanceof ClosedError;
  } catch {
    return false; // it cannot even be asked
  }
}
