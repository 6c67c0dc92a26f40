/**
 * Each example server with every fault of the host from which it has to recover; `echo_tcp` in
 * `alone/server_sweep_test.ts`.
 */
import { lawsOfFailingAccepts, lawsOfNoDescriptors, PASSING } from "../examples/server_faults.ts";

lawsOfFailingAccepts((name) => name === "echo_tcp" ? [] : PASSING);
lawsOfNoDescriptors(() => true);
