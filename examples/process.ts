/**
 * A process in both kinds: a worker, which is a thread of this process, and a subprocess, which is a
 * real one. Watch the pid (a worker has its parent's), the exit codes (0 after a return, n after
 * `Deno.exit(n)`, 1 after an error, -15 after `terminate`), and the counter: each process counts in
 * memory of its own.
 *
 *     deno run --allow-read --allow-run --allow-env examples/process.ts
 */
import {
  activeChildren,
  cpuCount,
  currentProcess,
  jobs,
  processes,
  run,
  sleep,
  WorkerProcess,
} from "@weft/weft";
import { mustHave, readArgs } from "./lib/cli.ts";

let counter = 0;

/** What the processes run. Each loads this module for itself, and finds them by name. */
const { count, end, rest } = jobs(import.meta, {
  count(times: number) {
    for (let i = 0; i < times; i++) counter++;
    const { name, pid, parent } = currentProcess();
    const where = pid === parent?.pid ? "in its parent's process" : "in a process of its own";
    console.log(`  ${name} runs ${where}: counter = ${counter}`);
  },
  end(how: "exit" | "throw") {
    if (how === "exit") Deno.exit(7);
    throw new RangeError("out of luck");
  },
  async *rest() {
    yield* sleep(60_000);
  },
});

/** The other way to say what a process does. */
class Greeter extends WorkerProcess {
  readonly whom: string;

  constructor(whom: string) {
    super({ name: "greeter" });
    this.whom = whom;
  }

  override run() {
    console.log(`  Hello ${this.whom}, from ${this.name}`);
  }
}
processes(import.meta, { Greeter });

async function* show(backend: "worker" | "subprocess") {
  const report = (error: unknown) => console.log(`  told of ${error}`);
  console.log(`backend "${backend}"`);

  const counting = new WorkerProcess({ target: count, args: [1000], backend });
  console.log(`  ${counting.name}: isAlive ${counting.isAlive}, exitCode ${counting.exitCode}`);
  counting.start();
  console.log(`  ${counting.name}: isAlive ${counting.isAlive}, pid known: ${counting.pid! > 0}`);
  yield* counting.join();
  console.log(`  ${counting.name}: isAlive ${counting.isAlive}, exitCode ${counting.exitCode}`);
  console.log(`  here: counter = ${counter}`);

  for (const how of ["exit", "throw"] as const) {
    const ending = new WorkerProcess({ target: end, args: [how], backend, report });
    ending.start();
    console.log(`  ${ending.name} (${how}): exitCode ${yield* ending.join()}`);
  }

  const resting = new WorkerProcess({ target: rest, backend });
  resting.start();
  console.log(`  ${resting.name}: join(20) gives ${yield* resting.join(20)}, so it is terminated`);
  resting.terminate();
  console.log(`  ${resting.name}: exitCode ${yield* resting.join()}`);

  // Nobody waits for this one; the run ends it, at its own end.
  const daemon = new WorkerProcess({
    target: rest,
    name: `daemon ${backend}`,
    daemon: true,
    backend,
  });
  daemon.start();
  return daemon;
}

if (import.meta.main) {
  readArgs(
    "A process in both kinds, worker and subprocess.\n\n" +
      "  deno run --allow-read --allow-run --allow-env examples/process.ts",
  );
  mustHave("This example", "read", "run", "env");
  const daemons = await run(async function* () {
    console.log(`${currentProcess().name}, on a machine with ${cpuCount()} processors`);
    const daemons = [yield* show("worker"), yield* show("subprocess")];
    const greeter = new Greeter("you");
    greeter.start();
    yield* greeter.join();
    console.log(`alive at the end: ${activeChildren().join(", ")}`);
    return daemons;
  });
  for (const daemon of daemons) console.log(`${daemon.name}: exitCode ${daemon.exitCode}`);
}
