/**
 * Random programs against a model: tasks of both lanes that sleep, queue, lock, time out, group, shield
 * and cancel one another, as a seed decides. What must hold whatever happens: every clean-up runs once,
 * no lock stays held, no item is lost or doubled, the run ends, and the seed replays it.
 */
import {
  Cancelled,
  cede,
  group,
  GroupError,
  Lock,
  moveOnAfter,
  Queue,
  race,
  run,
  shield,
  sleep,
  spawn,
  type Task,
  TimeoutError,
  withTimeout,
} from "@weft/weft";
import { type Instrument, seededChoose } from "@weft/weft/lowlevel";
import { VirtualClock } from "@weft/weft/testing";

/** What a random program did. */
export interface Outcome {
  /** Every event, in order. */
  trace: string[];
  /** Broken invariants; empty when all is well. */
  wrong: string[];
}

/** A program that fails on purpose now and then; its errors are part of the play. */
class Planned extends Error {}

/** Runs the program of a seed, watched by some instruments. */
export async function playRandom(
  seed: number,
  instruments: readonly Instrument[] = [],
): Promise<Outcome> {
  const choose = seededChoose(seed);
  const trace: string[] = [];
  const wrong: string[] = [];
  const queue = new Queue<number>(3, "Q");
  const locks = [new Lock("L0"), new Lock("L1")];
  const live: Task[] = [];
  let put = 0;
  let got = 0;
  let opened = 0;
  let closed = 0;
  let item = 0;
  const seen = new Set<number>();

  const took = (value: number): void => {
    got++;
    if (seen.has(value)) wrong.push(`item ${value} came twice`);
    seen.add(value);
  };

  /** One action, as a function* so that both lanes can delegate to it. */
  function* act(depth: number): Generator<unknown, void, unknown> {
    opened++;
    try {
      switch (choose(depth > 2 ? 7 : 12)) {
        case 0:
          yield* sleep(choose(5));
          break;
        case 1:
          yield;
          break;
        case 2: {
          const mine = ++item;
          yield* queue.put(mine);
          put++;
          break;
        }
        case 3: {
          const value = yield* moveOnAfter(choose(4), queue.get());
          if (value !== undefined) took(value);
          break;
        }
        case 4: {
          using _guard = yield* locks[choose(2)]!.acquire();
          yield* sleep(choose(3));
          break;
        }
        case 5:
          live[choose(live.length)]?.cancel("at random");
          break;
        case 6:
          if (choose(8) === 0) throw new Planned("planned");
          yield* cede();
          break;
        case 7:
          yield* shield(() => act(depth + 1));
          break;
        case 8:
          try {
            yield* withTimeout(choose(4), () => slowAct(depth + 1));
          } catch (error) {
            if (!(error instanceof TimeoutError)) throw error;
          }
          break;
        case 9:
          try {
            yield* group(function* (g) {
              g.spawn(act, depth + 1);
              g.spawn(slowAct, depth + 1);
              yield* act(depth + 1);
            });
          } catch (error) {
            if (!(error instanceof GroupError)) throw error;
          }
          break;
        case 10:
          yield* race([() => act(depth + 1), () => slowAct(depth + 1), sleep(2)]);
          break;
        case 11: {
          const task = spawn(choose(2) === 0 ? fastBody : slowBody, depth + 1);
          task.observe();
          live.push(task);
          break;
        }
      }
    } finally {
      closed++;
    }
  }

  async function* slowAct(depth: number): AsyncGenerator<unknown, void, unknown> {
    if (choose(3) === 0) await Promise.resolve();
    if (choose(4) === 0) {
      await sleep(choose(3));
    } else yield* act(depth);
  }

  function* fastBody(depth: number): Generator<unknown, void, unknown> {
    for (let i = choose(6); i >= 0; i--) yield* act(depth);
  }

  async function* slowBody(depth: number): AsyncGenerator<unknown, void, unknown> {
    for (let i = choose(6); i >= 0; i--) yield* slowAct(depth);
  }

  const number = (task: Task) => task.id;
  await run(async function* () {
    for (let i = 0; i < 6; i++) {
      const task = spawn(i % 2 === 0 ? fastBody : slowBody, 0);
      task.observe();
      live.push(task);
    }
    // Whoever is stuck on the full queue is served in the end.
    const drain = spawn(function* () {
      for (;;) took(yield* queue.get());
    });
    yield* sleep(1e5);
    drain.cancel();
    yield* drain.join();
    for (const task of live) task.cancel();
  }, {
    clock: new VirtualClock(),
    seed,
    warn: (message) => trace.push(message),
    instruments: [...instruments, {
      spawned: (task) => trace.push(`+${number(task)}`),
      ready: (task, by) => trace.push(`r${number(task)}${by === undefined ? "" : `<${by.id}`}`),
      stepBegin: (task) => trace.push(`b${number(task)}`),
      waiting: (task, on) => trace.push(`w${number(task)} ${on}`),
      exited: (task) => {
        trace.push(`x${number(task)}`);
        const { error } = task;
        if (task.failed && !isPlanned(error)) wrong.push(`${task.name} failed: ${error}`);
        for (const held of task.holdings) wrong.push(`${task.name} ended with ${held}`);
      },
    }],
  }).catch((error) => {
    if (!isPlanned(error)) wrong.push(`the run failed: ${error}`);
  });
  while (!queue.empty) took(queue.tryGet());
  if (opened !== closed) wrong.push(`${opened} actions began, ${closed} ended`);
  for (const lock of locks) if (lock.locked) wrong.push(`${lock} is held`);
  const { getting, putting } = queue.statistics();
  if (getting + putting > 0) wrong.push(`${getting} getters and ${putting} putters are left`);
  if (got < put) wrong.push(`${put} items were put, ${got} came out`);
  return { trace, wrong };
}

function isPlanned(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isPlanned);
  return error instanceof Planned || error instanceof Cancelled;
}
