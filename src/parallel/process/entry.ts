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
import { type AnyFunction, findJob, whileLoading } from "../jobs.ts";
import { takeTicket } from "../thread/table.ts";
import { packError, unpackError } from "../transported_error.ts";
import { WorkerError } from "../worker_error.ts";
import { openBegin, printFailure } from "./begin.ts";
import { type AnyClass, findClass } from "./classes.ts";
import { endChildren, enterProcess, type Self } from "./current.ts";
import {
  type BeginMessage,
  type ClassAddress,
  type EndMessage,
  isStopMessage,
  isSubprocessBegin,
  packMessage,
  TERMINATED,
  unpackBegin,
  type WorkerBeginMessage,
} from "./wire.ts";
import { embody } from "./worker_process.ts";

/** How long a daemon gets to clean up when its parent is gone, in milliseconds. */
const ORPHAN_MS = 100;

/** What a worker's global object has besides; the library types cover the main thread. */
interface WorkerRealm extends EventTarget {
  close(): void;
}

if (import.meta.main) {
  if ("WorkerGlobalScope" in globalThis) awaitWorkerBegin(globalThis as unknown as WorkerRealm);
  else awaitSubprocessBegin();
}

function awaitWorkerBegin(realm: WorkerRealm): void {
  const begin = (event: Event): void => {
    const data = (event as MessageEvent<WorkerBeginMessage | null>).data;
    if (data?.kind !== "weft.begin") return;
    realm.removeEventListener("message", begin);
    serveAsWorker(realm, data);
  };
  realm.addEventListener("message", begin);
}

function serveAsWorker(realm: WorkerRealm, begin: WorkerBeginMessage): void {
  const { port, words, idents, ticket } = begin;
  takeTicket(ticket);
  const current = enterProcess(begin, words, idents);
  const close = realm.close;
  const end = (message: EndMessage): void => {
    realm.removeEventListener("unload", unload);
    try {
      port.postMessage(message);
    } catch {
      port.postMessage(plainEnd(message));
    }
    close.call(realm);
  };
  // `Deno.exit` and `process.exit` announce themselves, `self.close` does not.
  const unload = (): void =>
    port.postMessage({ kind: "weft.end", code: Deno.exitCode, error: null } satisfies EndMessage);
  realm.addEventListener("unload", unload);
  realm.close = () => end({ kind: "weft.end", code: Deno.exitCode, error: null });
  port.onmessage = (event: MessageEvent<unknown>) => hearStop(current, event.data);
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
      const begin = unpackBegin(message.bytes);
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
    packMessage(message);
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
  const Type = type === null ? null : await load(type, findClass);
  const call = target === null ? null : await load(target, ({ url, name }) => findJob(url, name));
  const opened = await openBegin(begin);
  if (current.stopRequested) {
    throw new Cancelled("shutdown", "the process was asked to stop before it began");
  }
  const made = embody(Type as AnyClass | null, opened, call as AnyFunction | null).run();
  if (!isGenerator(made)) return void await made;
  const life = new RunLife<unknown>();
  life.begin(made);
  await life.toEnd();
}

/** Imports a module, and finds in it what was made known there, or else what it exports. */
async function load(place: ClassAddress, find: (place: ClassAddress) => unknown): Promise<unknown> {
  const { url, name } = place;
  let module: Record<string, unknown>;
  try {
    module = await whileLoading<Record<string, unknown>>(import(url));
  } catch (cause) {
    throw new WorkerError(name, `Cannot load "${name}": ${messageText(cause)}`, { cause });
  }
  const found = find(place) ?? module[name];
  if (typeof found === "function") return found;
  throw new WorkerError(
    name,
    `Cannot find "${name}" in ${url}: call jobs() or processes() at the top level of the module`,
  );
}

/** An error that no `await` of the target's sees ends the process as well. */
function watchErrors(failed: (error: unknown) => void): void {
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    failed(event.error ?? new Error(event.message));
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    failed(event.reason);
  });
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
