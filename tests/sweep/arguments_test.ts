/** Every export, and the methods of what starts a worker with each call, with odd arguments. */
import { lawsOfArguments, lawsOfMethods, STARTS_WORKERS } from "../arguments/subjects.ts";

lawsOfArguments();
lawsOfMethods((name) => STARTS_WORKERS.has(name));
