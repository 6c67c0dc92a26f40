/** Operations that a lock or a queue gives out again when the one before was done at once. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Lock, Queue, race, run, Semaphore, sleep, spawn, type TaskBody } from "@weft/weft";
import { law, lawInBothLanes } from "../lib/law.ts";

law("Two operations that were made before either was waited for are two", async () => {
  await run(function* () {
    const permits = new Semaphore(3);
    yield* permits.acquire();
    const [one, two] = [permits.acquire(), permits.acquire()];
    assert(one !== two);
    yield* two;
    yield* one;
    assertEquals(permits.value, 0);
  });
});

law("An operation that a race has is not given out again", async () => {
  await run(function* () {
    const queue = new Queue<number>();
    yield* queue.put(0);
    yield* queue.get();
    const get = queue.get();
    yield* race([get, sleep(1)]);
    const another = queue.get();
    assert(another !== get);
    queue.tryPut(1);
    assertEquals(yield* get, 1);
    yield* race([another, sleep(1)]);
  });
});

law("An operation may be waited for again, also when it was given out meanwhile", async () => {
  await run(function* () {
    const lock = new Lock();
    const first = lock.acquire();
    for (let i = 0; i < 3; i++) {
      yield* first;
      lock.release();
      yield* lock.acquire();
      lock.release();
    }
  });
});

lawInBothLanes("A forgotten acquire() is told also after others were done at once", {
  fast: async () => {
    const error = await assertRejects(() =>
      run(function* () {
        const lock = new Lock("mine");
        for (let i = 0; i < 3; i++) {
          yield* lock.acquire();
          lock.release();
        }
        lock.acquire();
      }), TypeError);
    assertStringIncludes(error.message, "mine.acquire()");
  },
  async: async () => {
    const error = await assertRejects(() =>
      run(async function* () {
        const lock = new Lock("mine");
        for (let i = 0; i < 3; i++) {
          yield* lock.acquire();
          lock.release();
        }
        lock.acquire();
      }), TypeError);
    assertStringIncludes(error.message, "mine.acquire()");
  },
});

law("The one who forgets is named, not the one whose operation was given out again", async () => {
  const error = await assertRejects(() =>
    run(function* () {
      const lock = new Lock();
      spawn(function* () {
        yield* lock.acquire();
        lock.release();
      }).name = "careful";
      yield;
      const careless = spawn(function* () {
        lock.acquire();
      });
      careless.name = "careless";
      yield;
    }), TypeError);
  assertStringIncludes(error.message, `"careless"`);
});

lawInBothLanes("A task that forgot many operations names the first few, and counts the rest", {
  fast: () =>
    forgetsMany(function* () {
      forget(10_000);
    }),
  async: () =>
    forgetsMany(async function* () {
      forget(10_000);
    }),
});

function forget(count: number): void {
  const queue = new Queue<number>();
  for (let i = 0; i < count; i++) queue.put(i);
}

async function forgetsMany(body: TaskBody<[], void>): Promise<void> {
  const { message } = await assertRejects(() => run(body), TypeError);
  assert(message.length < 1_000, `${message.length} characters`);
  assertStringIncludes(message, 'and 9980 more: write "yield* Queue#');
}
