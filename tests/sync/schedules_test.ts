import { lawsOfSchedules } from "./plays.ts";

lawsOfSchedules(1, 250, 60_000);
