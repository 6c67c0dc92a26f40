/**
 * Where things happen: the lines of the program at which a task was spawned and at which it waits.
 *
 * Asking the host for a stack takes several times as long as spawning a task, so that is done for the first
 * tasks of a run, which as a rule are those that its author would recognize (see {@linkcode SpawnSites}), and
 * for all of them, and for each wait, only where the run asks for it. To look at fewer frames saves little: two
 * thirds of the time go into a trace that the host makes beside, in case that nobody catches the error,
 * and that it makes with a limit of 0, too (measured). A `function*` that waits by `yield*` can be
 * asked at any time for nothing: going on with it calls the `next` of the innermost wait, with all its
 * callers on the stack; that looks at the stack, gives itself out again, and nothing has happened.
 *
 * Lines of this library are left out: what remains is the program's. So are async frames: what the library
 * spawns for itself would seem to come from the line that awaits `run`.
 */
import { Case } from "./combined_waits.ts";
import { fastLane } from "./context.ts";
import { functionName } from "./printable.ts";
import { probe, type Wait } from "./wait.ts";

/** How many frames are looked at for one of the program's. */
const FRAMES = 24;
/** Behind these frames stands the code that asks a `function*` where it waits, or that called `run`. */
const CUTS = ["PartRoutine.peek", "BodyResumer.peek", "RunLife.toEnd"];
/** What this library's own frames begin with. */
const OWN = new URL("../", import.meta.url).href;

/** A stack that is put into words only when somebody asks. */
export interface Site {
  /** The host's text. */
  stack?: string;
}

/** Tells where tasks were spawned and operations made. */
const noted = new WeakMap<object, Site>();

/** Whether operations are to note where they are made: how many runs ask for it. */
export const siting = { runs: 0 };

/** Takes down where the caller's caller stands. */
export function takeSite(): Site {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const site: Site = {};
  Error.captureStackTrace(site, takeSite);
  Error.stackTraceLimit = limit;
  return site;
}

/**
 * Takes down where async code makes an operation whose error comes later: then its lines are on no stack.
 * A `function*` that waits by `yield*` is on the stack whenever it goes on.
 */
export function takeAsyncSite(): Site | null {
  return fastLane.running === null ? takeSite() : null;
}

/** Has the stack of an error begin with the program's lines of a site. */
export function withSite<E extends Error>(error: E, site: Site | null): E {
  const lines = site === null ? [] : linesOf(site);
  const { stack } = error;
  if (lines.length === 0 || typeof stack !== "string") return error;
  const at = stack.indexOf("\n    at ");
  const [head, rest] = at < 0 ? [stack, ""] : [stack.slice(0, at), stack.slice(at)];
  error.stack = `${head}\n${lines.map((line) => `    at ${line}`).join("\n")}${rest}`;
  return error;
}

/** Of so many tasks a run notes where they were spawned, unless told otherwise. */
const SITED_TASKS = 1000;
/** And of so many that one task spawns in a row and that are called the same: a loop has one line. */
const SITED_ALIKE = 32;

/**
 * Of which tasks of a run it is noted where they were spawned. A loop that spawns hundreds of tasks alike does
 * so at one line, which the first of them tell; to find that out for each would cost five times the spawn.
 */
export class SpawnSites {
  #left: number;
  readonly #mostAlike: number;
  #alike = 0;
  #name = "";
  #spawnerId = 0;

  /** For a run that wants them all, none, or, with `undefined`, the first. */
  constructor(wanted: boolean | undefined) {
    this.#left = wanted === undefined ? SITED_TASKS : wanted ? Infinity : 0;
    this.#mostAlike = wanted === true ? Infinity : SITED_ALIKE;
  }

  /** Notes where a task was spawned, if that is wanted; `called` is its name or its body. */
  note(task: object, spawnerId: number, called: string | { readonly name: string }): void {
    if (this.#left === 0) return;
    this.#left--;
    const name = typeof called === "string" ? called : functionName(called);
    if (spawnerId !== this.#spawnerId || name !== this.#name) {
      this.#spawnerId = spawnerId;
      this.#name = name;
      this.#alike = 0;
    }
    if (++this.#alike <= this.#mostAlike) noteSite(task);
  }
}

/** Notes that a task was spawned, or an operation made, here. */
export function noteSite(of: object): void {
  noted.set(of, takeSite());
}

/** What a wait has begun, where its run takes down sites. */
const begun = new WeakMap<Wait, object>();

/** The operation that a wait has begun, if its run takes down sites. */
export function operationOf(wait: Wait): object | undefined {
  return begun.get(wait);
}

/** Gives a wait the site of its operation. */
export function passSite(operation: object, wait: Wait): void {
  begun.set(wait, operation);
  const site = noted.get(operation);
  if (site !== undefined) noted.set(wait, site);
}

/** The program's line of a site, as in `file:///a.ts:12:5`, if there is one. */
export function placeOf(site: Site): string | undefined {
  return linesOf(site)[0];
}

/** Where a task was spawned, as in `file:///a.ts:12:5`, if that was noted. */
export function spawnSite(task: object): string | undefined {
  return linesOf(noted.get(task))[0];
}

/**
 * Where a task waits: for each of its waits the lines of the program that led there, innermost first,
 * as far as they can be told.
 */
export function waitSites(task: { readonly waits: readonly Wait[] }): string[][] {
  return task.waits
    .filter((wait) => wait.isLeaf)
    .map(waitSite)
    .filter((lines) => lines.length > 0);
}

/** The lines that led to one wait, innermost first. */
export function waitSite(wait: Wait): string[] {
  if (wait instanceof Case) return waitSite(wait.outer);
  const known = linesOf(noted.get(wait));
  return known.length > 0 ? known : linesOf(ask(wait));
}

/** The same for a wait that begins just now: an `async function*` is on the stack then. */
export function beginSite(wait: Wait): string[] {
  const known = waitSite(wait);
  return known.length > 0 || wait.owner?.peek !== undefined ? known : linesOf(takeSite());
}

/** Asks a `function*` where it waits. */
function ask(wait: Wait): Site | undefined {
  const { owner } = wait;
  if (owner?.peek === undefined || !wait.passesThrough) return undefined;
  probe.look = takeSite;
  try {
    owner.peek(wait);
    return probe.seen as Site | undefined;
  } finally {
    probe.look = null;
    probe.seen = undefined;
  }
}

/** The program's own lines in a stack, innermost first. */
function linesOf(site: Site | undefined): string[] {
  if (site === undefined) return [];
  const lines: string[] = [];
  for (const line of (site.stack ?? "").split("\n")) {
    if (CUTS.some((cut) => line.includes(cut))) break;
    const place = /(?:\(|at )([a-z]+:[^()\s]+:\d+:\d+)\)?$/.exec(line)?.[1];
    if (place === undefined || place.startsWith(OWN) || /^(node|ext):/.test(place)) continue;
    lines.push(place);
  }
  return lines;
}
