/** The plainest queue between threads: put, get, empty. */
import { checkOptions } from "../../kernel/checks.ts";
import type { Operation } from "../../kernel/operation.ts";
import { channelBytes, initChannel, SharedChannel, UNBOUNDED } from "./channel.ts";
import { registerShared, shareable, type SharedHandle } from "./pack.ts";
import { DEFAULT_BYTES, type SharedQueueOptions } from "./queue.ts";
import { ringSize } from "./ring.ts";
import { handleOf, isHandle, newRegion, type Region, regionOf } from "./region.ts";

function makeRegion({ bytes = DEFAULT_BYTES }: SharedQueueOptions): Region {
  const ring = ringSize(bytes);
  const region = newRegion("SimpleQueue", channelBytes(ring.size));
  initChannel(region.words, 0, ring, UNBOUNDED);
  return region;
}

/**
 * A queue between threads that can put and get and nothing else: pass it to a job, and it is the same
 * queue there.
 *
 * It holds what its bytes hold, as Python's `multiprocessing.SimpleQueue` holds what a pipe holds: `put`
 * waits while there is no room, and an item larger than all of it is an error. Otherwise like
 * {@linkcode SharedQueue}.
 *
 * @example
 * ```ts
 * import { run, SimpleQueue } from "@weft/weft";
 * await run(async function* () {
 *   const queue = new SimpleQueue<string>();
 *   yield* queue.put("hello");
 *   if ((yield* queue.get()) !== "hello" || !queue.empty) throw new Error();
 * });
 * ```
 *
 * @typeParam T The items' type.
 */
export class SimpleQueue<T = unknown> {
  /** Makes a handle, for a bare `postMessage`; jobs and processes take the queue itself. */
  readonly share: () => SharedHandle = shareable(this, () => handleOf(this.#region));
  readonly #region: Region;
  readonly #channel: SharedChannel;

  /**
   * Makes an empty queue; with a handle, another view of the one behind it.
   *
   * @throws {RangeError} If the number of bytes is out of range.
   */
  constructor(options: SharedQueueOptions | SharedHandle = {}) {
    const region = this.#region = isHandle(options)
      ? regionOf(options, "SimpleQueue")
      : makeRegion(checkOptions(options, "SimpleQueue"));
    const terms = { write: `put into ${region.name}`, read: `get from ${region.name}` };
    this.#channel = new SharedChannel(region, 0, terms);
  }

  /** The queue behind a handle. */
  static from<T = unknown>(handle: SharedHandle): SimpleQueue<T> {
    return new SimpleQueue(handle);
  }

  /** Whether it holds no item at this moment. */
  get empty(): boolean {
    return this.#channel.length === 0;
  }

  /** Puts an item in; waits while there is no room. Throws like {@linkcode SharedQueue.put}. */
  put(item: T): Operation<void> {
    return this.#channel.write(`${this}.put()`, item);
  }

  /** Takes the item that was put first; waits while there is none. Throws like {@linkcode SharedQueue.get}. */
  get(): Operation<T> {
    return this.#channel.read(`${this}.get()`) as Operation<T>;
  }

  /** Puts an item in; blocks while there is no room. For the plain code of a worker. */
  putSync(item: T): void {
    this.#channel.writeSync(this, "putSync", item);
  }

  /** Takes the item that was put first; blocks while there is none. For the plain code of a worker. */
  getSync(): T {
    return this.#channel.readSync(this, "getSync") as T;
  }

  /** As in `SimpleQueue#1`. */
  toString(): string {
    return this.#region.name;
  }
}

registerShared("SimpleQueue", SimpleQueue.from);
