import { lawsOfSchedules } from "./plays.ts";

lawsOfSchedules(1, 1000, 60_000);
