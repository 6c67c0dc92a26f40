import { law } from "../lib/law.ts";
import { playTimeouts } from "../lib/random_timeouts.ts";

law(
  "recv and recvExactly under 10 000 random timeouts lose no byte",
  () => playTimeouts(10_000),
  120_000,
);
