/**
 * The life of a worker of a pool: it waits for the first message, and serves it from then on.
 *
 * A worker that exits loses what it has not sent. `Deno.exit` and `process.exit` announce themselves
 * by `unload`; `self.close` does not, so it is wrapped.
 */
import { takeTicket } from "../thread/table.ts";
import type { StartMessage, ToWorker } from "../thread/wire.ts";
import { JobRunner } from "./job_runner.ts";
import { captureConsole } from "./reports.ts";

/** What a worker's global object has besides; the library types cover the main thread. */
interface WorkerRealm extends EventTarget {
  close(): void;
}

/** Waits for the first message of the pool, and serves it from then on. */
export function awaitStart(): void {
  const realm = globalThis as unknown as WorkerRealm;
  const start = (event: Event): void => {
    const data = (event as MessageEvent<StartMessage | null>).data;
    if (data?.kind !== "weft.start") return;
    realm.removeEventListener("message", start);
    serve(realm, data);
  };
  realm.addEventListener("message", start);
}

function serve(realm: WorkerRealm, { port, words, setUp, ticket, log }: StartMessage): void {
  takeTicket(ticket);
  const runner = new JobRunner(port, words);
  const close = realm.close;
  realm.close = () => {
    runner.leave("it called self.close()");
    close.call(realm);
  };
  realm.addEventListener("unload", () => runner.leave(`it called Deno.exit(${Deno.exitCode})`));
  // Unhandled, either would end this worker and print a report that nobody can act on.
  realm.addEventListener("error", (event) => {
    event.preventDefault();
    runner.stray((event as ErrorEvent).error ?? new Error((event as ErrorEvent).message));
  });
  realm.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    runner.stray((event as PromiseRejectionEvent).reason);
  });
  port.onmessage = (event: MessageEvent<ToWorker>) => runner.hear(event.data);
  if (log) captureConsole();
  runner.begin(setUp);
}
