/** A value that can be awaited is given out as it is: what is taken from a queue is the task put there. */
import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  AsyncResult,
  Broadcast,
  Channel,
  group,
  moveOnAfter,
  type Operation,
  PriorityQueue,
  Queue,
  race,
  run,
  shield,
  sleep,
  spawn,
  Task,
  TaskPool,
  withTimeout,
} from "@weft/weft";
import { law } from "../lib/law.ts";

/** A task that never ends by itself: whoever waits for it hangs. */
const endless = (): Task<never> => {
  const task = spawn(function* (): Generator<unknown, never, never> {
    for (;;) yield* sleep(60_000) as unknown as Iterable<unknown, void, never>;
  });
  task.daemon = true;
  return task;
};

/** Operations whose value is the given task. */
const SOURCES: Record<string, (task: Task) => Operation<unknown>> = {
  "Queue.get()": (task) => {
    const queue = new Queue<Task>();
    queue.tryPut(task);
    return queue.get();
  },
  "a get() that waits": (task) => {
    const queue = new Queue<Task>();
    spawn(function* () {
      queue.tryPut(task);
    });
    return queue.get();
  },
  "PriorityQueue.get()": (task) => {
    const queue = new PriorityQueue<Task>();
    queue.tryPut(task);
    return queue.get();
  },
  "AsyncResult.get()": (task) => {
    const result = new AsyncResult<Task>();
    result.set(task);
    return result.get();
  },
  "AsyncResult.get(ms)": (task) => {
    const result = new AsyncResult<Task>();
    result.set(task);
    return result.get(1000);
  },
  "task.get()": (task) =>
    spawn(function* () {
      return task;
    }).get(),
  "withTimeout()": (task) =>
    withTimeout(1000, function* () {
      return task;
    }),
  "moveOnAfter()": (task) => {
    const queue = new Queue<Task>();
    queue.tryPut(task);
    return moveOnAfter(1000, queue.get());
  },
  "shield()": (task) =>
    shield(function* () {
      yield;
      return task;
    }),
  "group()": (task) =>
    group(function* () {
      return task;
    }),
  "race()": (task) => {
    const queue = new Queue<Task>();
    queue.tryPut(task);
    return race([queue.get(), sleep(1000)]);
  },
  "Channel.receive()": (task) => {
    const channel = new Channel<Task>(1);
    channel.sender.trySend(task);
    return channel.receiver.receive();
  },
};

for (const [name, source] of Object.entries(SOURCES)) {
  law(`A task as the value of ${name} is given out, in both lanes and by helpers`, async () => {
    await run(function* () {
      const task = endless();
      assertStrictEquals(yield* source(task), task);
    });
    await run(async function* () {
      const task = endless();
      assertStrictEquals(yield* source(task), task);
      const helper = function* () {
        const value = yield* source(task);
        return [value];
      };
      const [value] = yield* helper();
      assertStrictEquals(value, task);
      const [deeper] = yield* (function* () {
        return yield* helper();
      })();
      assertStrictEquals(deeper, task);
    });
  });
}

law(
  "pool.spawn() gives the task, in an async body and in a function* it delegates to",
  async () => {
    await run(async function* () {
      const pool = new TaskPool(3);
      const slow = async function* () {
        yield* sleep(5);
        return "value";
      };
      const one = yield* pool.spawn(slow);
      assertEquals([one instanceof Task, one.done], [true, false]);
      const [two] = yield* (function* () {
        return [yield* pool.spawn(slow)];
      })();
      assertEquals([two instanceof Task, two!.done], [true, false]);
      assertEquals(yield* two!, "value");
    });
  },
);

law("for await over a queue, a channel or a subscription gives out tasks as they are", async () => {
  await run(async function* () {
    const task = endless();
    const queue = new Queue<Task>();
    queue.tryPut(task);
    const channel = new Channel<Task>(1);
    channel.sender.trySend(task);
    const broadcast = new Broadcast<Task>({ capacity: 1 });
    const subscription = broadcast.subscribe();
    yield* broadcast.send(task);
    for (const source of [queue, channel.receiver, subscription]) {
      for await (const one of source as AsyncIterable<unknown>) {
        assertStrictEquals(one, task);
        break;
      }
    }
  });
});

law("Outside of a run, yield* gives out a task as it is, too", async () => {
  let task: Task | undefined;
  const queue = new Queue<Task>();
  await run(async function* () {
    task = spawn(async function* () {});
  });
  queue.tryPut(task!);
  const outside = async function* (): AsyncGenerator<unknown> {
    yield [yield* queue.get()];
  };
  for await (const got of outside()) assertStrictEquals((got as Task[])[0], task);
});
