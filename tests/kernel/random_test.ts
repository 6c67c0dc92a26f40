import { assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";
import { playRandom } from "../lib/random_program.ts";

law("Whatever 100 random programs do, no clean-up, lock or item is lost", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const { wrong } = await playRandom(seed);
    assertEquals(wrong, [], `seed ${seed}`);
  }
}, 60_000);

law("A seed replays a random program event by event", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    assertEquals((await playRandom(seed)).trace, (await playRandom(seed)).trace, `seed ${seed}`);
  }
}, 60_000);
