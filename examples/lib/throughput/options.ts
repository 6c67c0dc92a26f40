/** The command line of the comparison. */
import { readArgs, refuse } from "../cli.ts";
import {
  type EngineName,
  ENGINES,
  POOLED_LIMIT,
  SERVED_ENGINES,
  type Size,
  SIZES,
  WINDOW_MS,
  type Workload,
  WORKLOADS,
} from "./plan.ts";

/** Most tasks that may be asked for: each of them may hold a connection, which two processes see. */
const MOST_TASKS = 10_000;
/** Most workers. */
const MOST_WORKERS = 64;
/** Most repeats. */
const MOST_REPEATS = 100;

const HELP = `
The same work on every engine, compared.

  deno run -A examples/throughput.ts [options]

  --workload LIST  any of ${WORKLOADS.join(",")} (default: all)
  --engine LIST    any of ${ENGINES.join(",")}
                   (default: all); also cluster, where NATS_URL says where a server is
  --tasks N        tasks of each workload, 1 to ${MOST_TASKS}
                   (default: ${sizes("normal")}; with --quick ${sizes("quick")})
  --workers N      workers of "worker" and "hybrid", 1 to ${MOST_WORKERS} (default: one per core)
  --repeat N       how often each cell is measured, 1 to ${MOST_REPEATS}; the run in the middle counts, of
                   two the quicker one (default: 2; with --quick 1)
  --quick          smaller sizes, once: ends in some seconds
  --json           prints only JSON
  --html FILE      also writes a report with charts
  --help           prints this

Workloads
  io      each task connects to a server that answers after 2 to 8 ms, asks, and waits
  cpu     each task computes for some milliseconds (a sieve of primes that checks itself)
  mixed   each task does both, one after the other
  echo    each task is a client that sends ${SIZES.normal.echo.rounds} requests (with --quick ${SIZES.quick.echo.rounds}) over its
          connection, one by one; an operation is a request

Engines
  sequential  one task after another, plain await: the yardstick of "speed-up". It runs also when it
              was not asked for, and is then left out of the results.
  async       all at once: async functions, Promise.all
  generator   all at once: weft tasks, function*
  coroutine   all at once: weft tasks, async function*
  poll        all at once: one loop around weft's event registry, no tasks
  worker      each task a job of a weft WorkerPool; a job is plain Deno
  hybrid      each worker runs its share of the tasks as weft coroutines
  pooled      at most ${POOLED_LIMIT} at once: pooledMap of @std/async
  cluster     each task a job that goes over a NATS server, to a node with as many workers

Each cell is a process of its own. Start-up and a few tasks to warm up are not timed. The tasks are
done again until ${WINDOW_MS / 1000} s have passed (with --quick: once). Latency is
counted from an operation's own start. CPU seconds are those of the timed part, of all threads;
neither they nor the memory include the server, which is another process. All engines must arrive
at the same checksum, or the run fails with exit code 1.
`;

function sizes(kind: "normal" | "quick"): string {
  return WORKLOADS.map((workload) => `${workload} ${SIZES[kind][workload].tasks}`).join(", ");
}

/** What was asked for. */
export interface Options {
  /** Which workloads. */
  workloads: Workload[];
  /** Which engines to show. */
  engines: EngineName[];
  /** How much of each workload. */
  sizes: Record<Workload, Size>;
  /** How many workers. */
  workers: number;
  /** How often each cell is measured. */
  repeat: number;
  /** How long a cell is measured at least, in milliseconds. */
  leastMs: number;
  /** Whether to print JSON. */
  json: boolean;
  /** Where to write the report, or "". */
  html: string;
}

/** Reads the command line; ends the program with exit code 2 if there is something wrong with it. */
export function readOptions(): Options {
  const { string, number, boolean } = readArgs(HELP, {
    string: { workload: WORKLOADS.join(","), engine: ENGINES.join(","), html: "" },
    number: {
      tasks: NaN,
      workers: Math.min(navigator.hardwareConcurrency, MOST_WORKERS),
      repeat: NaN,
    },
    boolean: ["quick", "json"],
  });
  const chosen = SIZES[boolean.quick ? "quick" : "normal"];
  const tasks = within("tasks", number.tasks!, MOST_TASKS);
  const entries = WORKLOADS.map((workload) => {
    const size = chosen[workload];
    return [workload, Number.isNaN(tasks) ? size : { ...size, tasks }] as const;
  });
  const repeat = within("repeat", number.repeat!, MOST_REPEATS);
  return {
    workloads: choose("workload", string.workload!, WORKLOADS),
    engines: served(choose("engine", string.engine!, [...ENGINES, ...SERVED_ENGINES])),
    sizes: Object.fromEntries(entries) as Record<Workload, Size>,
    workers: within("workers", number.workers!, MOST_WORKERS),
    repeat: Number.isNaN(repeat) ? (boolean.quick ? 1 : 2) : repeat,
    leastMs: boolean.quick ? 0 : WINDOW_MS,
    json: boolean.json!,
    html: writable(string.html!),
  };
}

function choose<T extends string>(flag: string, list: string, known: readonly T[]): T[] {
  const names = list.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!known.includes(name as T)) {
      refuse(`Unknown ${flag} "${name}": --${flag} takes any of ${known.join(",")}`);
    }
  }
  return [...new Set(names as T[])];
}

/** Engines that need a server are refused where none was named. */
function served(engines: EngineName[]): EngineName[] {
  const needy = engines.find((name) => SERVED_ENGINES.some((served) => served === name));
  if (needy !== undefined && (Deno.env.get("NATS_URL") ?? "") === "") {
    refuse(`Engine "${needy}" needs a NATS server with JetStream: set NATS_URL, as in HOST:4222`);
  }
  return engines;
}

/** A number that was given must be in range; NaN says that it was not given. */
function within(flag: string, value: number, most: number): number {
  if (!Number.isNaN(value) && (value < 1 || value > most)) {
    refuse(`Option --${flag} must be a whole number from 1 to ${most}; got ${value}`);
  }
  return value;
}

/** Makes sure, before the work and not after it, that the report can be written. */
function writable(path: string): string {
  if (path === "") return path;
  try {
    Deno.openSync(path, { write: true, create: true }).close();
  } catch (error) {
    refuse(`Cannot write --html ${path}: ${(error as Error).message}`);
  }
  return path;
}
