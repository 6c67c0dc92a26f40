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
import { show } from "../../kernel/printable.ts";
import { checkObject } from "../../kernel/checks.ts";
import { checkMeta, jobAddress } from "../jobs.ts";
import type { ClassAddress } from "./wire.ts";

/** A class that can be made known. */
export type AnyClass = abstract new (...args: never) => object;

const table = new Map<string, AnyClass>();

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
  for (const [name, type] of Object.entries<unknown>(classes)) {
    if (typeof type !== "function") {
      throw new TypeError(
        `Cannot make a process of ${show(name)}: it is ${show(type)}, not a class`,
      );
    }
    const known = ownPlace(type);
    if (known !== undefined || table.has(key(meta.url, name))) {
      throw new TypeError(`Cannot make a process of "${name}" twice in ${known?.url ?? meta.url}`);
    }
    const place: ClassAddress = Object.freeze({ url: meta.url, name });
    Object.defineProperty(type, jobAddress, { value: place });
    table.set(key(meta.url, name), type as unknown as AnyClass);
  }
  return classes;
}

/**
 * Where a class was made known.
 *
 * @throws {TypeError} If it was not; the message says what to write.
 */
export function placeOf(type: AnyClass, what: string): ClassAddress {
  const place = ownPlace(type);
  if (place !== undefined) return place;
  const name = type.name === "" ? "Name" : type.name;
  throw new TypeError(
    `Cannot start ${what}: a process finds its class by module and name. ` +
      `Below the class write "processes(import.meta, { ${name} })"`,
  );
}

/** The class that a module of this realm made known. */
export function findClass(place: ClassAddress): AnyClass | undefined {
  return table.get(key(place.url, place.name));
}

/** The place on the class itself: that of its base would start the base. */
function ownPlace(type: object): ClassAddress | undefined {
  return Object.getOwnPropertyDescriptor(type, jobAddress)?.value as ClassAddress | undefined;
}

function key(url: string, name: string): string {
  return `${url}#${name}`;
}
