import { assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";
import { playSupervision } from "../lib/random_supervision.ts";

law("On 10 000 random schedules a supervisor does what a list of events says", async () => {
  for (let seed = 1000; seed < 11_000; seed++) {
    const { found, expected } = await playSupervision(seed);
    assertEquals(found, expected, `seed ${seed}`);
  }
}, 600_000);
