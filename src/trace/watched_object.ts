/**
 * The finder of lost updates: an object that notices when a task overwrites what it has not seen.
 *
 * Between two yields a task is alone, so most read-modify-writes need no lock; the one that yields between
 * read and write does, and nothing in the program shows it. This shows it, with both lines, in the run where it
 * happened.
 *
 * This is the one place with a `Proxy`, which the style of this library refuses elsewhere: what has to be
 * watched is the plain `state.left = left - 1` of a program that knows nothing of being watched, and no
 * other means of the language sees that. It costs two stacks for each read-modify-write, eight
 * microseconds in all (measured): it is for tests and for finding a bug, not for production.
 */
import { checkArray, checkOptionalFunction, checkOptions, isRevoked } from "../kernel/checks.ts";
import { reportName, show } from "../kernel/printable.ts";
import { currentScope } from "../kernel/context.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import { type AccessKey, AccessLog, type LostUpdate, lostUpdate, pathOf } from "./lost_update.ts";

/** How many findings are kept: the latest. */
const KEPT = 1000;

/** How to watch an object. */
export interface SharedOptions {
  /** What reports call the object. @default Shared#n */
  name?: string;
  /**
   * Hears of each lost update, right after the late write, in the task that wrote. What it throws is thrown
   * by the write. @default a warning of the run, once for each three lines of the program
   */
  report?: (lost: LostUpdate) => void;
  /** Properties, at any depth, that may be overwritten blindly: the last writer is to win. @default none */
  ignore?: readonly PropertyKey[];
}

/** The watch over one object and all that hangs below it. */
class Watch {
  readonly found: LostUpdate[] = [];
  readonly #report: ((lost: LostUpdate) => void) | undefined;
  readonly #ignored: ReadonlySet<PropertyKey>;
  readonly #warned = new Set<string>();

  constructor({ report, ignore = [] }: SharedOptions) {
    this.#report = checkOptionalFunction(report, "report");
    checkArray(ignore, "properties to ignore");
    this.#ignored = new Set(ignore.map((key) => typeof key === "number" ? String(key) : key));
  }

  /** The proxy of an object, made when first asked for. */
  proxyOf(target: object, path: string): object {
    const known = proxies.get(target);
    if (known !== undefined) return known;
    const proxy = new Proxy(target, new AccessWatcher(this, path, new AccessLog()));
    proxies.set(target, proxy);
    watches.set(proxy, { watch: this, target });
    return proxy;
  }

  ignores(key: AccessKey): boolean {
    return this.#ignored.has(key);
  }

  /** Keeps a finding and tells of it. */
  keep(task: Task, lost: LostUpdate): void {
    this.found.push(lost);
    if (this.found.length > KEPT) this.found.shift();
    if (this.#report !== undefined) return this.#report(lost);
    const { property, read, foreign, write } = lost;
    const place = [property, read.site, foreign.site, write.site].join(" ");
    if (this.#warned.has(place) || this.#warned.size >= KEPT) return;
    this.#warned.add(place);
    schedulerOf(task).warn(lost.message);
  }
}

/** Which watch a proxy belongs to, and what is behind it. */
const watches = new WeakMap<object, { watch: Watch; target: object }>();

/** The one proxy of an object, whichever watch made it: two would not see each other's accesses. */
const proxies = new WeakMap<object, object>();

/** The methods of arrays that look for a value by identity, which a proxy does not share. */
const SEARCHES: ReadonlySet<AccessKey> = new Set(["includes", "indexOf", "lastIndexOf"]);

/** The handler of one object's proxy. */
class AccessWatcher implements ProxyHandler<object> {
  readonly #watch: Watch;
  readonly #path: string;
  readonly #log: AccessLog;

  constructor(watch: Watch, path: string, log: AccessLog) {
    this.#watch = watch;
    this.#path = path;
    this.#log = log;
  }

  get(target: object, key: AccessKey, receiver: unknown): unknown {
    const own = Reflect.getOwnPropertyDescriptor(target, key);
    if (Array.isArray(target) && SEARCHES.has(key) && own === undefined) {
      return this.#search(target, key);
    }
    // Methods and accessors are not state; what they do to `receiver` is seen when they do it.
    if (isAccessor(own) || (own === undefined && key in target) || !this.#isFor(target, receiver)) {
      return Reflect.get(target, key, receiver);
    }
    const value: unknown = own?.value;
    this.#read(key, value);
    const fixed = own?.configurable === false && own.writable === false;
    return fixed || !isPlain(value) ? value : this.#watch.proxyOf(value, pathOf(this.#path, key));
  }

  has(target: object, key: AccessKey): boolean {
    const own = Reflect.getOwnPropertyDescriptor(target, key);
    const present = own !== undefined || key in target;
    if (!isAccessor(own) && present === (own !== undefined)) this.#read(key, own?.value);
    return present;
  }

  ownKeys(target: object): AccessKey[] {
    const keys = Reflect.ownKeys(target);
    const task = currentTask();
    if (task !== null) this.#log.readKeys(task, keys);
    return keys;
  }

  getOwnPropertyDescriptor(target: object, key: AccessKey): PropertyDescriptor | undefined {
    const own = Reflect.getOwnPropertyDescriptor(target, key);
    if (isAccessor(own)) return own;
    const value: unknown = own?.value;
    this.#read(key, value);
    const isFree = own !== undefined && (own.configurable === true || own.writable === true);
    if (isFree && isPlain(value)) own.value = this.#watch.proxyOf(value, pathOf(this.#path, key));
    return own;
  }

  defineProperty(target: object, key: AccessKey, descriptor: PropertyDescriptor): boolean {
    if (!("value" in descriptor)) return Reflect.defineProperty(target, key, descriptor);
    const value = unwrap(descriptor.value);
    const length = lengthOf(target);
    if (!Reflect.defineProperty(target, key, { ...descriptor, value })) return false;
    this.#grew(target, key, length);
    this.#wrote(key, value);
    return true;
  }

  set(target: object, key: AccessKey, value: unknown, receiver: unknown): boolean {
    const bare = unwrap(value);
    if (!this.#isFor(target, receiver) || isAccessor(descriptorOf(target, key))) {
      return Reflect.set(target, key, bare, receiver);
    }
    const length = lengthOf(target);
    if (!Reflect.set(target, key, bare)) return false;
    this.#grew(target, key, length);
    this.#wrote(key, bare);
    return true;
  }

  deleteProperty(target: object, key: AccessKey): boolean {
    const present = Object.hasOwn(target, key);
    if (!Reflect.deleteProperty(target, key)) return false;
    if (present) this.#wrote(key, undefined);
    return true;
  }

  /** `includes` and the like: on the object itself, for the object behind a proxy, and so found either way. */
  #search(target: readonly unknown[], key: AccessKey): unknown {
    const search = Array.prototype[key as "includes"] as (...args: unknown[]) => unknown;
    return (...args: unknown[]): unknown => {
      this.#read("length", target.length);
      for (const [at, value] of target.entries()) this.#read(String(at), value);
      return search.apply(target.map(unwrap), args.map((arg, at) => at === 0 ? unwrap(arg) : arg));
    };
  }

  /** A write of a place behind the end of an array has written its length, too. */
  #grew(target: object, key: AccessKey, length: number): void {
    if (key === "length" || lengthOf(target) === length) return;
    this.#log.wrote(currentTask(), "length", lengthOf(target));
  }

  /** Whether an access is meant for this object, and not for one that inherits from it. */
  #isFor(target: object, receiver: unknown): boolean {
    return typeof receiver === "object" && receiver !== null &&
      watches.get(receiver)?.target === target;
  }

  #read(key: AccessKey, value: unknown): void {
    const task = currentTask();
    if (task !== null && !this.#watch.ignores(key)) this.#log.read(task, key, value);
  }

  #wrote(key: AccessKey, value: unknown): void {
    if (this.#watch.ignores(key)) return;
    const task = currentTask();
    const finding = this.#log.wrote(task, key, value);
    if (finding === null || task === null) return;
    this.#watch.keep(task, lostUpdate(pathOf(this.#path, key), finding, finding.lost));
  }
}

/**
 * Watches an object for lost updates: a task reads a property, yields, and then writes it, although another
 * task has written it in between. What that one wrote is gone, and neither has noticed.
 *
 * Use what is returned in place of the object. Reads and writes of its properties, and of plain objects and
 * arrays below it, are seen, in both lanes. `in`, `Object.hasOwn` and `Object.keys` are reads, too, `delete`
 * and `Object.defineProperty` writes; code that reads the length of an array has read that nothing is behind it.
 *
 * - A read-modify-write in one step, or under a lock, is silent, because nobody comes between.
 * - A read does not age: a read in one locked section and the write in the next is found.
 * - A write ends what its task has read: the next one, without another read, is taken for a blind one.
 * - Writes of code outside of every task are seen as somebody else's; its own are never late.
 * - An object has one watch, the first: shared again, or below another shared one, it is the same object.
 * - Other objects below it (a `Map`, an instance of a class) are given out as they are, unwatched. Methods of
 *   an instance that is watched itself run on the proxy, and so cannot use its `#private` fields.
 *
 * @example A read, a yield, a write
 * ```ts
 * import { lostUpdates, run, shared, spawn } from "@weft/weft";
 * const tickets = shared({ left: 2 }, { report: () => {} });
 * await run(function* () {
 *   const sell = function* () {
 *     const { left } = tickets;
 *     yield; // a task that goes on now reads the same number
 *     tickets.left = left - 1;
 *   };
 *   spawn(sell);
 *   spawn(sell);
 * });
 * if (tickets.left !== 1 || lostUpdates(tickets).length !== 1) throw new Error("not found");
 * ```
 *
 * @typeParam T The object's type.
 * @param object A plain object, an array, or an instance of a class.
 * @param options Name, where reports go, what to leave out.
 * @returns The watched object.
 * @throws {TypeError} If it is no such object, or is watched already.
 */
export function shared<T extends object>(object: T, options: SharedOptions = {}): T {
  checkOptions(options, "shared()");
  if (isObject(object) && watches.has(object)) {
    throw new TypeError("Cannot share an object twice: it is shared already");
  }
  if (!isOrdinary(object)) {
    throw new TypeError(
      `Cannot share ${
        show(object)
      }: only the properties of plain objects, arrays and instances of classes ` +
        "can be watched",
    );
  }
  const known = proxies.get(object);
  if (known !== undefined) return known as T;
  const name = reportName("Shared", options.name);
  return new Watch(options).proxyOf(object, name) as T;
}

/**
 * The lost updates that were found so far in an object, or in any other below the same {@linkcode shared}
 * one: the latest thousand, in the order in which they happened.
 *
 * @throws {TypeError} If the object is not shared.
 */
export function lostUpdates(object: object): readonly LostUpdate[] {
  const entry = isObject(object) ? watches.get(object) : undefined;
  if (entry === undefined) {
    throw new TypeError(`Cannot tell lost updates of ${show(object)}: it is not shared`);
  }
  return Object.freeze([...entry.watch.found]);
}

function currentTask(): Task | null {
  return (currentScope()?.task) ?? null;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The length of an array; of anything else 0. */
function lengthOf(target: object): number {
  return Array.isArray(target) ? target.length : 0;
}

function unwrap(value: unknown): unknown {
  return typeof value === "object" && value !== null ? watches.get(value)?.target ?? value : value;
}

function isAccessor(descriptor: PropertyDescriptor | undefined): boolean {
  return descriptor !== undefined && !("value" in descriptor);
}

/** The descriptor of a property, be it its own or inherited. */
function descriptorOf(target: object, key: AccessKey): PropertyDescriptor | undefined {
  for (let at: object | null = target; at !== null; at = Reflect.getPrototypeOf(at)) {
    const found = Reflect.getOwnPropertyDescriptor(at, key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether a value is what object and array literals make. */
function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Reflect.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether an object keeps its state in properties, and not in slots of the engine. */
function isOrdinary(value: unknown): boolean {
  if (!isObject(value) || isRevoked(value)) return false;
  return isPlain(value) || Object.prototype.toString.call(value) === "[object Object]";
}
