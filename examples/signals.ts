/**
 * Signals as events that a task waits for, instead of handlers that run in between. Watch what is
 * finished and what is not: the alarm only reports; SIGINT lets the job at hand end and starts no other;
 * SIGTERM cancels it, and its clean-up still runs.
 *
 * If nobody signals, the example signals itself; so try `kill -TERM` with the pid that it prints.
 *
 *     deno run examples/signals.ts
 */
import {
  alarm,
  Cancelled,
  type EventStream,
  moveOnAfter,
  run,
  shield,
  signals,
  sleep,
  spawn,
} from "@weft/weft";
import { readArgs } from "./lib/cli.ts";

readArgs("SIGINT, SIGTERM, an alarm; orderly stop.\n\n  deno run examples/signals.ts");

/** How long the example waits for somebody else's signal, in milliseconds. */
const LISTEN_MS = 250;
const JOB_MS = 100;

/** Whether another job may be begun. */
let goesOn = true;

async function* work() {
  for (let job = 1; goesOn; job++) {
    try {
      yield* sleep(JOB_MS);
      console.log(`  job ${job}: done`);
    } catch (error) {
      if (error instanceof Cancelled) {
        yield* shield(sleep(5));
        console.log(`  job ${job}: cleaned up after ${error.reason}`);
      }
      throw error;
    }
  }
}

async function* report(beat: EventStream<number>) {
  let ticks = 0;
  for await (const fresh of beat) console.log(`  alarm: ${ticks += fresh}`);
}

await run(async function* () {
  using events = signals("SIGINT", "SIGTERM");
  using beat = alarm(LISTEN_MS / 2, { every: LISTEN_MS / 2 });
  spawn(report, beat); // ends when the alarm is closed

  for (const own of ["SIGINT", "SIGTERM"] as const) {
    console.log(`Working. To stop it: kill -${own.slice(3)} ${Deno.pid}`);
    goesOn = true;
    const worker = spawn(work);
    const others = yield* moveOnAfter(LISTEN_MS, events.next());
    if (others === undefined) Deno.kill(Deno.pid, own);
    const name = others ?? (yield* events.next());
    console.log(name);
    if (name === "SIGINT") goesOn = false;
    else yield* worker.cancel(name);
    yield* worker.join();
    if (others !== undefined) break;
  }
  console.log("Stopped, nothing left undone.");
});
