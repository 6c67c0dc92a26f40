/** The worker of pool_comlink_peer.ts. */
import { expose } from "comlink";
import * as tasks from "./pool_tasks.mjs";

expose(tasks);
