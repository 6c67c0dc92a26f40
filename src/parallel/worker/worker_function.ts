/** The functions a worker was told of: found on first use, timed on every one. */
import { findJob, isTaskBody, loadKnown } from "../jobs.ts";
import type { FunctionDefinition } from "../thread/wire.ts";

/** A call longer than this makes the function one to be careful with, in milliseconds. */
const LONG_MS = 1;
/** For this many calls. New functions are treated so, too. */
const CAREFUL_CALLS = 32;

/** A function, called with whatever came over the wire. */
export type Call = (...args: unknown[]) => unknown;

/** One function of some module. */
export class WorkerFunction {
  /** Its number on the wire. */
  readonly id: number;
  /** Its name. */
  readonly name: string;
  /** The function, once it is loaded. */
  call: Call | null = null;
  /** Whether it is known to return promises. */
  isAsync = false;
  /** Whether it is a task body. */
  isTaskBody: boolean;
  /** Whether the pool has said so. */
  readonly declared: boolean;
  /** Whether the pool has been told what a call takes. */
  reported = false;
  /** Calls since the last report. */
  calls = 0;
  /** Time they took, in milliseconds. */
  ms = 0;
  readonly #url: string;
  #careful = CAREFUL_CALLS;

  /** A function nobody has looked for. */
  constructor([id, url, name, isTaskBody]: FunctionDefinition) {
    this.id = id;
    this.isTaskBody = this.declared = isTaskBody;
    this.name = name;
    this.#url = url;
  }

  /**
   * Whether the next call may well be a long one, so that finished results must not wait behind it. A
   * function earns trust by a row of short calls.
   */
  get careful(): boolean {
    return this.#careful > 0;
  }

  /** Takes note of calls. */
  took(calls: number, ms: number): void {
    this.calls += calls;
    this.ms += ms;
    if (ms > LONG_MS) this.#careful = CAREFUL_CALLS;
    else if (this.#careful > 0) this.#careful -= calls;
  }

  /** Takes note that the pool has been told. */
  report(): void {
    this.reported = true;
    this.calls = this.ms = 0;
  }

  /** Imports the module and finds the function in it. */
  async load(): Promise<void> {
    const found = await loadKnown({ url: this.#url, name: this.name }, findJob);
    this.call = found as Call;
    this.isTaskBody = isTaskBody(found);
    this.isAsync = this.isTaskBody ||
      Object.prototype.toString.call(found) === "[object AsyncFunction]";
  }
}

/** Calls a function with `size` of the arguments, from `offset` on: a list of its own for each call costs more. */
export function apply(f: Call, args: readonly unknown[], offset: number, size: number): unknown {
  switch (size) {
    case 0:
      return f();
    case 1:
      return f(args[offset]);
    case 2:
      return f(args[offset], args[offset + 1]);
    default:
      return f(...args.slice(offset, offset + size));
  }
}
