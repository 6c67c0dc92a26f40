import { law } from "../lib/law.ts";
import { cancelSleepers, wakeInOrder } from "../lib/sleepers.ts";

law(
  "A million sleepers wake in the order of their deadlines",
  () => wakeInOrder(1_000_000),
  120_000,
);

law(
  "A hundred thousand cancelled sleepers leave no timer, and wake nobody",
  () => cancelSleepers(100_000),
  120_000,
);
