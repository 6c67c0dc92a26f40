/**
 * Supervision: children that are started again when they fail, up to a point.
 *
 * The idea is Erlang's: what cannot be repaired on the spot is often cured by a fresh start, and what a
 * few fresh starts do not cure belongs one level up. So a supervisor restarts, at once or after growing
 * delays, counts, and gives up with the errors when there are too many in too short a time. It is an
 * operation, and so it nests: the body of a child may supervise others.
 *
 * Kept from Erlang: one-for-one and one-for-all, the intensity, the kinds of restart. Left out:
 * rest-for-one, children that come and go (a {@linkcode TaskPool} has those), and brutal kills, which
 * no task can suffer here: a child that is stopped is cancelled, and waited for. Added: the back-off.
 */
import { checkFunction, checkOneOf, checkOptions } from "../kernel/checks.ts";
import { reportName } from "../kernel/printable.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import { type Backoff, checkBackoff, checkIntensity, type Intensity } from "./restart.ts";
import { checkChildren, type Children, runSupervisor, type Strategy } from "./supervisor.ts";

const STRATEGIES: readonly Strategy[] = ["one-for-one", "one-for-all"];

/** How to supervise. */
export interface SuperviseOptions {
  /**
   * What is restarted when a child fails: it alone, or all, in order, after the others were cancelled
   * and have ended. @default {"one-for-one"}
   */
  strategy?: Strategy;
  /** How many restarts are too many. @default {{ restarts: 3, within: 5000 }} */
  intensity?: Intensity;
  /** How long to wait before a restart. @default no delay */
  backoff?: Backoff;
  /**
   * Called before each restart with the child's name, its error (`undefined` if a permanent child
   * returned), and how often this child has been the cause of a restart. What it throws ends the
   * supervision.
   */
  onRestart?: (child: string, error: unknown, count: number) => void;
  /** Names it in reports. @default {"supervise"} */
  name?: string;
}

/**
 * Runs children until all of them have returned, and starts those again that fail.
 *
 * - Children start in the order given. One that has returned, or was cancelled on its own, is done;
 *   see {@linkcode Restart} for the kinds that differ.
 * - With one-for-all, a failure cancels the other children; when all have ended, all are started again,
 *   in order, those too that had returned (as in Erlang), but no temporary ones. What the others throw
 *   while they are stopped belongs to the same restart.
 * - The intensity counts restarts, at the time of the failure. A restart is forgotten `within` ms after
 *   it. When one more than `restarts` would be remembered, the supervisor gives up: it cancels the
 *   other children, waits for them, and throws a {@linkcode SupervisionError} with the errors that led
 *   there.
 * - The failure of a temporary child stops nobody; it is thrown when the others are done.
 * - A cancel goes to the children, and is thrown when they have ended, unless one of them failed
 *   meanwhile.
 *
 * @example A child that fails twice
 * ```ts
 * import { run, supervise } from "@weft/weft";
 * let starts = 0;
 * await run(async function* () {
 *   yield* supervise([{
 *     name: "shaky",
 *     body: async function* () {
 *       if (++starts < 3) throw new Error("not yet");
 *     },
 *   }], { backoff: { first: 1 } });
 * });
 * if (starts !== 3) throw new Error(String(starts));
 * ```
 *
 * @param children A list of children, or bodies by name.
 * @param options Strategy, intensity, back-off, hook.
 * @returns An operation that ends when all children have returned.
 * @throws {TypeError} If a body is not a generator function, or two children share a name.
 * @throws {RangeError} If a number is out of range.
 */
export function supervise(children: Children, options: SuperviseOptions = {}): Operation<void> {
  const specs = checkChildren(children);
  const { strategy = "one-for-one", onRestart = () => {} } = checkOptions(options, "supervise()");
  const name = reportName("supervisor", options.name ?? "supervise");
  checkOneOf(strategy, STRATEGIES, "a strategy");
  checkFunction(onRestart, "onRestart");
  const intensity = checkIntensity(options.intensity ?? { restarts: 3, within: 5000 });
  const backoff = checkBackoff(options.backoff);
  const plan = { specs, strategy, intensity, backoff, onRestart, name };
  return sequence(name, () => runSupervisor(plan));
}
