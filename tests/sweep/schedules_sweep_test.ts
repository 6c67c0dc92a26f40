import { lawsOfSchedules } from "../sync/plays.ts";

lawsOfSchedules(1_000_000, 10_000, 600_000);
