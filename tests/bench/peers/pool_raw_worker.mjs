/** The worker of pool_raw_peer.ts. */
import * as tasks from "./pool_tasks.mjs";

self.onmessage = ({ data: [id, name, argument] }) => {
  self.postMessage([id, tasks[name](argument)]);
};
