/**
 * A timeline as Chrome trace JSON, which https://ui.perfetto.dev and chrome://tracing open.
 *
 * The format is Google's "Trace Event Format": complete events (`X`) for states, flows (`s`, `f`) for
 * who woke whom, counters (`C`), instants (`i`), names as metadata (`M`). Times are microseconds. They
 * are counted from the timeline's beginning, in whole nanoseconds, so that the states of a task meet
 * exactly.
 */
import { type Lane, lanesOf, type Level } from "./lanes.ts";
import type { Timeline } from "./timeline.ts";

/** One event of the format. */
export interface TraceEvent {
  /** What is shown. */
  readonly name: string;
  /** The kind of event. */
  readonly ph: "X" | "i" | "s" | "f" | "C" | "M";
  /** When, in microseconds. */
  readonly ts: number;
  /** How long, in microseconds. */
  readonly dur?: number;
  /** The process: the run, or a worker. */
  readonly pid: number;
  /** The thread: the task. */
  readonly tid: number;
  /** The kind of event, by which Perfetto filters: `state`, `poll`, `job`, `wake`. */
  readonly cat?: string;
  /** Ties the two ends of a flow. */
  readonly id?: number;
  /** Where a flow binds. */
  readonly bp?: "e";
  /** How far an instant reaches: the thread. */
  readonly s?: "t";
  /** Details. */
  readonly args?: Readonly<Record<string, string | number>>;
}

/** The whole file. */
export interface ChromeTrace {
  /** The events, by time. */
  readonly traceEvents: readonly TraceEvent[];
  /** The unit that viewers show. */
  readonly displayTimeUnit: "ms";
}

/** The process of the run. */
const RUN = 1;
/** Threads of the run's process above this number are no tasks. */
const BESIDE = 1_000_000_000;

/** Where something is drawn. */
interface LanePlace {
  readonly pid: number;
  readonly tid: number;
}

/**
 * Writes a timeline as Chrome trace JSON: `JSON.stringify(chromeTrace(timeline))` is a file for Perfetto.
 *
 * Each task is a thread of process 1, each worker a process of its own. A run that goes on is written as
 * far as it has come.
 *
 * @param timeline A recorded run.
 * @returns The content of the file.
 */
export function chromeTrace(timeline: Timeline): ChromeTrace {
  const { lanes, wakes, ready, bytesIn, bytesOut, asides, from } = lanesOf(timeline);
  const ns = (at: number): number => Math.round((at - from) * 1e6);
  const events: TraceEvent[] = [];
  const span = (began: number, ended: number): { ts: number; dur: number } => ({
    ts: ns(began) / 1e3,
    dur: (ns(ended) - ns(began)) / 1e3,
  });
  const counter = (name: string, levels: readonly Level[], unit: string): void => {
    for (const { at, value } of levels) {
      events.push({ name, ph: "C", ts: ns(at) / 1e3, pid: RUN, tid: 0, args: { [unit]: value } });
    }
  };

  for (const lane of lanes) addLane(events, lane, ns, span);
  const known = new Set(lanes.map(({ id }) => id));
  wakes.forEach(({ at, by, woken }, id) => {
    if (!known.has(by)) return;
    const flow = { name: "wakes", cat: "wake", ts: ns(at) / 1e3, pid: RUN, id: id + 1 } as const;
    events.push({ ...flow, ph: "s", tid: by }, { ...flow, ph: "f", bp: "e", tid: woken });
  });
  counter("ready tasks", ready, "tasks");
  counter("bytes in", bytesIn, "bytes");
  counter("bytes out", bytesOut, "bytes");

  const places = new Map<string, LanePlace>();
  for (const { kind, where, what, from, to } of asides) {
    let place = places.get(where);
    if (place === undefined) {
      const n = places.size + 1;
      place = kind === "poll" ? { pid: RUN, tid: BESIDE + n } : { pid: RUN + n, tid: 1 };
      places.set(where, place);
    }
    events.push({ name: what, cat: kind, ph: "X", ...span(from, to), ...place });
  }
  // By time; at one moment in the order of the making, which is the order of a lane.
  events.sort((a, b) => a.ts - b.ts);
  return { traceEvents: [...namesOf(lanes, places), ...events], displayTimeUnit: "ms" };
}

function addLane(
  events: TraceEvent[],
  { id, stays, ended }: Lane,
  ns: (at: number) => number,
  span: (began: number, ended: number) => { ts: number; dur: number },
): void {
  for (const { state, from, to, on } of stays) {
    const args = on === undefined ? {} : { args: { on } };
    events.push({
      name: state,
      cat: "state",
      ph: "X",
      ...span(from, to),
      pid: RUN,
      tid: id,
      ...args,
    });
  }
  if (ended === undefined) return;
  events.push({
    name: "terminated",
    cat: "state",
    ph: "i",
    ts: ns(ended) / 1e3,
    pid: RUN,
    tid: id,
    s: "t",
  });
}

function namesOf(lanes: readonly Lane[], places: ReadonlyMap<string, LanePlace>): TraceEvent[] {
  const meta = (name: string, pid: number, tid: number, value: string): TraceEvent => ({
    name,
    ph: "M",
    ts: 0,
    pid,
    tid,
    args: { name: value },
  });
  const names = [meta("process_name", RUN, 0, "run"), meta("thread_name", RUN, 0, "counters")];
  for (const { id, name } of lanes) names.push(meta("thread_name", RUN, id, name));
  for (const [where, { pid, tid }] of places) {
    if (pid !== RUN) names.push(meta("process_name", pid, tid, where));
    names.push(meta("thread_name", pid, tid, where));
  }
  return names;
}
