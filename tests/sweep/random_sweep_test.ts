import { assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";
import { playRandom } from "../lib/random_program.ts";

law("Whatever 10 000 random programs do, no clean-up, lock or item is lost", async () => {
  for (let seed = 1000; seed < 11_000; seed++) {
    const { wrong } = await playRandom(seed);
    assertEquals(wrong, [], `seed ${seed}`);
  }
}, 600_000);
