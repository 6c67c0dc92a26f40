/**
 * The worker of a watchdog: sleeps, looks at the shared memory, and says on stderr what blocks.
 *
 * It needs nothing of the main thread, which is the one that is blocked: no message, no turn of its loop.
 * It sleeps in `Atomics.wait` on the stop word, a quarter of the threshold at a time, and writes
 * straight to the file descriptor. `terminate()` could not end that sleep; the stop word does.
 */
import { AWAY_SLOT, NO_SLOT, slotOf, type SlotOwner, WatchMemory } from "./watch_memory.ts";
import { BlockDetector, LineLimit, lookEvery } from "./block_detector.ts";

/** The first and only message to the worker. */
export interface WatchMessage {
  /** Tells it from a stranger's. */
  readonly kind: "weft.watch";
  /** The memory of both threads. */
  readonly buffer: SharedArrayBuffer;
  /** When a step is too long, in milliseconds. */
  readonly threshold: number;
  /** How many lines may go to stderr in a minute. */
  readonly linesPerMinute: number;
}

/** What the worker says to the watchdog: it watches; it has gone. */
export type WatchReply = "watching" | "gone";

interface WatchdogRealm extends EventTarget {
  postMessage(message: WatchReply): void;
  close(): void;
}

if (import.meta.main && "WorkerGlobalScope" in globalThis) {
  const realm = globalThis as typeof globalThis & WatchdogRealm;
  realm.addEventListener("message", (event) => {
    const data = (event as MessageEvent<WatchMessage | null>).data;
    if (data?.kind !== "weft.watch") return;
    realm.postMessage("watching");
    watch(data);
    realm.postMessage("gone");
    realm.close();
  });
}

function watch({ buffer, threshold, linesPerMinute }: WatchMessage): void {
  const memory = new WatchMemory(buffer);
  const detector = new BlockDetector(threshold);
  const limit = new LineLimit(linesPerMinute);
  const period = lookEvery(threshold);
  let lookedAt = performance.now();
  let blocker = "";
  while (memory.sleep(period)) {
    const now = performance.now();
    const passed = now - lookedAt;
    lookedAt = now;
    const dropped = limit.pass(passed);
    if (dropped > 0) {
      write(`${dropped} more lines of the watchdog were left out in the last minute`);
    }
    const { step, away } = memory;
    const verdict = detector.look(passed, step, away);
    if (verdict.kind === "calm") continue;
    const ms = Math.round(verdict.ms);
    if (verdict.kind === "over") {
      if (blocker !== "" && limit.take()) {
        write(`${blocker} blocked the loop for ${ms} ms; it is over`);
      }
      blocker = "";
    } else if (memory.flag(step, ms) && verdict.tell) {
      blocker = describe(memory, step, away);
      if (limit.take()) write(`${blocker} has blocked the loop for ${ms} ms`);
    }
  }
}

/** Names what blocks. */
function describe(memory: WatchMemory, step: number, away: number): string {
  const slot = slotOf(step);
  if (slot !== NO_SLOT) return describeTask(memory.ownerOf(slot));
  const last = describeTask(memory.ownerOf(AWAY_SLOT));
  return away === 1
    ? `${last}, out in a foreign await,`
    : `One of ${away} tasks out in a foreign await (the last to leave was ${last})`;
}

function describeTask({ name, site }: SlotOwner): string {
  return `task "${name}"${site === undefined ? "" : ` (spawned at ${site})`}`;
}

function write(line: string): void {
  const bytes = new TextEncoder().encode(`${line[0]!.toUpperCase()}${line.slice(1)}\n`);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
  } catch {
    // Nobody reads stderr; the records are kept all the same.
  }
}
