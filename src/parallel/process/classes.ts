/**
 * Classes of processes that a new process can find.
 *
 * A subclass of {@linkcode WorkerProcess} is no more sendable than a function; so it is made known by
 * module and name, as `jobs` does it. The registration stands below the class rather than around it,
 * so that `class Counter extends WorkerProcess` stays a plain declaration.
 *
 * Rejected: a static field that every subclass must declare (forgotten in a subclass of a subclass, it
 * would silently run its base), and looking through the module's exports for a class of the right name
 * (then a program of one file would have to export).
 */
import { checkObject } from "../../kernel/checks.ts";
import { type AnyClass, checkMeta, Known, ownPlace, type Place } from "../jobs.ts";

const known = new Known<AnyClass>("process", "class");

/**
 * Makes subclasses of {@linkcode WorkerProcess} known, so that they can be started. Call it at the top
 * level of the module they are declared in, right below them.
 *
 * @example A class of process
 * ```ts
 * import { processes, WorkerProcess } from "@weft/weft";
 *
 * class Countdown extends WorkerProcess {
 *   from: number;
 *   constructor(from: number) {
 *     super({ name: `from ${from}` });
 *     this.from = from;
 *   }
 *   override run(): void {
 *     for (let n = this.from; n > 0; n--); // in the process
 *   }
 * }
 * processes(import.meta, { Countdown });
 *
 * if (import.meta.main) {
 *   const process = new Countdown(3);
 *   process.start();
 *   if (await process.join() !== 0) throw new Error("it failed");
 * }
 * ```
 *
 * @typeParam T The classes, by name.
 * @param meta Pass `import.meta`.
 * @param classes The classes.
 * @returns The same classes.
 * @throws {TypeError} If one is no class, or was made known before.
 */
export function processes<T extends Record<string, AnyClass>>(
  meta: { readonly url: string },
  classes: T,
): T {
  checkMeta(meta, "processes");
  checkObject(classes, "classes by name");
  known.enter(meta, classes);
  return classes;
}

/**
 * Where a class was made known.
 *
 * @throws {TypeError} If it was not; the message says what to write.
 */
export function placeOf(type: AnyClass, what: string): Place {
  const place = ownPlace(type);
  if (place !== undefined) return place;
  const name = type.name === "" ? "Name" : type.name;
  throw new TypeError(
    `Cannot start ${what}: a process finds its class by module and name. ` +
      `Below the class write "processes(import.meta, { ${name} })"`,
  );
}

/** The class that a module of this realm made known. */
export function findClass(url: string, name: string): AnyClass | undefined {
  return known.find(url, name);
}
