/** The worker of pool_poolifier_peer.mjs. */
import { fib, fibs, lengthOf, meet, same, spin } from "./pool_tasks.mjs";

// Installed for the bench alone, and so not in the import map: the name is not for the compiler.
const peer = "poolifier";
const { ThreadWorker } = await import(peer);

export default new ThreadWorker({ fib, fibs, lengthOf, meet, same, spin });
