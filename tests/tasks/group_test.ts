import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  type Cancelled,
  currentTask,
  group,
  GroupError,
  run,
  RunFinishedError,
  sleep,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { nap, thrown, virtually } from "../lib/virtual.ts";

const boom = new Error("boom");

law("A group raises one GroupError with every error, its body's included", async () => {
  const error = await run(async function* () {
    yield* group(async function* (g) {
      g.spawn(async function* () {
        try {
          yield* sleep(1e6);
        } catch {
          throw new Error("while cleaning");
        }
      });
      yield* sleep(1);
      throw boom;
    }, { name: "g" });
  }, { clock: new VirtualClock() }).catch((error) => error);
  assertInstanceOf(error, GroupError);
  assertEquals(error.errors.map((e: Error) => e.message), ["boom", "while cleaning"]);
});

law(
  "A group waits for its children, lets cancelled ones pass, and refuses new ones after its end",
  async () => {
    await virtually(async function* () {
      const log: string[] = [];
      let late: (() => unknown) | undefined;
      const value = yield* group(async function* (g) {
        g.spawn(async function* () {
          yield* sleep(5);
          log.push("child");
        });
        const victim = g.spawn(nap, 100, 0);
        yield* sleep(1);
        victim.cancel();
        late = () => g.spawn(nap, 1, 0);
        assertEquals(g.tasks.length, 2);
        return "value";
      });
      assertEquals([value, ...log], ["value", "child"]);
      assertThrows(late!, RunFinishedError);
    });
  },
);

law("A failing sibling's error reaches the cancelled ones as the cause", async () => {
  const boom = new Error("boom");
  let cancel: Cancelled | undefined;
  await virtually(async function* () {
    yield* thrown(group(async function* (g) {
      g.spawn(async function* () {
        try {
          yield* sleep(100);
        } catch (error) {
          cancel = error as Cancelled;
          throw error;
        }
      });
      g.spawn(async function* () {
        yield* sleep(1);
        throw boom;
      });
    }));
    assertEquals([cancel!.source, cancel!.cause], ["group", boom]);
    assertEquals(currentTask().name, "main");
  });
});
