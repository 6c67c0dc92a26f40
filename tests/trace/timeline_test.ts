/** What a timeline promises: states that tile each life, wakes between them, bounded memory. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  chromeTrace,
  connect,
  ganttChart,
  listen,
  poll,
  POLLIN,
  Queue,
  run,
  sleep,
  spawn,
  Timeline,
  timelineHtml,
  timelineSvg,
  type TraceEvent,
  WorkerPool,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { fib } from "../parallel/fixtures/work.ts";
import { playRandom } from "../lib/random_program.ts";

/** A small run of both lanes. */
async function recorded(timeline = new Timeline()): Promise<Timeline> {
  await run(async function* () {
    const queue = new Queue<number>(1, "Q");
    spawn(async function* () {
      for (let n = 0; n < 20; n++) yield* queue.put(n);
    }).name = "producer";
    spawn(function* () {
      for (let n = 0; n < 20; n++) {
        yield* queue.get();
        if (n % 5 === 0) yield* sleep(1);
      }
    }).name = "consumer";
    const doomed = spawn(async function* () {
      yield* sleep(10_000);
    });
    doomed.name = "doomed";
    yield* sleep(3);
    await new Promise((resolve) => setTimeout(resolve, 2));
    doomed.cancel();
  }, { instruments: [timeline] });
  return timeline;
}

/** Nanoseconds, as whole numbers. */
const ns = (us: number): number => Math.round(us * 1000);

/** The checks that the format and our own contract ask of a trace. */
function assertSound(events: readonly TraceEvent[]): void {
  const names = new Set(
    events.filter(({ ph }) => ph === "M").map((e) => `${e.name} ${e.pid} ${e.tid}`),
  );
  let last = -Infinity;
  for (const event of events) {
    assert(event.ts >= last, "sorted by time");
    last = event.ts;
    assert(Number.isInteger(event.pid) && Number.isInteger(event.tid));
    if (event.ph === "X") {
      assert(event.dur! >= 0 && typeof event.name === "string");
      assert(names.has(`thread_name ${event.pid} ${event.tid}`), `no name for ${event.tid}`);
    }
  }
  const lanes = Map.groupBy(
    events.filter((event) => event.cat === "state"),
    ({ tid }) => tid,
  );
  for (const lane of lanes.values()) {
    assertEquals(lane[0]!.name, "new");
    for (const [at, event] of lane.entries()) {
      const next = lane[at + 1];
      if (event.ph === "i") assertEquals(next, undefined);
      else if (next !== undefined) assertEquals(ns(event.ts + event.dur!), ns(next.ts));
    }
  }
  const running = events.filter((event) => event.cat === "state" && event.name === "running");
  for (const [at, event] of running.entries()) {
    const next = running[at + 1];
    if (next !== undefined) assert(ns(event.ts + event.dur!) <= ns(next.ts), "one runs at a time");
  }
  const flows = Map.groupBy(events.filter(({ ph }) => ph === "s" || ph === "f"), ({ id }) => id);
  for (const [start, end] of flows.values()) {
    assertEquals([start!.ph, end!.ph, end!.bp], ["s", "f", "e"]);
    for (const side of [start!, end!]) {
      const isInside = lanes.get(side.tid)!.some((state) =>
        state.ph === "X" && state.ts <= side.ts && ns(side.ts) <= ns(state.ts + state.dur!)
      );
      assert(isInside, "a flow begins and ends inside a slice");
    }
  }
  for (const event of events.filter(({ ph }) => ph === "C")) {
    assert(Object.values(event.args!).every((value) => Number(value) >= 0), "no level below zero");
  }
}

law(
  "The states of each task tile its life, on the machine's clock and in virtual time",
  async () => {
    assertSound(chromeTrace(await recorded()).traceEvents);
    const timeline = new Timeline();
    const clock = new VirtualClock();
    await run(async function* () {
      spawn(function* () {
        yield* sleep(1000);
      }).name = "sleeper";
      yield* sleep(500);
    }, { instruments: [timeline], clock });
    const { traceEvents } = chromeTrace(timeline);
    assertSound(traceEvents);
    const waited = traceEvents.filter((e) => e.tid === 2 && e.name === "waiting");
    assertEquals(waited.map(({ dur, args }) => [dur, args!.on]), [[1_000_000, "sleep(1000)"]]);
  },
);

law("The states of each task tile its life in random programs", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const timeline = new Timeline();
    await playRandom(seed, [timeline]);
    assertSound(chromeTrace(timeline).traceEvents);
    assertEquals(timeline.statistics().ready, 0);
  }
});

law("A trace names each task, tells who woke whom, and counts the ready ones", async () => {
  const { traceEvents, displayTimeUnit } = chromeTrace(await recorded());
  assertEquals(displayTimeUnit, "ms");
  const threads = traceEvents.filter((e) => e.name === "thread_name" && e.pid === 1)
    .map((e) => e.args!.name);
  assertEquals(threads, ["counters", "main", "producer", "consumer", "doomed"]);
  const wakes = traceEvents.filter((e) => e.ph === "s" || e.ph === "f").map((e) =>
    `${e.ph}${e.tid}`
  );
  assert(wakes.join().includes("s3,f2") && wakes.join().includes("s1,f4"), wakes.join());
  assert(traceEvents.some((e) => e.ph === "C" && e.name.includes("ready")));
  assertEquals(traceEvents.filter((e) => e.name === "terminated").length, 4);
});

law("A foreign await is shown as waiting", async () => {
  const { traceEvents } = chromeTrace(await recorded());
  assert(traceEvents.some((e) => e.tid === 1 && e.args?.on === "a foreign await"));
});

law("Bytes, polls and their registry are on the timeline", async () => {
  const timeline = new Timeline();
  await run(async function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    using registry = poll();
    registry.register(listener, POLLIN);
    using client = yield* connect({ port: listener.localAddr.port });
    yield* registry.poll();
    using server = listener.tryAccept();
    yield* client.sendAll(new Uint8Array(1000));
    yield* server.recvExactly(1000);
  }, { instruments: [timeline] });
  const { bytesIn, bytesOut } = timeline.statistics();
  assertEquals([bytesIn, bytesOut], [1000, 1000]);
  const { traceEvents } = chromeTrace(timeline);
  assertSound(traceEvents);
  assertEquals(traceEvents.filter((e) => e.cat === "poll").map((e) => e.name), ["1 events"]);
});

law("Each worker of a pool has a lane of its own on the same clock", async () => {
  const timeline = new Timeline();
  await run(async function* () {
    await using pool = new WorkerPool(1);
    yield* pool.map(fib, [5, 6, 7]);
    yield* pool.submit(fib, 8);
  }, { instruments: [timeline] });
  const { traceEvents } = chromeTrace(timeline);
  assertSound(traceEvents);
  const jobs = traceEvents.filter((e) => e.cat === "job");
  assert(jobs.length >= 2 && jobs.every((e) => e.pid === 2 && e.name.startsWith("fib")));
  for (const [at, job] of jobs.entries()) {
    const next = jobs[at + 1];
    if (next !== undefined) assert(ns(job.ts + job.dur!) <= ns(next.ts), "one job at a time");
  }
});

law("A full ring keeps the latest events, says how many it dropped, and stays sound", async () => {
  const timeline = await recorded(new Timeline({ capacity: 50 }));
  const { events, dropped } = timeline.statistics();
  assertEquals(events, 50);
  assert(dropped > 0);
  const lanes = Map.groupBy(
    chromeTrace(timeline).traceEvents.filter((event) => event.cat === "state"),
    ({ tid }) => tid,
  );
  for (const lane of lanes.values()) {
    for (const [at, event] of lane.entries()) {
      const next = lane[at + 1];
      if (next !== undefined) assertEquals(ns(event.ts + event.dur!), ns(next.ts));
    }
  }
  assert(ganttChart(timeline).includes(`${dropped} earlier events were dropped`));
});

law("Names of tasks that no kept event mentions are forgotten", async () => {
  const timeline = new Timeline({ capacity: 100 });
  await run(function* () {
    for (let n = 0; n < 500; n++) yield* spawn(function* () {}).join();
  }, { instruments: [timeline] });
  const named = [...Array(600).keys()].filter((id) => timeline.nameOf(id) !== `task#${id}`);
  assert(named.length < 120, `${named.length} names`);
});

law("Sampling records one of so many tasks, and says how many it left out", async () => {
  const timeline = new Timeline({ sample: 10 });
  await run(function* () {
    for (let n = 0; n < 99; n++) spawn(function* () {});
  }, { instruments: [timeline] });
  const { tasks, leftOut } = timeline.statistics();
  assertEquals([tasks, leftOut], [100, 90]);
  const lanes = new Set(
    chromeTrace(timeline).traceEvents.filter((e) => e.cat === "state").map((e) => e.tid),
  );
  assertEquals(lanes.size, 10);
});

law("Hostile names reach no terminal, no XML and no script", async () => {
  const timeline = new Timeline();
  const hostile = '\x1b[2J</script><svg onload="x()">\u202e\n&';
  await run(function* () {
    spawn(function* () {
      yield* sleep(1);
    }).name = hostile;
  }, { instruments: [timeline] });
  assert(!/[^\P{Cc}\n]/u.test(ganttChart(timeline)));
  const svg = timelineSvg(timeline, hostile);
  const html = timelineHtml(timeline, hostile);
  assert(!svg.includes("<svg onload") && !/[^\P{Cc}\n]/u.test(svg));
  assert(!html.includes("</script><svg") && !html.includes("<svg onload"));
  assertEquals(html.match(/<script/g)!.length, 2);
});

law("The picture has a text alternative and no script, the page fetches nothing", async () => {
  const timeline = await recorded();
  const svg = timelineSvg(timeline);
  assert(/<svg [^>]*viewBox="0 0 \d+ \d+" role="img"/.test(svg) && svg.includes("<title"));
  assert(!svg.includes("<script") && svg.includes(">producer<"));
  const html = timelineHtml(timeline);
  for (const name of ["main", "producer", "consumer", "doomed"]) assert(html.includes(`>${name}<`));
  assert(html.includes('type="search"'));
  assert(
    !/(src|href)=|url\(|@import|fetch\(/.test(html.replace(/xmlns="[^"]*"|href="data:,"/g, "")),
  );
});

law("A run of many tasks makes a picture of at most 2 MB and a page of at most 5 MB", async () => {
  const timeline = new Timeline({ capacity: 400_000 });
  await run(function* () {
    for (let n = 0; n < 5000; n++) {
      spawn(function* () {
        for (let i = 0; i < 8; i++) yield* sleep(i % 3);
      }).name = `worker of the crowd, number ${n}`;
    }
  }, { instruments: [timeline] });
  assert(timelineSvg(timeline).length < 2e6);
  assert(timelineHtml(timeline).length < 5e6, String(timelineHtml(timeline).length));
});

law("Timeline refuses what is no count", () => {
  assertThrows(() => new Timeline({ capacity: 0 }), RangeError, "0");
  assertThrows(() => new Timeline({ sample: 1.5 }), RangeError, "1.5");
});
