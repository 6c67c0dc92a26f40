/** The watchdog with odd arguments: each call starts a worker. */
import { lawsOfArguments } from "../arguments/subjects.ts";

lawsOfArguments((name) => name === "watchdog");
