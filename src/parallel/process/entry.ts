/**
 * The program that every process runs: as the main module of a worker, or of Deno started anew.
 *
 * It waits for the one message that says what to do, does it, waits for the children of its own, says
 * how it ended, and goes. A worker's channel exists from the start; that of a subprocess is given by
 * the host. What differs between the two is a {@linkcode ProcessLink}; the rest is in main.ts.
 */
import process from "node:process";
import { SystemClock } from "../../kernel/clock.ts";
import { messageText } from "../../kernel/printable.ts";
import { enterProcess, type Self } from "./current.ts";
import { type ProcessLink, runProcess } from "./main.ts";
import { packMessage, unpackBegin } from "./pack.ts";
import {
  type EndMessage,
  isStopMessage,
  isSubprocessBegin,
  TERMINATED,
  type WorkerBeginMessage,
} from "./wire.ts";
import { takeTicket } from "../thread/thread_id.ts";
import { packError, unpackError } from "../transported_error.ts";

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
  const { port, words, idents, party } = begin;
  takeTicket(party);
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
