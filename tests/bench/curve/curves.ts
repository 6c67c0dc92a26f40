/**
 * What is measured as there is more and more of it, and by whom.
 *
 * Sizes end where a contender's memory or the system's descriptors do: a greenlet takes about 8 KB, and
 * each connection two descriptors, since both of its ends are in one process.
 */
import { ask, once, output, type Peer, python, script, workshop } from "../children.ts";
import type { Curve, CurveContender } from "./measure.ts";

const weft = script("weft_curve_peer.ts");
const plain = script("peers/curve_plain_peer.ts");
const gevent = python("gevent", "curve_gevent_peer.py");
const asyncio = python("asyncio", "curve_asyncio_peer.py");
const go = once(async () => {
  const folder = await workshop();
  const source = `${import.meta.dirname!}/../peers/curve_go_peer.go`;
  await output(["go", "build", "-o", `${folder}/curve_go_peer`, source]);
  return [`${folder}/curve_go_peer`];
});

/** Where most curves are looked at. */
const SIZES = [100, 1000, 10_000, 100_000, 1_000_000];
/** Where those are that take two descriptors for each. */
const DESCRIPTORS = [100, 300, 1000, 3000, 9000];
/** Descriptors that a process has beside those. */
const SPARE = 500;
/** Greenlets, and tasks of asyncio, that are there and gone again within a minute. */
const MOST_IN_PYTHON = 100_000;

function takes(peer: Peer, work: string, most = Infinity): CurveContender {
  return { take: (n) => ask(peer, work, n), most };
}

/** How many descriptors a process may have. */
async function descriptors(): Promise<number> {
  try {
    const limit = Number(await output(["sh", "-c", "ulimit -n"]));
    return Number.isNaN(limit) ? Infinity : limit;
  } catch {
    return 1024;
  }
}

/** Everyone who has tasks, for a work that all know. */
function tasksOf(work: string, baseline: Record<string, CurveContender>) {
  return {
    ...baseline,
    "weft function*": takes(weft, `${work}-fast`),
    "weft async function*": takes(weft, `${work}-async`),
    "gevent": takes(gevent, work, MOST_IN_PYTHON),
    "asyncio": takes(asyncio, work, MOST_IN_PYTHON),
    "Go": takes(go, work),
  };
}

/** The curves. */
export async function curves(): Promise<readonly Curve[]> {
  const pairs = (await descriptors() - SPARE) / 2;
  const open = DESCRIPTORS.filter((n) => n <= pairs);
  return [
    {
      name: "a step",
      of: "tasks",
      sizes: SIZES,
      contenders: tasksOf("steps", {
        "plain await": takes(plain, "awaits"),
        "plain for await": takes(plain, "for-awaits"),
      }),
    },
    {
      name: "a spawn, with its end",
      of: "tasks at once",
      sizes: SIZES,
      contenders: tasksOf("spawns", { "plain async call": takes(plain, "calls") }),
    },
    {
      name: "a sleeper",
      of: "tasks that sleep up to 100 ms",
      sizes: SIZES,
      contenders: tasksOf("sleepers", { "plain setTimeout": takes(plain, "sleepers") }),
    },
    {
      name: "a wait in a queue",
      of: "tasks in the queue",
      sizes: SIZES,
      contenders: tasksOf("waits", { "plain promises": takes(plain, "waits") }),
    },
    {
      name: "a connection",
      of: "connections held at once",
      sizes: open,
      contenders: tasksOf("connections", { "plain Deno": takes(plain, "connections") }),
    },
    {
      name: "a registered handle",
      of: "handles, 100 ready at a time",
      sizes: [...new Set([100, 1000, ...open.slice(-1), 100_000, 1_000_000])],
      contenders: {
        "weft poll()": takes(weft, "handles"),
        "select.poll": takes(asyncio, "handles", open.at(-1) ?? 0),
      },
    },
    {
      name: "a job",
      of: "jobs sent at once to two workers",
      sizes: SIZES,
      contenders: {
        "bare workers": takes(plain, "jobs"),
        "weft WorkerPool": takes(weft, "jobs"),
        "Go": takes(go, "jobs"),
      },
    },
  ];
}
