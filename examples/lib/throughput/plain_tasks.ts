/**
 * The four tasks in plain Deno: `async` functions and promises, no weft. Compare with
 * `generator_tasks.ts` and `coroutine_tasks.ts`, which say the same in weft's two spellings.
 *
 * Each task opens a connection of its own and closes it, as a real client would. Reusing one was
 * considered: it would take the cost of connecting (about 0.1 ms on loopback, the same for each
 * engine) out of `io`, but also the point, which is many waits at once. In `echo`, a connection is
 * used for all rounds of its client, so connecting hardly counts there.
 */
import { readExactly, writeAll } from "./plain_io.ts";
import type { Site, Workload } from "./plan.ts";
import { add, compute, decode, encode, MESSAGE_BYTES, saying, WORD_BYTES } from "./work.ts";

/** A task: gives its result, and adds how long each of its operations took to `laps`. */
export type PlainTask = (id: number, site: Site, laps: number[]) => Promise<number>;

const hostname = "127.0.0.1";

async function ask(port: number, id: number): Promise<number> {
  using conn = await Deno.connect({ hostname, port });
  await writeAll(conn, encode(id));
  return decode(await readExactly(conn, WORD_BYTES));
}

/** The tasks by workload. */
export const plainTasks: Record<Workload, PlainTask> = {
  async io(id, site, laps) {
    const began = performance.now();
    const result = await ask(site.delayPort, id);
    laps.push(performance.now() - began);
    return result;
  },

  // deno-lint-ignore require-await -- a computation has nothing to wait for
  async cpu(id, _site, laps) {
    const began = performance.now();
    const result = compute(id);
    laps.push(performance.now() - began);
    return result;
  },

  async mixed(id, site, laps) {
    const began = performance.now();
    const result = compute(await ask(site.delayPort, id));
    laps.push(performance.now() - began);
    return result;
  },

  async echo(id, site, laps) {
    using conn = await Deno.connect({ hostname, port: site.echoPort });
    let result = 0;
    for (let round = 0; round < site.rounds; round++) {
      const began = performance.now();
      await writeAll(conn, encode(saying(id, round), MESSAGE_BYTES));
      result = add(result, decode(await readExactly(conn, MESSAGE_BYTES)));
      laps.push(performance.now() - began);
    }
    return result;
  },
};
