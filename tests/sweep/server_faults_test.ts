/** Each example server with every fault of the host from which it has to recover. */
import { lawsOfFailingAccepts, lawsOfNoDescriptors, PASSING } from "../examples/server_faults.ts";

lawsOfFailingAccepts(() => PASSING);
lawsOfNoDescriptors(() => true);
