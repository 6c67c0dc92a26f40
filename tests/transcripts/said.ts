/** What a step has to say, in the words of golden.json, and how long one waits for the right answer. */
import {
  BrokenError,
  BusyError,
  ClosedError,
  NotRegisteredError,
  POLLERR,
  POLLET,
  type PollEvent,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLONESHOT,
  POLLOUT,
  POLLPRI,
  WouldBlock,
} from "@weft/weft";
import { delay } from "@std/async/delay";
import type { GoldenLine, Mask, Step } from "./scenario.ts";

/** How long an answer may take to become the expected one, in milliseconds. */
const LIMIT = 500;
/** After this many milliseconds an answer must still be the same. */
export const STILL = 3;
/** How long what peers have sent may take to arrive, in milliseconds. */
export const ARRIVAL = 10;
/** Shorter timeouts are not told apart from none, in milliseconds. */
const MEASURABLE = 5;

const BITS: readonly (readonly [string, number])[] = [
  ["IN", POLLIN],
  ["PRI", POLLPRI],
  ["OUT", POLLOUT],
  ["ERR", POLLERR],
  ["HUP", POLLHUP],
  ["NVAL", POLLNVAL],
  ["RDHUP", 0x2000],
  ["ET", POLLET],
  ["ONESHOT", POLLONESHOT],
];

/** Which of CPython's exceptions and errno names an error of weft stands for. */
const STANDS_FOR: readonly (readonly [(error: unknown) => boolean, readonly string[]])[] = [
  [(e) => e instanceof WouldBlock, ["EAGAIN"]],
  [(e) => e instanceof BrokenError, ["ECONNRESET", "EPIPE"]],
  [(e) => e instanceof ClosedError, ["EPIPE", "EBADF", "ValueError"]],
  [(e) => e instanceof BusyError, ["RuntimeError"]],
  [(e) => e instanceof NotRegisteredError, ["KeyError", "ENOENT"]],
  [(e) => e instanceof RangeError, ["ValueError", "OverflowError"]],
  [(e) => e instanceof TypeError, ["TypeError"]],
];

/** What a step may record beside its place. */
export type Said = Pick<
  GoldenLine,
  "waited" | "ready" | "result" | "raised" | "read" | "write" | "except"
>;

/** The step of a name. */
export type StepOf<K extends Step["do"], S = Step> = S extends { readonly do: infer D }
  ? Extract<D, K> extends never ? never : S
  : never;

/** A mask as a scenario writes it. */
export function maskOf(mask: Mask): number {
  if (typeof mask === "number" || mask === "0") return Number(mask);
  return mask.split("|").reduce((sum, name) => sum + BITS.find(([bit]) => bit === name)![1], 0);
}

/** An answer as golden.json writes it. */
export function readyText(
  events: readonly PollEvent[],
  names: ReadonlyMap<number, string>,
): string {
  const words = (mask: number): string =>
    BITS.filter(([, bit]) => (mask & bit) !== 0).map(([name]) => name).join("|");
  return events.map(([fd, mask]) => `${names.get(fd)}=${words(mask)}`).sort().join(" ");
}

/** Tries until something has come; if nothing is to come, once more after the time that it would take. */
export async function arrived<T>(comes: boolean, attempt: () => T): Promise<T> {
  const end = performance.now() + (comes ? LIMIT : ARRIVAL);
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!(error instanceof WouldBlock) || performance.now() > end) throw error;
      await delay(1);
    }
  }
}

/** Asks until the answer is right, then whether it stays so. */
export async function settled(
  ask: () => Promise<Said>,
  isRight: (said: Said) => boolean,
): Promise<Said> {
  const end = performance.now() + LIMIT;
  for (;;) {
    const said = await ask();
    if (isRight(said)) break;
    if (performance.now() > end) return said;
    await delay(1);
  }
  await delay(STILL);
  return await ask();
}

/**
 * Whether a timed wait took its whole timeout; timers may ring a fraction of a millisecond early. Below
 * `MEASURABLE` a busy machine takes longer whatever happens: there an answer tells that it did not wait.
 */
export function waitedField(timeout: unknown, begin: number, end: number, ready: boolean): Said {
  if (typeof timeout !== "number" || timeout <= 0 || timeout >= 2 ** 31) return {};
  if (timeout < MEASURABLE && ready) return { waited: false };
  return { waited: end - begin >= timeout - 0.5 };
}

/** The name that CPython has for what an error of weft says; `expected` if it stands for that too. */
export function nameOf(error: unknown, expected: string | undefined): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  for (const [is, names] of STANDS_FOR) {
    if (is(error)) return expected !== undefined && names.includes(expected) ? expected : names[0]!;
  }
  throw error;
}
