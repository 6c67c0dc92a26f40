/**
 * Job functions, and classes of processes: what a worker can find.
 *
 * A function cannot travel to another thread; where to find it can. So `jobs` writes the URL of the
 * module and a name onto each function and enters it into a table of this realm. A worker that is
 * asked for it imports the module, which fills the same table over there. In its own module the
 * function stays what it was: callable, typed, and found by "go to definition".
 *
 * Rejected: the source text (`f.toString()` loses imports and closures, and breaks under coverage),
 * and module plus export name written by hand (nothing checks the arguments). The table, rather than
 * the module's exports, is what a worker looks in first, so a program of one file needs no `export`.
 *
 * A subclass of {@linkcode WorkerProcess} is no more sendable than a function; so `processes` does the same for
 * classes. It stands below the class rather than around it, so that `class Counter extends WorkerProcess` stays a
 * plain declaration. Rejected: a static field that every subclass must declare (forgotten in a subclass of a
 * subclass, it would silently run its base).
 */
import { checkObject, isGeneratorFunction, isRevoked } from "../kernel/checks.ts";
import { functionName, printable, show } from "../kernel/printable.ts";
import { loadError, WorkerError } from "./worker_error.ts";

/** Any function at all. */
export type AnyFunction = (...args: never) => unknown;

/** A class that can be made known. */
export type AnyClass = abstract new (...args: never) => object;

/** Where a worker finds a function. */
export interface JobAddress<F extends AnyFunction = AnyFunction> {
  /** The module, as an absolute URL. */
  readonly url: string;
  /** The name it has in the table, or among the exports, of that module. */
  readonly name: string;
  /** Whether it is a task body: a `function*` or an `async function*`. */
  readonly isTaskBody?: boolean;
  /** The function's type; never set. */
  readonly type?: F;
}

/** The property under which a function carries its {@linkcode JobAddress}. */
export const jobAddress: unique symbol = Symbol("weft.jobAddress");

/** What a compile error says where a function that no worker can find is handed to one. */
export type HowToMakeAJob =
  "at the top level of a module write: const { work } = jobs(import.meta, { work(…) { … } }), and pass work";

/**
 * Whatever carries the address of a function of type `F`: what a pool takes.
 *
 * @typeParam F The function's type.
 * @typeParam Hint Is never given: it is there to be read in compile errors.
 */
export interface Addressed<F extends AnyFunction, Hint extends string = HowToMakeAJob> {
  /** Where a worker finds it. */
  readonly [jobAddress]: JobAddress<F>;
  /** Never set. */
  readonly hint?: Hint;
}

/**
 * The result of a job's future: what the function returns, what its promise resolves to, or, of a
 * task body, what it returns in the end.
 */
export type JobResult<F extends AnyFunction> = [ReturnType<F>] extends [never] ? never
  : ReturnType<F> extends
    Generator<unknown, infer T, never> | AsyncGenerator<unknown, infer T, never> ? T
  : Awaited<ReturnType<F>>;

/**
 * What a job is called with: the parameters of `F`; anything, where all that is known of `F` is that it is
 * a function.
 */
export type JobArguments<F extends AnyFunction> = [Parameters<F>] extends [never] ? unknown[]
  : Parameters<F>;

/** What a job of one argument is called with, likewise. */
export type JobItem<F extends AnyFunction> = [Parameters<F>[0]] extends [never] ? unknown
  : Parameters<F>[0];

/** A function that can be called here and sent to a worker. */
export type JobFunction<F extends AnyFunction> = F & Addressed<F>;

/** Stands in for the type of a parameter that no message can carry. */
export interface CannotBeSent<Why extends string> {
  /** What is wrong. */
  readonly cannotBeSent: Why;
}

/** `T` itself, unless no value of that type can be cloned into another thread. */
export type Sendable<T> = T extends AnyFunction ? CannotBeSent<"a function has no copy in a worker">
  : T extends symbol ? CannotBeSent<"a symbol has no copy in a worker">
  : T extends PromiseLike<unknown> ? CannotBeSent<"await a promise before you send its value">
  : T;

/** A function type whose parameters can all be sent. */
export type SendableFunction<F> = F extends (...args: infer A) => infer R
  ? (...args: { [I in keyof A]: Sendable<A[I]> }) => R
  : never;

/** What `jobs` makes of a table of functions. */
export type Jobs<T extends Record<string, AnyFunction>> = {
  readonly [K in keyof T]: JobFunction<T[K]>;
};

/** Where a module made something known, and as what. */
export interface Place {
  /** The module, as an absolute URL. */
  readonly url: string;
  /** The name in it. */
  readonly name: string;
}

/** What modules of this realm have made known, by place: functions, or classes. */
class Known<F extends AnyFunction | AnyClass> {
  readonly #what: string;
  readonly #type: string;
  readonly #table = new Map<string, F>();

  /** Nothing yet; a `what` is made of a `type`. */
  constructor(what: "job" | "process", type: "function" | "class") {
    this.#what = what;
    this.#type = type;
  }

  /**
   * Enters all that `named` has, and writes its place on each.
   *
   * @throws {TypeError} If one is of no such type, or is known already.
   */
  enter(meta: { readonly url: string }, named: Readonly<Record<string, F>>): void {
    const { url } = meta;
    for (const [name, f] of Object.entries<unknown>(named)) {
      const what = `Cannot make a ${this.#what} of ${show(name)}`;
      if (typeof f !== "function") {
        throw new TypeError(`${what}: it is ${describe(f)}, not a ${this.#type}`);
      }
      const known = ownPlace(f);
      if (known !== undefined || this.find(url, name) !== undefined) {
        throw new TypeError(`${what} twice in ${printable(known?.url ?? url)}`);
      }
      const place = this.#what === "job" ? { url, name, isTaskBody: isTaskBody(f) } : { url, name };
      Object.defineProperty(f, jobAddress, { value: Object.freeze(place) });
      this.#table.set(key(url, name), f as F);
    }
  }

  /** What a module entered under a name. */
  find(url: string, name: string): F | undefined {
    return this.#table.get(key(url, name));
  }

  /** All that a module entered, by name. */
  of(url: string): Map<string, F> {
    const found = new Map<string, F>();
    for (const [at, f] of this.#table) {
      if (at.startsWith(`${url}#`)) found.set(at.slice(url.length + 1), f);
    }
    return found;
  }
}

/** The place on a function or class itself: that of a class's base would be the base's. */
export function ownPlace(known: object): Place | undefined {
  return Object.getOwnPropertyDescriptor(known, jobAddress)?.value as Place | undefined;
}

const known = new Known<AnyFunction>("job", "function");
const knownClasses = new Known<AnyClass>("process", "class");

/**
 * Makes functions of this module known to workers.
 *
 * Call it at the top level of a module: a worker imports the module and then looks for the name. The
 * functions come back as they are, with their address on them, so call one directly or hand it to a
 * {@linkcode WorkerPool}. What the module does at its top level happens in each worker, too: keep a
 * main program in the same file under `if (import.meta.main)`. And what it imports each worker loads,
 * too: workers start in a fraction of the time if it takes `jobs` from `@weft/weft/worker` and nothing
 * from all of weft. A function that calls itself needs its result type written out.
 *
 * A function may be a task body, a `function*` or an `async function*`, with all that a task can do. Then
 * its future gives what it returns, and one worker runs many at once (see {@linkcode WorkerPool}).
 *
 * @example One file, main program and job
 * ```ts
 * import { jobs, WorkerPool } from "@weft/weft";
 *
 * const { fib } = jobs(import.meta, {
 *   fib(n: number): number {
 *     return n < 2 ? n : fib(n - 1) + fib(n - 2);
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(2);
 *   const there = await pool.submit(fib, 20);
 *   if (there !== fib(20)) throw new Error("a worker counts differently");
 * }
 * ```
 *
 * @typeParam T The functions, by name.
 * @param meta Pass `import.meta`.
 * @param functions The functions. A parameter that is itself a function is a type error.
 * @returns The same functions, ready to be destructured.
 * @throws {TypeError} If one is no function, or has an address already.
 */
export function jobs<T extends Record<string, AnyFunction>>(
  meta: { readonly url: string },
  functions: T & { [K in keyof T]: SendableFunction<T[K]> },
): Jobs<T> {
  checkMeta(meta, "jobs");
  checkObject(functions, "functions by name");
  known.enter(meta, functions);
  return functions as unknown as Jobs<T>;
}

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
  knownClasses.enter(meta, classes);
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
  return knownClasses.find(url, name);
}

/**
 * The address of a job function.
 *
 * @throws {TypeError} If it has none; the message says what to write instead.
 */
export function addressOf(job: unknown): JobAddress {
  const address = typeof job === "function"
    ? (job as Partial<Addressed<AnyFunction>>)[jobAddress]
    : undefined;
  if (address !== undefined) return address;
  const name = typeof job === "function" && /^[\w$]+$/.test(job.name) ? job.name : "work";
  throw new TypeError(
    `Cannot send ${describe(job)} to a worker: a worker loads its functions by module and name. ` +
      `At the top level of a module write "const { ${name} } = jobs(import.meta, { ${name}(…) { … } })" ` +
      `and pass ${name}; for a module you do not own, pool.use(url).${name}`,
  );
}

/** Whether a function is a `function*` or an `async function*`. */
export function isTaskBody(f: unknown): boolean {
  return isGeneratorFunction(f);
}

/** The function that a module of this realm entered under a name. */
export function findJob(url: string, name: string): AnyFunction | undefined {
  return known.find(url, name);
}

/** All that a module of this realm entered, by name. */
export function tableOf(url: string): Map<string, AnyFunction> {
  return known.of(url);
}

/**
 * Imports a module, and gives what it made known under a name, or else exports; `noun` calls it so in messages.
 *
 * @throws {WorkerError} If the module cannot be loaded, or has no such function or class.
 */
export async function loadKnown(
  { url, name }: Place,
  find: (url: string, name: string) => unknown,
  noun: "job " | "" = "job ",
): Promise<AnyFunction> {
  let module: Record<string, unknown>;
  try {
    module = await whileLoading<Record<string, unknown>>(import(url));
  } catch (cause) {
    throw loadError(name, cause, noun);
  }
  const found = find(url, name) ?? module[name];
  if (typeof found === "function") return found as AnyFunction;
  throw new WorkerError(
    name,
    `Cannot find ${noun}"${
      printable(name)
    }" in ${url}: the module exports no such function, and has no ` +
      `such job; call jobs() at the top level of the module, or processes() below a class`,
  );
}

function key(url: string, name: string): string {
  return `${url}#${name}`;
}

function describe(value: unknown): string {
  if (typeof value === "function") {
    const name = functionName(value as AnyFunction);
    return name === "" ? "an anonymous function" : `the function "${printable(name)}"`;
  }
  return show(value);
}

/** Checks what stands for the module that a table of functions or classes is in. */
export function checkMeta(meta: { readonly url: string }, verb: string): void {
  if (
    typeof meta === "object" && meta !== null && !isRevoked(meta) && typeof meta.url === "string"
  ) return;
  throw new TypeError(`Cannot call ${verb}(${show(meta)}, …): pass import.meta`);
}

// Whether this realm is a worker that is loading the module of a job. A program that makes a pool and
// submits to it at its top level, in the very file its jobs live in, would do so again in each worker that
// loads the file, whose workers would do the same, and so on. So nothing may be submitted meanwhile.
let depth = 0;

/** Marks the time until `module` is loaded. */
export async function whileLoading<T>(module: Promise<T>): Promise<T> {
  depth++;
  try {
    return await module;
  } finally {
    depth--;
  }
}

/** Whether a worker is loading the code that asks. */
export function isLoading(): boolean {
  return depth > 0;
}

/** The error for code that wants to `verb` something meanwhile. */
export function loadingError(verb: string): Error {
  return new Error(
    `Cannot ${verb}: a worker is only loading this module to find a job in it; ` +
      `put the main program under "if (import.meta.main)"`,
  );
}
