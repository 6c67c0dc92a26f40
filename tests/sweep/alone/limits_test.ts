/** Hundreds of jobs that take about as long as they may. */
import { lawsAboutLimits } from "../../lib/limits.ts";

lawsAboutLimits([[5, 200], [20, 40]]);
