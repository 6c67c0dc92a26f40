/**
 * One way to write a test: its name is a law, it has a time limit, and the ledger must balance.
 */
import { ledgered } from "@weft/weft/testing";

/** Milliseconds after which a law counts as broken: generous, because a hang is what it catches. */
const LIMIT_MS = 60_000;

/** Registers a test. */
export function law(name: string, body: () => unknown, timeout = LIMIT_MS): void {
  Deno.test({ name, timeout, fn: ledgered(body) });
}

/** Registers a law once for each lane, with the same body written for both. */
export function lawInBothLanes(
  name: string,
  lanes: { fast: () => unknown; async: () => unknown },
): void {
  law(`${name} (function*)`, lanes.fast);
  law(`${name} (async function*)`, lanes.async);
}
