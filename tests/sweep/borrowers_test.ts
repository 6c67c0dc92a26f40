import { law } from "../lib/law.ts";
import { playBorrowers } from "../lib/random_borrowers.ts";

law(
  "On 10 000 random schedules a limiter does what a list of borrowers would",
  () => playBorrowers(10_000),
  120_000,
);
