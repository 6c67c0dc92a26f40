/** The tree of a run's tasks, when one asks for it and when a signal does. */
import { guarded, listenForSignal } from "../kernel/callback.ts";
import { show } from "../kernel/printable.ts";
import { checkFunction, checkString } from "../kernel/checks.ts";
import { currentScope } from "../kernel/context.ts";
import { formatTaskTree } from "../kernel/report.ts";
import { hold, letGo, type Resource } from "../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../kernel/scheduler.ts";

/** So many tasks are printed. */
const MOST_TASKS = 1000;

/**
 * The living tasks of the current run: a line for each, indented below the one that spawned it, with its
 * state, what it waits on, and below that the lines of the program that spawned it and where it waits,
 * as far as they are known.
 *
 * @example Who is there
 * ```ts
 * import { run, sleep, spawn, taskTree } from "@weft/weft";
 * const lines = await run(function* () {
 *   const task = spawn(function* sleeper() {
 *     yield* sleep(1000);
 *   });
 *   yield;
 *   const lines = taskTree();
 *   task.cancel();
 *   return lines;
 * });
 * if (!lines.includes("  sleeper#2 (waiting on sleep(1000))")) throw new Error(lines.join("\n"));
 * ```
 *
 * @returns The lines.
 * @throws {Error} If no task is running.
 */
export function taskTree(): string[] {
  return formatTaskTree(currentScheduler("show the task tree").tasks(), { sites: true });
}

/**
 * Prints the task tree of the current run each time a signal comes, until it is disposed of or the run
 * ends. The process no longer dies of the signal then. It neither waits nor keeps the process alive, so a
 * deadlock is found as before.
 *
 * A loop that is blocked hears no signal: for that there is {@linkcode watchdog}.
 *
 * @example Ask by `kill -USR2`
 * ```ts
 * import { dumpOn, run, sleep } from "@weft/weft";
 * let shown = "";
 * await run(function* () {
 *   using _dump = dumpOn("SIGUSR2", (tree) => shown = tree);
 *   Deno.kill(Deno.pid, "SIGUSR2");
 *   while (shown === "") yield* sleep(1);
 * });
 * if (!shown.startsWith("main (waiting on sleep(1))")) throw new Error(shown);
 * ```
 *
 * A printer that throws is reported once by a warning of the run, and called again with the next signal.
 *
 * @param signal The signal; not SIGUSR1, which opens the debugger of Deno. @default {"SIGUSR2"}
 * @param print Gets the lines as one text, of a thousand tasks at most. @default console.error
 * @returns Ends it.
 * @throws {TypeError} If there is no such signal, or it cannot be listened for.
 * @throws {Error} If no task is running.
 */
export function dumpOn(
  signal: Deno.Signal = "SIGUSR2",
  print: (tree: string) => void = (tree) => console.error(tree),
): Disposable {
  checkString(signal, "a signal");
  checkFunction(print, "a printer");
  const scheduler = currentScheduler(`dump on ${show(signal)}`);
  const tell = guarded(print, `The printer of dumpOn(${signal})`, (text) => scheduler.warn(text));
  const silence = listenForSignal(signal, () => {
    tell(formatTaskTree(scheduler.tasks(), { sites: true, most: MOST_TASKS }).join("\n"));
  });
  const dump: Resource & Disposable = {
    release: () => {
      if (!scheduler.resources.delete(dump)) return;
      silence();
      letGo(dump);
    },
    [Symbol.dispose]: () => dump.release(),
    toString: () => `dumpOn(${signal})`,
  };
  scheduler.resources.add(dump);
  hold(dump);
  return dump;
}

/** The run that the caller is part of. */
export function currentScheduler(verb: string): Scheduler {
  const scope = currentScope();
  if (scope === null) throw new Error(`Cannot ${verb}: no task is running`);
  return schedulerOf(scope.task);
}
