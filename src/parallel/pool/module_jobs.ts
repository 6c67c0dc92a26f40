/**
 * The functions of a module one does not own, as jobs.
 *
 * The names are known to the type checker only, and the module must not be loaded on this thread just
 * to learn them; so this is the one place where a `Proxy` makes the properties as they are asked for.
 */
import { isInstance } from "../../kernel/checks.ts";
import { show } from "../../kernel/printable.ts";
import type { Future } from "./future.ts";
import {
  type Addressed,
  type AnyFunction,
  type JobAddress,
  jobAddress,
  type JobArguments,
  type JobResult,
} from "../jobs.ts";

/** An exported function as a job: called, it is submitted; it can also be passed to `submit` and `map`. */
export type ModuleJob<F extends AnyFunction> =
  & ((...args: JobArguments<F>) => Future<JobResult<F>>)
  & Addressed<F>;

/** The functions among the exports of a module; everything else is left out. */
export type ModuleJobs<M> = {
  readonly [K in keyof M as M[K] extends AnyFunction ? K : never]: M[K] extends AnyFunction
    ? ModuleJob<M[K]>
    : never;
};

/**
 * What other code asks of any object, to await it, print it or compare it. No job has such a name: who
 * asks does not mean to send one.
 */
const asked: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  "then",
  "toJSON",
]);

/**
 * The URL of a module.
 *
 * @throws {TypeError} If it is not absolute.
 */
export function moduleUrl(url: string | URL): URL {
  if (isInstance(url, URL)) return new URL(url);
  const text: unknown = url;
  if (typeof text === "string" && URL.canParse(text)) return new URL(text);
  throw new TypeError(
    `Cannot use ${show(text)} as a module: it is no absolute URL; ` +
      `write import.meta.resolve(${show(text)})`,
  );
}

/** Makes the proxy; `submit` is called for each job. */
export function moduleJobs(
  href: string,
  submit: (job: Addressed<AnyFunction>, args: readonly unknown[]) => Future<unknown>,
): ModuleJobs<unknown> {
  const made = new Map<string, unknown>();
  return new Proxy({}, {
    get(target, name, receiver): unknown {
      if (typeof name !== "string" || asked.has(name)) return Reflect.get(target, name, receiver);
      if (!made.has(name)) made.set(name, moduleJob({ url: href, name }, submit));
      return made.get(name);
    },
  }) as ModuleJobs<unknown>;
}

function moduleJob(
  address: JobAddress,
  submit: (job: Addressed<AnyFunction>, args: readonly unknown[]) => Future<unknown>,
): unknown {
  const job = (...args: unknown[]): unknown =>
    submit(job as unknown as Addressed<AnyFunction>, args);
  Object.defineProperty(job, "name", { value: address.name });
  return Object.defineProperty(job, jobAddress, { value: Object.freeze(address) });
}
