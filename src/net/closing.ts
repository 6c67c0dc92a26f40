/** Closing as an operation that nobody has to wait for. */
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";

/** What can be closed. */
export interface Closable {
  /** Starts closing. */
  close(): void;
  /** Resolves when it is done. */
  readonly gone: Promise<void>;
}

/** Closes a handle now; the operation waits until the host has let go of it. */
export function closing(handle: Closable): Operation<void> {
  handle.close();
  const source: WaitSource = {
    host: "bound",
    abandon: () => true,
    toString: () => `${handle}.close()`,
  };
  return operation(source, (wait: Wait<void>) => {
    wait.park(source);
    handle.gone.then(() => wait.settle());
  }, { optional: true });
}
