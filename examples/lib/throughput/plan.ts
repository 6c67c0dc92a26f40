/**
 * What is measured: the names of the workloads and engines, the sizes, and what the main program and
 * the processes it starts tell each other.
 *
 * A cell is one workload on one engine, once. It gets a process of its own, because peak memory, CPU
 * time and what the just-in-time compiler has learnt belong to a process: measured in one process
 * after another, the second engine would inherit all three from the first.
 */

/** What there is to do. */
export const WORKLOADS = ["io", "cpu", "mixed", "echo"] as const;
/** The name of a workload. */
export type Workload = typeof WORKLOADS[number];

/** Who does it. */
export const ENGINES = [
  "sequential",
  "async",
  "generator",
  "coroutine",
  "poll",
  "worker",
  "hybrid",
  "pooled",
] as const;
/** What else can be asked for, where there is a NATS server. */
export const SERVED_ENGINES = ["cluster"] as const;
/** The name of an engine. */
export type EngineName = typeof ENGINES[number] | typeof SERVED_ENGINES[number];

/** How many tasks the engine `pooled` has under way at most. */
export const POOLED_LIMIT = 16;

/** How much there is to do. */
export interface Size {
  /** How many tasks; in `echo` a task is a client with a connection of its own. */
  tasks: number;
  /** How many requests one client of `echo` makes, one after another. */
  rounds: number;
}

/**
 * How long a cell is measured at least, in milliseconds. Less, and what a timer, a collection of garbage or
 * another program does in a moment decides which engine has won.
 */
export const WINDOW_MS = 500;

/** Sizes by workload, chosen so that the default run takes well under a minute on two cores. */
export const SIZES: Record<"normal" | "quick", Record<Workload, Size>> = {
  normal: {
    io: { tasks: 200, rounds: 1 },
    cpu: { tasks: 48, rounds: 1 },
    mixed: { tasks: 48, rounds: 1 },
    echo: { tasks: 64, rounds: 80 },
  },
  quick: {
    io: { tasks: 32, rounds: 1 },
    cpu: { tasks: 48, rounds: 1 },
    mixed: { tasks: 24, rounds: 1 },
    echo: { tasks: 16, rounds: 50 },
  },
};

/** What a task needs to know about the place it runs in. Plain data: it travels to workers, too. */
export interface Site {
  /** Where questions are answered after a delay. */
  delayPort: number;
  /** Where bytes come back as they are. */
  echoPort: number;
  /** Requests of one echo client. */
  rounds: number;
}

/** What the main program asks of a cell. */
export interface CellOrder {
  /** The workload. */
  workload: Workload;
  /** The engine. */
  engine: EngineName;
  /** How many tasks. */
  tasks: number;
  /** How many workers, for the engines that have some. */
  workers: number;
  /** The servers, and the requests of one echo client. */
  site: Site;
  /** The clock runs at least so long: the tasks are done again and again until then. */
  leastMs: number;
}

/** The percentiles that a report shows, with the share of each. */
export const PERCENTILES = { p10: 0.1, p50: 0.5, p90: 0.9, p99: 0.99, max: 1 } as const;
/** The name of a percentile. */
export type Percentile = keyof typeof PERCENTILES;

/** What a cell measured. */
export interface Measured {
  /** Operations done, all passes together: tasks, or for `echo` requests. */
  ops: number;
  /** How long that took. */
  seconds: number;
  /** Median time from an operation's own start to its end. */
  p50Ms: number;
  /** The time that 99 % of the operations kept below. */
  p99Ms: number;
  /** The distribution of those times, by the names of its percentiles. */
  latencyMs: Record<Percentile, number>;
  /** CPU time of all threads of the process while the clock ran; the server's is not in it. */
  cpuSeconds: number;
  /** Most memory the process ever held. */
  peakRssBytes: number;
  /** The sum of the results of one pass, modulo 2^32. */
  checksum: number;
}
