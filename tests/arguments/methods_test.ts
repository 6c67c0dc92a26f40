/** The methods of every exported class with odd arguments; in the sweep those that start workers. */
import { lawsOfMethods, STARTS_WORKERS } from "./subjects.ts";

lawsOfMethods((name) => !STARTS_WORKERS.has(name));
