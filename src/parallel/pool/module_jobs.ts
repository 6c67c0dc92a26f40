/**
 * The functions of a module one does not own, as jobs.
 *
 * The names are known to the type checker only, and the module must not be loaded on this thread just
 * to learn them; so this is the one place where a `Proxy` makes the properties as they are asked for.
 */
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

/** Makes the proxy; `submit` is called for each job. */
export function moduleJobs<M>(
  url: string | URL,
  submit: (job: Addressed<AnyFunction>, args: readonly unknown[]) => Future<unknown>,
): ModuleJobs<M> {
  if (!URL.canParse(String(url))) {
    throw new TypeError(
      `Cannot use ${JSON.stringify(String(url))} as a module: it is no absolute URL; ` +
        `write import.meta.resolve(${JSON.stringify(String(url))})`,
    );
  }
  const { href } = new URL(url);
  const made = new Map<string, unknown>();
  return new Proxy({}, {
    get(_target, name): unknown {
      // No job is called `then`: whoever awaits the module would wait for one.
      if (typeof name !== "string" || name === "then") return undefined;
      if (!made.has(name)) made.set(name, moduleJob({ url: href, name }, submit));
      return made.get(name);
    },
  }) as ModuleJobs<M>;
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
