/** Hundreds of jobs that take about as long as they may, and each kind of result that never ends to be read. */
import { lawsAboutEndless, lawsAboutLimits } from "../../lib/limits.ts";

lawsAboutLimits([[5, 200], [20, 40]]);
lawsAboutEndless([
  "returnsEndlessLater",
  "returnsEndlessInTask",
  "throwsEndless",
  "throwsEndlessLater",
]);
