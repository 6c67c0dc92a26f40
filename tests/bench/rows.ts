/**
 * What is compared, with whom, and what is to be reached.
 *
 * A ratio is always "how many times as good". A work that a peer doesn't know makes that contender
 * absent, so that rows may name works which are still to be written.
 */
import { ask, askServer, type LoadReport, type Peer, peers } from "./children.ts";
import type { Contender, Figure, Row } from "./harness.ts";
import { clusterRows } from "./cluster_rows.ts";
import { connectionRows } from "./connection_rows.ts";
import { poolRows } from "./pool_rows.ts";
import { serverRows } from "./server_rows.ts";
import { webRows } from "./web_rows.ts";

/** How many connections beside the busy ones say nothing. */
const IDLE = 10_000;

/** A contender: who, which work, and how many rounds of it make a sample of about half a second. */
function takes(peer: Peer, work: string, n: number): Contender {
  return () => ask(peer, work, n);
}

const { plain, weft, effection, gevent, asyncio, select, go } = peers;

/** Cede as one task does it, and as a hundred do it in turn. */
function cedeRow(name: string, suffix: "" | "-crowd"): Row {
  return {
    name,
    unit: "ns",
    baseline: "plain await null",
    contenders: {
      "plain await null": takes(plain, `await${suffix}`, 5_000_000),
      "plain for await": takes(plain, `for-await${suffix}`, 2_000_000),
      "weft function*": takes(weft, `cede-fast${suffix}`, 5_000_000),
      "weft async function*": takes(weft, `cede-async${suffix}`, 2_000_000),
      "effection": takes(effection, `cede${suffix}`, 200_000),
      "gevent": takes(gevent, `cede${suffix}`, 200_000),
      "asyncio": takes(asyncio, `cede${suffix}`, 200_000),
      "go": takes(go, `cede${suffix}`, 5_000_000),
    },
    figures: [
      { of: "weft function*", against: "plain await null", atLeast: 1 },
      { of: "weft function*", against: "gevent", atLeast: 30 },
      { of: "weft async function*", against: "plain for await", atLeast: 1 / 2.5 },
      { of: "weft async function*", against: "gevent", atLeast: 8 },
    ],
  };
}

const speedRows: readonly Row[] = [
  cedeRow("cede, one task", ""),
  cedeRow("cede, 100 tasks", "-crowd"),
  {
    name: "yield* round trip (park, wake, resume)",
    unit: "ns",
    baseline: "plain await null",
    contenders: {
      "plain await null": takes(plain, "await", 5_000_000),
      "weft yield* in function*": takes(weft, "op-fast", 2_000_000),
      "weft yield* in async function*": takes(weft, "op-async", 2_000_000),
      "weft await in async function*": takes(weft, "op-await", 2_000_000),
    },
    figures: [
      { of: "weft yield* in function*", against: "plain await null", atLeast: 1 / 4 },
      { of: "weft yield* in async function*", against: "plain await null", atLeast: 1 / 8 },
      { of: "weft await in async function*", against: "plain await null", atLeast: 1 / 8 },
    ],
  },
  {
    name: "handing a permit to and fro between two tasks",
    unit: "ns",
    baseline: "plain promises",
    contenders: {
      "plain promises": takes(plain, "handoff", 2_000_000),
      "weft function*": takes(weft, "handoff-fast", 1_000_000),
      "weft async function*": takes(weft, "handoff-async", 1_000_000),
      "gevent": takes(gevent, "handoff", 200_000),
      "asyncio": takes(asyncio, "handoff", 200_000),
      "go": takes(go, "handoff", 2_000_000),
    },
  },
  {
    name: "spawn and join",
    unit: "ns",
    baseline: "plain async call",
    contenders: {
      "plain async call": takes(plain, "call", 5_000_000),
      "plain async call that awaits once": takes(plain, "call-that-waits", 5_000_000),
      "weft function*": takes(weft, "spawn-fast", 1_000_000),
      "weft async function*": takes(weft, "spawn-async", 500_000),
      "effection": takes(effection, "spawn", 20_000),
      "gevent": takes(gevent, "spawn", 50_000),
      "asyncio": takes(asyncio, "spawn", 100_000),
      "go": takes(go, "spawn", 1_000_000),
    },
    figures: ["weft function*", "weft async function*"].flatMap((of): Figure[] => [
      { of, against: "gevent", atLeast: 5 },
      { of, against: "plain async call", atLeast: 1 / 1.5 },
    ]),
  },
  {
    name: "memory of a parked task",
    unit: "bytes",
    baseline: "plain async call",
    contenders: {
      "plain async call": takes(plain, "memory", 1_000_000),
      "weft function*": takes(weft, "memory-fast", 1_000_000),
      "weft async function*": takes(weft, "memory-async", 1_000_000),
      "gevent": takes(gevent, "memory", 100_000),
      "asyncio": takes(asyncio, "memory", 100_000),
      "go": takes(go, "memory", 1_000_000),
    },
    figures: [
      { of: "weft function*", atMost: 600 },
      { of: "weft async function*", atMost: 1024 },
    ],
  },
  {
    name: "100 000 tasks that sleep up to 100 ms, per task",
    unit: "ns",
    baseline: "plain setTimeout",
    contenders: {
      "plain setTimeout": takes(plain, "sleepers", 100_000),
      "weft": takes(weft, "sleepers", 100_000),
      "weft, a million": takes(weft, "sleepers", 1_000_000),
      "effection": takes(effection, "sleepers", 100_000),
      "gevent": takes(gevent, "sleepers", 100_000),
      "asyncio": takes(asyncio, "sleepers", 100_000),
      "go": takes(go, "sleepers", 100_000),
    },
  },
];

/** Tasks that wait for each other: both lanes beside whoever has the like. */
function syncRow(name: string, work: string): Row {
  const lanes = ["weft function*", "weft async function*"];
  return {
    name,
    unit: "ns",
    baseline: "gevent",
    contenders: {
      "weft function*": takes(weft, `${work}-fast`, 1_000_000),
      "weft async function*": takes(weft, `${work}-async`, 500_000),
      "effection": takes(effection, work, 20_000),
      "gevent": takes(gevent, work, 200_000),
      "asyncio": takes(asyncio, work, 100_000),
      "go": takes(go, work, 1_000_000),
    },
    figures: lanes.flatMap((of): Figure[] => [
      { of, against: "gevent", atLeast: 10 },
      { of, against: "asyncio", atLeast: 5 },
    ]),
  };
}

const syncRows: readonly Row[] = [
  syncRow("lock and unlock, 100 tasks that cede inside", "lock-crowd"),
  syncRow("lock and unlock, nobody else wants it", "lock"),
  syncRow("semaphore of 10, 100 tasks that cede inside", "semaphore-crowd"),
  syncRow("semaphore of 10, nobody else wants it", "semaphore"),
  syncRow("queue put/get ping-pong", "queue"),
  syncRow("channel of one place, fan-in of 1 000 producers, per item", "fan-in"),
  // With room, gevent's `put` goes on without a switch, and Effection's has no bound at all.
  syncRow("channel of 64 places, fan-in of 1 000 producers, per item", "fan-in-roomy"),
];

/** Everyone who can serve an echo, by label. */
function echoServers(transport: "tcp" | "udp"): Record<string, readonly [Peer, string]> {
  return {
    "plain": [plain, `${transport}-echo`],
    "weft function*": [weft, `${transport}-echo-fast`],
    "weft async function*": [weft, `${transport}-echo-async`],
    "weft registry": [weft, `${transport}-echo-poll`],
    "gevent": [gevent, `${transport}-echo`],
    "asyncio": [asyncio, `${transport}-echo`],
    ...transport === "tcp" ? { "asyncio streams": [asyncio, "tcp-echo-streams"] } : {},
    "select.poll": [select, `${transport}-echo-poll`],
    "epoll": [select, `${transport}-echo-epoll`],
    "go": [go, `${transport}-echo`],
  };
}

/**
 * Two rows out of the same samples: how many messages a second went through, and what each cost the
 * server. The second takes what the first has left for it, or measures for itself.
 */
function echoRows(
  name: string,
  servers: Record<string, readonly [Peer, string, ...string[]]>,
  load: readonly string[],
  figures: readonly Figure[],
): Row[] {
  const kept = new Map<string, LoadReport[]>();
  const sample = (label: string): Promise<LoadReport> => {
    const [peer, work, ...more] = servers[label]!;
    return askServer(peer, work, [...load, ...more]);
  };
  const contend = (take: (label: string) => Promise<number>): Record<string, Contender> =>
    Object.fromEntries(Object.keys(servers).map((label) => [label, () => take(label)]));
  const baseline = Object.keys(servers)[0]!;
  return [{
    name,
    unit: "messages/s",
    better: "more",
    baseline,
    contenders: contend(async (label) => {
      const report = await sample(label);
      kept.set(label, [...kept.get(label) ?? [], report]);
      return report.messagesPerSecond;
    }),
    figures,
  }, {
    name: `${name}: the server's processor time`,
    unit: "µs/message",
    baseline,
    contenders: contend(async (label) => {
      const report = kept.get(label)?.shift() ?? await sample(label);
      if (report.serverCpuUs === null) throw new Error("this system does not say");
      return report.serverCpuUs;
    }),
  }];
}

const echoFigures: readonly Figure[] = [
  ...["weft function*", "weft async function*"].flatMap((of): Figure[] => [
    { of, against: "plain", atLeast: 0.95 },
    { of, against: "gevent", atLeast: 1.5 },
  ]),
  { of: "weft registry", against: "plain", atLeast: 0.9 },
];

/** Every row, in the order of the report. */
export const rows: readonly Row[] = [
  ...speedRows,
  ...syncRows,
  ...poolRows,
  ...[1, 64, 512].flatMap((count) =>
    echoRows(
      `TCP echo, ${count} connection${count === 1 ? "" : "s"}`,
      echoServers("tcp"),
      ["--connections", String(count)],
      count === 1 ? [] : echoFigures,
    )
  ),
  ...echoRows(
    `TCP echo, 64 connections beside 10 000 idle ones`,
    {
      "plain, none idle": [plain, "tcp-echo"],
      "plain": [plain, "tcp-echo", "--idle", String(IDLE)],
      "weft, none idle": [weft, "tcp-echo-async"],
      "weft": [weft, "tcp-echo-async", "--idle", String(IDLE)],
      "weft registry, none idle": [weft, "tcp-echo-poll"],
      "weft registry": [weft, "tcp-echo-poll", "--idle", String(IDLE)],
    },
    ["--connections", "64"],
    [
      { of: "weft", against: "weft, none idle", atLeast: 0.9 },
      { of: "weft registry", against: "weft registry, none idle", atLeast: 0.9 },
    ],
  ),
  ...[1, 64, 512].flatMap((count) =>
    echoRows(
      `UDP echo, ${count} socket${count === 1 ? "" : "s"}`,
      echoServers("udp"),
      ["--transport", "udp", "--connections", String(count)],
      [],
    )
  ),
  ...connectionRows,
  ...serverRows,
  ...webRows,
  ...clusterRows,
];
