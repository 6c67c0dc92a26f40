import { law } from "../lib/law.ts";
import { wakeInOrder } from "../lib/sleepers.ts";

law(
  "A million sleepers wake in the order of their deadlines",
  () => wakeInOrder(1_000_000),
  120_000,
);
