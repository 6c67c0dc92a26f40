/**
 * The four tasks as `async function*`, weft's usual spelling: as `generator_tasks.ts`, and any of them
 * could also `await` a promise.
 */
import { connect } from "@weft/weft";
import type { Site, Workload } from "./plan.ts";
import { add, compute, decode, encode, MESSAGE_BYTES, saying, WORD_BYTES } from "./work.ts";

/** A task: gives its result, and adds how long each of its operations took to `laps`. */
export type CoroutineTask = (
  id: number,
  site: Site,
  laps: number[],
) => AsyncGenerator<unknown, number, unknown>;

const hostname = "127.0.0.1";

async function* ask(port: number, id: number): AsyncGenerator<unknown, number, unknown> {
  using socket = yield* connect({ hostname, port });
  yield* socket.sendAll(encode(id));
  return decode(yield* socket.recvExactly(WORD_BYTES));
}

/** The tasks by workload. */
export const coroutineTasks: Record<Workload, CoroutineTask> = {
  async *io(id, site, laps) {
    const began = performance.now();
    const result = yield* ask(site.delayPort, id);
    laps.push(performance.now() - began);
    return result;
  },

  async *cpu(id, _site, laps) {
    const began = performance.now();
    const result = compute(id);
    laps.push(performance.now() - began);
    return result;
  },

  async *mixed(id, site, laps) {
    const began = performance.now();
    const result = compute(yield* ask(site.delayPort, id));
    laps.push(performance.now() - began);
    return result;
  },

  async *echo(id, site, laps) {
    using socket = yield* connect({ hostname, port: site.echoPort });
    let result = 0;
    for (let round = 0; round < site.rounds; round++) {
      const began = performance.now();
      yield* socket.sendAll(encode(saying(id, round), MESSAGE_BYTES));
      result = add(result, decode(yield* socket.recvExactly(MESSAGE_BYTES)));
      laps.push(performance.now() - began);
    }
    return result;
  },
};
