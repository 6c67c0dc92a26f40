import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { Lock, moveOnAfter, sleep, TimeoutError, withTimeout } from "@weft/weft";
import { law } from "../lib/law.ts";
import { thrown, virtually } from "../lib/virtual.ts";

law(
  "Of two deadlines that expire together, the outer one is reported by the outer scope",
  async () => {
    await virtually(async function* () {
      const error = yield* thrown(
        withTimeout(5, async function* () {
          try {
            yield* withTimeout(5, sleep(100));
          } catch (error) {
            assert(!(error instanceof TimeoutError), "the inner scope took the outer's cancel");
            throw error;
          }
        }),
      );
      assertInstanceOf(error, TimeoutError);
    });
  },
);

law("An inner deadline leaves the outer one in force", async () => {
  await virtually(async function* () {
    const log: string[] = [];
    const error = yield* thrown(
      withTimeout(10, async function* () {
        log.push(String(yield* moveOnAfter(3, sleep(100))));
        yield* sleep(100);
      }),
    );
    assertInstanceOf(error, TimeoutError);
    assertEquals([error.ms, ...log], [10, "undefined"]);
  });
});

law(
  "Work that ends in time is not disturbed by its timeout, and a lock taken in it has one holder",
  async () => {
    await virtually(async function* () {
      const lock = new Lock();
      yield* lock.acquire();
      yield* withTimeout(5, async function* () {
        lock.release(); // the same task, so the same holder
        yield* lock.acquire();
      });
      lock.release();
      yield* sleep(20);
    });
  },
);
