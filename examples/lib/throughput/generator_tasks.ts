/**
 * The four tasks as `function*`, weft's fast lane: each `yield*` waits for an operation, and there is
 * no promise between the scheduler and the task.
 */
import { connect } from "@weft/weft";
import type { Site, Workload } from "./plan.ts";
import { add, compute, decode, encode, MESSAGE_BYTES, saying, WORD_BYTES } from "./work.ts";

/** A task: gives its result, and adds how long each of its operations took to `laps`. */
export type GeneratorTask = (
  id: number,
  site: Site,
  laps: number[],
) => Generator<unknown, number, unknown>;

const hostname = "127.0.0.1";

function* ask(port: number, id: number): Generator<unknown, number, unknown> {
  using socket = yield* connect({ hostname, port });
  yield* socket.sendAll(encode(id));
  return decode(yield* socket.recvExactly(WORD_BYTES));
}

/** The tasks by workload. */
export const generatorTasks: Record<Workload, GeneratorTask> = {
  *io(id, site, laps) {
    const began = performance.now();
    const result = yield* ask(site.delayPort, id);
    laps.push(performance.now() - began);
    return result;
  },

  *cpu(id, _site, laps) {
    const began = performance.now();
    const result = compute(id);
    laps.push(performance.now() - began);
    return result;
  },

  *mixed(id, site, laps) {
    const began = performance.now();
    const result = compute(yield* ask(site.delayPort, id));
    laps.push(performance.now() - began);
    return result;
  },

  *echo(id, site, laps) {
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
