import { assertEquals, assertStrictEquals } from "@std/assert";
import { all, run, sleep } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { nap, virtually } from "../lib/virtual.ts";

const boom = new Error("boom");

law("all() throws the failing work's own error after the others have cleaned up", async () => {
  const log: string[] = [];
  const error = await run(function* () {
    yield* all([
      function* () {
        try {
          yield* sleep(1e6);
        } finally {
          log.push("cleaned");
        }
      },
      function* () {
        yield* sleep(1);
        throw boom;
      },
    ]);
  }, { clock: new VirtualClock() }).catch((error) => error);
  assertStrictEquals(error, boom);
  assertEquals(log, ["cleaned"]);
});

law("all() evaluates to the results in the order given, whichever came first", async () => {
  const values = await virtually(async function* () {
    return yield* all([nap(5, "slow"), () => nap(1, 2), Promise.resolve(true), sleep(2)]);
  });
  assertEquals(values, ["slow", 2, true, undefined]);
});

law("all() of nothing is an empty list", async () => {
  assertEquals(
    await virtually(async function* () {
      return yield* all([]);
    }),
    [],
  );
});
