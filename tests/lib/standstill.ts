/**
 * Telling a pool that hangs from a machine that is busy.
 *
 * A limit of time cannot: on a loaded machine a pool that works may well be silent for ten seconds. So
 * others bear witness: fresh pools, one after another, each of which starts a worker, has it do a job,
 * and ends it. What does not move at all while so many others came and went does hang.
 */
import { WorkerPool } from "@weft/weft";
import { add } from "../parallel/fixtures/work.ts";

/** So many others must have come and gone. */
const WITNESSES = 20;
/** How often to look whether something has moved, in milliseconds. */
const LOOK_MS = 250;
/** Before others are asked, nothing has moved for so many looks: longer than any grace that a pool gives. */
const LOOKS = 8;

/** Resolves with `true` once nothing moves in what `look` shows, and with `false` when `over` settles first. */
export async function standsStill(look: () => string, over: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  const end = over.then(() => void (isOver = true), () => void (isOver = true));
  let last = look();
  let still = 0;
  while (!isOver) {
    if (still < LOOKS) await pause(end);
    else await witness();
    const now = look();
    still = now === last ? still + 1 : 0;
    last = now;
    if (still >= LOOKS + WITNESSES) return true;
  }
  return false;
}

async function pause(end: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LOOK_MS);
  await Promise.race([promise, end]);
  clearTimeout(timer);
}

async function witness(): Promise<void> {
  const pool = new WorkerPool(1, { name: "witness" });
  await pool.submit(add, 1, 1);
  pool.close();
  await pool.join();
}
