/** What starts a worker with each call, with odd arguments. */
import { lawsOfArguments, lawsOfMethods, STARTS_WORKERS } from "../arguments/subjects.ts";

lawsOfArguments((name) => name === "watchdog");
lawsOfMethods((name) => STARTS_WORKERS.has(name));
