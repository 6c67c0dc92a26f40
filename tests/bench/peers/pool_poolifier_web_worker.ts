/** The worker of pool_poolifier_web_peer.ts. */
import { type TaskFunctions, ThreadWorker } from "poolifier-web-worker";
import { fib, fibs, lengthOf, meet, same, spin } from "./pool_tasks.mjs";

export default new ThreadWorker({ fib, fibs, lengthOf, meet, same, spin } as TaskFunctions);
