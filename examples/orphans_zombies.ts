/**
 * What becomes of children. A zombie is a process that has ended while nobody has taken its exit status
 * yet: it lasts until the event loop of its parent turns again, which reaps it. An orphan is a process
 * that outlives its parent; the system gives it another one. A worker is neither: it is a thread, and a
 * parent that returns waits for it, unless it is a daemon, which ends with its parent.
 *
 * Everything here ends by itself, also the orphan. The state of a process is asked of `ps`; where there
 * is none, that line says so.
 *
 *     deno run --allow-read --allow-run --allow-env examples/orphans_zombies.ts
 */
import { currentProcess, jobs, parentProcess, run, sleep, WorkerProcess } from "@weft/weft";
import { mustHave, readArgs } from "./lib/cli.ts";

/** Nothing is waited for longer than this, in milliseconds. */
const LONGEST_MS = 10_000;

const { adopt, exit, rest } = jobs(import.meta, {
  async *exit(code: number) {
    yield* sleep(400);
    Deno.exit(code);
  },

  /** Waits until its parent is gone. */
  async *adopt() {
    const { pid } = parentProcess()!;
    for (let ms = 0; ms < LONGEST_MS && Deno.ppid === pid; ms += 10) yield* sleep(10);
    const fate = Deno.ppid === pid ? "still has its parent" : "has another parent, and ends now";
    console.log(`  the orphan: ${fate}`);
  },

  async *rest(ms: number) {
    yield* sleep(ms);
    console.log(`  ${currentProcess().name}: finished`);
  },
});

const { leave, wait } = jobs(import.meta, {
  /** Exits at once, where a return would wait for its child. */
  async *leave() {
    const child = new WorkerProcess({ target: adopt, name: "the orphan", backend: "subprocess" });
    child.start();
    yield* child.join(200); // it has been told what to do by then
    console.log(`  ${currentProcess().name}: exits, and leaves ${child} behind`);
    Deno.exit(0);
  },

  /** Starts a worker of its own and returns. */
  async *wait(daemon: boolean) {
    const name = daemon ? "the daemon" : "the ordinary child";
    new WorkerProcess({ target: rest, args: [daemon ? 60_000 : 50], name, daemon }).start();
    console.log(`  ${currentProcess().name}: returns, and has a child`);
  },
});

/** The state of a process, as `ps` shows it: `Z` for a zombie, nothing if there is no such process. */
function stateOf(pid: number): string {
  try {
    const args = ["-o", "stat=", "-p", String(pid)];
    const { stdout } = new Deno.Command("ps", { args, stderr: "null" }).outputSync();
    return new TextDecoder().decode(stdout).trim().charAt(0) || "gone";
  } catch {
    return "unknown, there is no ps";
  }
}

async function* showZombie() {
  console.log("A zombie");
  const child = new WorkerProcess({ target: exit, args: [3], backend: "subprocess" });
  child.start();
  yield* sleep(200); // it has been told what to do, and has not done it
  let state = stateOf(child.pid!);
  // No await in this loop: the event loop stands, and the child cannot be reaped.
  const end = performance.now() + LONGEST_MS;
  while (performance.now() < end && !/[Zgu]/.test(state)) state = stateOf(child.pid!);
  console.log(`  it has ended; its parent is busy: state ${state}, exitCode ${child.exitCode}`);
  yield* child.join();
  console.log(`  the event loop turned: state ${stateOf(child.pid!)}, exitCode ${child.exitCode}`);
}

async function* showOrphan() {
  console.log("An orphan");
  const parent = new WorkerProcess({ target: leave, name: "the parent", backend: "subprocess" });
  parent.start();
  yield* parent.join();
  console.log(`  here: the parent has ended with exit code ${parent.exitCode}`);
  yield* sleep(300);
}

async function* showWorkers() {
  console.log("A worker whose parent ends");
  for (const daemon of [false, true]) {
    const parent = new WorkerProcess({ target: wait, args: [daemon], name: "the parent" });
    parent.start();
    yield* parent.join();
    console.log(`  here: the parent has ended with exit code ${parent.exitCode}`);
  }
}

if (import.meta.main) {
  readArgs(
    "What becomes of children: a zombie, an orphan, a worker whose parent ends.\n\n" +
      "  deno run --allow-read --allow-run --allow-env examples/orphans_zombies.ts",
  );
  mustHave("This example", "read", "run", "env");
  await run(async function* () {
    yield* showZombie();
    yield* showOrphan();
    yield* showWorkers();
  });
}
