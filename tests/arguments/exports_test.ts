/** Every export with odd arguments; in the sweep that one whose every call starts a worker. */
import { lawsOfArguments } from "./subjects.ts";

lawsOfArguments((name) => name !== "watchdog");
