/** Each example server with one fault of the host; with all of them in the sweep. */
import { lawsOfFailingAccepts, lawsOfNoDescriptors, PASSING } from "./server_faults.ts";

lawsOfFailingAccepts((_, index) => [PASSING[index]!]);
lawsOfNoDescriptors((index) => index === 1);
