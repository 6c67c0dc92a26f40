/**
 * Worker pools: what weft's does beside bare workers and the pools that people use.
 *
 * Everyone has two workers and the same tasks (peers/pool_tasks.mjs). Those on Node run on another V8,
 * so ratios across runtimes are a guide and no more. Latency flips between two values, ten times apart,
 * by where the system puts the threads; so there everything is held to one processor.
 *
 * How a pool fares when jobs throw, exit, hang or cannot be cloned is not a matter of speed: see
 * tests/parallel.
 */
import { type Answer, answer, numberOf, type Peer } from "./children.ts";
import type { Contender, Row } from "./harness.ts";
import { pinned, pools } from "./pool_peers.ts";

const { weft, raw, comlink, poolifierWeb, poolifier, piscina, tinypool, python } = pools;

/** The names that contenders have in the report. */
const WEB = "poolifier-web-worker";
const RAW = "bare workers";
const PYTHON = "Python Pool";
const ALONE = "one bare worker, all in one call";

/** A window of a stream that is held to it. */
const WINDOW = 1000;

function takes(peer: Peer, work: string, n: number): Contender {
  return async () => numberOf(await answer(peer, work, n), "value");
}

/** Everyone on Deno, for a work that all of them know. */
function onDeno(work: string, n: number): Record<string, Contender> {
  return {
    [RAW]: takes(raw, work, n),
    "weft": takes(weft, work, n),
    "comlink": takes(comlink, work, n),
    [WEB]: takes(poolifierWeb, work, n),
  };
}

/** Everyone on Node. */
function onNode(work: string, n: number): Record<string, Contender> {
  return {
    "poolifier, Node": takes(poolifier, work, n),
    "piscina, Node": takes(piscina, work, n),
    "tinypool, Node": takes(tinypool, work, n),
  };
}

const throughput: readonly Row[] = [
  {
    name: "pool: 100 000 submits, per call",
    unit: "ns",
    baseline: RAW,
    contenders: {
      ...onDeno("submits", 100_000),
      "poolifier, Node": takes(poolifier, "submits", 100_000),
      "piscina, Node": takes(piscina, "submits", 100_000),
      [PYTHON]: takes(python, "submits", 100_000),
    },
    figures: [
      { of: "weft", against: WEB, atLeast: 1 / 0.08 },
      { of: "weft", against: RAW, atLeast: 1 / 0.15 },
    ],
  },
  {
    name: "pool: map of 100 000, per item",
    unit: "ns",
    baseline: PYTHON,
    contenders: {
      [PYTHON]: takes(python, "map", 100_000),
      "weft": takes(weft, "map", 100_000),
      [WEB]: takes(poolifierWeb, "map", 100_000),
      "poolifier, Node": takes(poolifier, "map", 100_000),
    },
    figures: [
      { of: "weft", against: PYTHON, atLeast: 1 },
      { of: "weft", against: WEB, atLeast: 1 / 0.02 },
    ],
  },
  {
    name: "pool: latency of a call, all threads on one processor",
    unit: "µs",
    baseline: RAW,
    contenders: {
      [RAW]: takes(pinned(raw), "latency", 10_000),
      "weft": takes(pinned(weft), "latency", 10_000),
      "comlink": takes(pinned(comlink), "latency", 10_000),
      [WEB]: takes(pinned(poolifierWeb), "latency", 10_000),
      "poolifier, Node": takes(pinned(poolifier), "latency", 10_000),
    },
    figures: [
      { of: "weft", against: RAW, atLeast: 1 / 1.1 },
      { of: "weft", against: WEB, atLeast: 1 / 0.85 },
    ],
  },
];

const computing: readonly Row[] = [
  {
    name: "pool: 64 × fib(27)",
    unit: "ms",
    baseline: RAW,
    contenders: {
      ...onDeno("cpu", 64),
      ...onNode("cpu", 64),
      [ALONE]: takes(raw, "cpu-alone", 64),
    },
    figures: [{ of: "weft", against: RAW, atLeast: 0.97 }],
  },
  {
    name: "pool: 4 long tasks among 60 short ones",
    unit: "ms",
    baseline: ALONE,
    contenders: {
      [ALONE]: takes(raw, "skew-alone", 64),
      ...onDeno("skew", 64),
      ...onNode("skew", 64),
    },
    figures: [
      { of: "weft", against: ALONE, atLeast: 1.7 },
      { of: "weft", against: RAW, atLeast: 0.97 },
    ],
  },
  {
    name: "pool: the last of 40 short tasks behind one of 75 ms",
    unit: "ms",
    baseline: RAW,
    contenders: { ...onDeno("head-of-line", 9), ...onNode("head-of-line", 9) },
    figures: [
      { of: "weft", atMost: 5 },
      { of: "weft", against: WEB, atLeast: 10 },
    ],
  },
];

const moving: readonly Row[] = [
  {
    name: "pool: 200 × 1 MiB, transferred",
    unit: "ms",
    baseline: RAW,
    contenders: { ...onDeno("transfer", 200), ...onNode("transfer", 200) },
    figures: [{ of: "weft", against: WEB, atLeast: 1 / 0.6 }],
  },
  {
    name: "pool: 200 × 1 MiB, cloned",
    unit: "ms",
    baseline: RAW,
    contenders: {
      ...onDeno("clone", 200),
      ...onNode("clone", 200),
      [PYTHON]: takes(python, "clone", 200),
    },
    figures: [{ of: "weft", against: WEB, atLeast: 1 }],
  },
  {
    name: "pool: from nothing until 2 workers have answered",
    unit: "ms",
    baseline: RAW,
    contenders: {
      ...onDeno("start", 1),
      ...onNode("start", 1),
      [PYTHON]: takes(python, "start", 1),
    },
    figures: [
      { of: "weft", against: WEB, atLeast: 1 / 0.4 },
      { of: "weft", against: RAW, atLeast: 1 / 1.3 },
    ],
  },
];

/**
 * Two rows out of the same samples: what 100 000 calls at once cost in memory, and for how long the
 * caller's timers stand still. The second takes what the first has left for it, or measures for itself.
 */
function queuedRows(): Row[] {
  const callers: Record<string, Peer> = {
    [RAW]: raw,
    "weft": weft,
    "comlink": comlink,
    [WEB]: poolifierWeb,
    "tinypool, Node": tinypool,
  };
  const kept = new Map<string, Answer[]>();
  const contend = (take: (label: string) => Promise<number>): Record<string, Contender> =>
    Object.fromEntries(Object.keys(callers).map((label) => [label, () => take(label)]));
  const sample = (label: string): Promise<Answer> => answer(callers[label]!, "queued", 100_000);
  return [{
    name: "pool: memory that 100 000 queued calls take, at the peak",
    unit: "MiB",
    baseline: RAW,
    contenders: contend(async (label) => {
      const found = await sample(label);
      kept.set(label, [...kept.get(label) ?? [], found]);
      return numberOf(found, "grown_mib");
    }),
    figures: [
      { of: "weft", against: WEB, atLeast: 1 / 0.4 },
      { of: "weft", against: "tinypool, Node", atLeast: 1 / 0.8 },
    ],
  }, {
    name: "pool: the longest stall of the caller with 100 000 calls queued",
    unit: "ms",
    baseline: RAW,
    contenders: contend(async (label) =>
      numberOf(kept.get(label)?.shift() ?? await sample(label), "stall_ms")
    ),
    figures: [{ of: "weft", against: "tinypool, Node", atLeast: 1 / 0.5 }],
  }];
}

const streaming: readonly Row[] = [
  {
    name: "pool: async iterable of 100 000 through imapUnordered, per item",
    unit: "ns",
    baseline: "Python imap_unordered, chunk 1",
    contenders: {
      "Python imap_unordered, chunk 1": takes(python, "stream-1", 100_000),
      "Python imap_unordered, chunk 64": takes(python, "stream-64", 100_000),
      "weft": takes(weft, "stream", 100_000),
    },
    figures: [{ of: "weft", against: "Python imap_unordered, chunk 1", atLeast: 1 / 0.15 }],
  },
  {
    name: `pool: drawn and not yet read, at most, with a window of ${WINDOW}`,
    unit: "items",
    baseline: "weft",
    contenders: { "weft": takes(weft, "stream-ahead", WINDOW) },
    figures: [{ of: "weft", atMost: WINDOW }],
  },
];

const limiting: readonly Row[] = [
  {
    name: "pool: a loop is stopped beyond its limit by",
    unit: "ms",
    baseline: "weft",
    contenders: { "weft": takes(weft, "limit-late", 15) },
    figures: [{ of: "weft", atMost: 5 }],
  },
  {
    name: "pool: what a limit adds to a call, of one worker",
    unit: "µs",
    baseline: "weft",
    contenders: { "weft": takes(weft, "limit-price", 5_000) },
    figures: [{ of: "weft", atMost: 15 }],
  },
];

/** Every row about pools. */
export const poolRows: readonly Row[] = [
  ...throughput,
  ...computing,
  ...moving,
  ...queuedRows(),
  ...streaming,
  ...limiting,
];
