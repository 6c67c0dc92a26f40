/**
 * The ledger: what is held of the host before and after, and the proof that nothing was left.
 *
 * The test runner's sanitizers see timers and sockets; they don't see a run that still has tasks, a
 * worker, or a read that was abandoned. Everything in weft that holds something registers, so the
 * difference of two looks is the leak, by name.
 */
import { checkFunction } from "../kernel/checks.ts";
import { heldResources, type Resource } from "../kernel/resource.ts";

/** A look at what is held, to compare with a later one. */
export class Ledger {
  readonly #before: ReadonlySet<Resource> = new Set(heldResources());

  /** What is held now and was not when the ledger was opened, by name. */
  left(): string[] {
    return heldResources().filter((one) => !this.#before.has(one)).map(String);
  }

  /**
   * Makes sure that nothing is left.
   *
   * @throws {Error} If something is, naming it.
   */
  check(): void {
    const left = this.left();
    if (left.length > 0) throw new Error(`Cannot close the ledger: left are ${left.join(", ")}`);
  }

  /** Checks, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.check();
  }
}

/**
 * Wraps a test so that it fails if it leaves a run, a socket, a worker or any other handle behind.
 *
 * @example
 * ```ts
 * import { run, sleep } from "@weft/weft";
 * import { ledgered } from "@weft/weft/testing";
 * const test = ledgered(() => run(function* () {
 *   yield* sleep(1);
 * }));
 * await test();
 * ```
 *
 * @typeParam A What the test is called with.
 * @param test The test.
 * @returns The test with the check behind it.
 */
export function ledgered<A extends readonly unknown[]>(
  test: (...args: A) => unknown,
): (...args: A) => Promise<void> {
  checkFunction(test, "a test");
  return async (...args) => {
    using _ledger = new Ledger();
    await test(...args);
  };
}
