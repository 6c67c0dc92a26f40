/**
 * The functions a node may run: those of the modules it was started with, and no others.
 *
 * A job names its function and what its module was; nothing in a message is a URL or code. So a node
 * compares, and what it does not find it does not run. To know the names it loads each module on this
 * thread, too, which the workers do anyway: a module that computes at its top level does so here as well.
 */
import { messageText, printable } from "../../kernel/printable.ts";
import {
  type Addressed,
  type AnyFunction,
  isTaskBody,
  type JobAddress,
  jobAddress,
  tableOf,
} from "../../parallel/jobs.ts";
import { moduleUrl } from "../../parallel/pool/module_jobs.ts";
import { moduleHash } from "../wire/job_hash.ts";

/** What a pool can be given. */
export type KnownFunction = Addressed<AnyFunction>;

/** Functions by hash and name. */
export class KnownFunctions {
  readonly #found: ReadonlyMap<string, KnownFunction>;
  /** How many modules they come from. */
  readonly modules: number;

  private constructor(found: ReadonlyMap<string, KnownFunction>, modules: number) {
    this.#found = found;
    this.modules = modules;
  }

  /**
   * Loads modules.
   *
   * @param urls Absolute URLs.
   * @throws {TypeError} If one is not absolute, cannot be read or loaded, or has no function.
   */
  static async load(urls: readonly (string | URL)[]): Promise<KnownFunctions> {
    const found = new Map<string, KnownFunction>();
    for (const url of urls) {
      const { href } = moduleUrl(url);
      const hash = moduleHash(href);
      const functions = await functionsOf(href);
      if (functions.size === 0) {
        throw new TypeError(`Cannot use ${printable(href)}: it has no job and exports no function`);
      }
      for (const [name, job] of functions) found.set(entry(hash, name), job);
    }
    return new KnownFunctions(found, urls.length);
  }

  /** Each as `<hash> <name>`. */
  get list(): string[] {
    return [...this.#found.keys()];
  }

  /** The function, if the node may run it. */
  find(hash: string, name: string): KnownFunction | undefined {
    return this.#found.get(entry(hash, name));
  }
}

/** How a function is called in a node's health. */
export function entry(hash: string, name: string): string {
  return `${hash} ${name}`;
}

async function functionsOf(url: string): Promise<Map<string, KnownFunction>> {
  let module: Record<string, unknown>;
  try {
    module = await import(url);
  } catch (error) {
    throw new TypeError(`Cannot load ${printable(url)}: ${printable(messageText(error))}`, {
      cause: error,
    });
  }
  const found = new Map<string, KnownFunction>();
  for (const [name, value] of Object.entries(module)) {
    if (typeof value === "function") {
      found.set(name, addressed({ url, name, isTaskBody: isTaskBody(value) }));
    }
  }
  // A job that the module made itself is called by the name it has there.
  for (const [name, f] of tableOf(url)) {
    found.set(name, addressed({ url, name, isTaskBody: isTaskBody(f) }));
  }
  return found;
}

/** What carries an address is a function; this one is never called. */
function addressed(address: JobAddress): KnownFunction {
  const job = (): never => {
    throw new Error(`${address.name} is called in workers only`);
  };
  return Object.assign(job, { [jobAddress]: Object.freeze(address) });
}
