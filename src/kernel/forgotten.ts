/**
 * Operations that were made and never waited for, inside a run and outside of all.
 *
 * Inside a run a task is asked at its end for the operations that it made and never waited for. Outside
 * there is no such end, and what was forgotten would do nothing in silence: `pool.map(f, xs)` at the top
 * of a script, without its `await`. Nobody can wait for an operation any more once it was collected, or
 * once the process ends; that is when it is reported, and so one that is kept for later is never reported wrongly.
 */
import { safeWarn } from "./callback.ts";
import { printable } from "./printable.ts";
import { listed } from "./report.ts";
import { placeOf, type Site, takeSite } from "./sites.ts";

/** A task keeps count of the operations it made that nothing has waited for yet. */
export interface Maker {
  /** One operation, several, or none. */
  unstarted: object | Set<object> | null;
}

/** After so many warnings the others are only counted. */
const MOST = 20;

/** What is known of an operation that nobody has waited for; it must not keep it from being collected. */
export class Forgotten {
  /** Always: it stands for one operation, and not for a list of them as a task does. */
  readonly unstarted: null = null;
  readonly #label: { toString(): string };
  readonly #site: Site = takeSite();

  constructor(operation: object, label: { toString(): string }) {
    this.#label = label;
    if (notes.size === 0 && !isListening) {
      isListening = true;
      globalThis.addEventListener("unload", reportAll);
    }
    notes.add(this);
    collected.register(operation, this, this);
  }

  /** Something waits for it. */
  forget(): void {
    notes.delete(this);
    collected.unregister(this);
  }

  /** Warns of it, since nobody can wait for it any more. */
  report(): void {
    // The end of the process and the collector may both come for it: the first one reports.
    if (!notes.delete(this) || ++reported > MOST) return;
    const label = printable(this.#label);
    const place = placeOf(this.#site);
    safeWarn(console.warn)(
      `${label} was made outside of run() and never waited for, so it did nothing: ` +
        `operations are lazy; write "await ${label}"${place === undefined ? "" : ` at ${place}`}`,
    );
  }
}

const notes = new Set<Forgotten>();
const collected = new FinalizationRegistry<Forgotten>((note) => note.report());
let isListening = false;
let reported = 0;

function reportAll(): void {
  for (const note of notes) note.report();
  if (reported > MOST) console.warn(`${reported - MOST} more operations were never waited for`);
}

/** An operation that may not have been waited for. */
interface Noted {
  maker: Maker | null;
}

/** Notes that nobody has waited for an operation yet. */
export function note(operation: Noted, maker: Maker): void {
  operation.maker = maker;
  const others = maker.unstarted;
  if (others === null) maker.unstarted = operation;
  else if (others instanceof Set) others.add(operation);
  else maker.unstarted = new Set([others, operation]);
}

/** Takes back that note: something waits for the operation. */
export function forget(operation: Noted): void {
  const { maker } = operation;
  if (maker === null) return;
  operation.maker = null;
  const others = maker.unstarted;
  if (others === null) return maker instanceof Forgotten ? maker.forget() : undefined;
  if (others === operation) maker.unstarted = null;
  else if (others instanceof Set && others.delete(operation) && others.size === 0) {
    maker.unstarted = null;
  }
}

/** The error of a task that ended well and has left operations unstarted: it names the first few. */
export function forgottenError(task: string, unstarted: object | Set<object>): TypeError {
  const all = unstarted instanceof Set ? [...unstarted] : [unstarted];
  return new TypeError(
    `Task "${task}" returned without waiting for ${listed(all)}: ` +
      `write "yield* ${printable(all[0])}"`,
  );
}
