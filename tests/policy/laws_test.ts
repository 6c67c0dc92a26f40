/** What each policy promises, on random jobs. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  edf,
  fcfs,
  hrrn,
  type Job,
  lottery,
  mlfq,
  priority,
  rr,
  type SchedulingPolicy,
  shuffle,
  simulate,
  sjf,
  srtf,
  stride,
} from "@weft/weft";
import fc from "fast-check";
import { law } from "../lib/law.ts";

const named = (jobs: readonly Omit<Job, "name">[]): Job[] =>
  jobs.map((job, at) => ({ ...job, name: `J${at}` }));

const io = fc.array(fc.tuple(fc.nat(12), fc.integer({ min: 1, max: 6 })), { maxLength: 3 });

/** Random jobs; whole times, so that many things fall together. */
const jobSets = fc.array(
  fc.record({
    arrival: fc.nat(20),
    burst: fc.integer({ min: 1, max: 12 }),
    priority: fc.nat(4),
    deadline: fc.nat(60),
    tickets: fc.integer({ min: 1, max: 5 }),
    io,
  }),
  { minLength: 1, maxLength: 8 },
).map((jobs) =>
  named(jobs.map((job) => ({
    ...job,
    io: [...new Map(job.io.filter(([after]) => after <= job.burst)).entries()]
      .toSorted(([a], [b]) => a - b),
  })))
);

const batches = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 })
  .map((bursts) => named(bursts.map((burst) => ({ arrival: 0, burst }))));

const ALL: Record<string, () => SchedulingPolicy> = {
  fcfs: () => fcfs(),
  rr: () => rr(3),
  sjf: () => sjf(),
  srtf: () => srtf(),
  hrrn: () => hrrn(),
  priority: () => priority(),
  "priority, preemptive": () => priority({ preemptive: true }),
  "priority, aging": () => priority({ preemptive: true, aging: 0.3 }),
  mlfq: () => mlfq({ quanta: [2, 4, 8] }),
  "mlfq, boosting": () => mlfq({ quanta: [2, 4, 8], boost: 10 }),
  lottery: () => lottery({ quantum: 2, seed: 7 }),
  stride: () => stride(2),
  edf: () => edf(),
  shuffle: () => shuffle({ quantum: 2, seed: 7 }),
};

for (const [name, make] of Object.entries(ALL)) {
  law(`${name}: every job gets its whole burst, and nobody computes twice at once`, () => {
    fc.assert(fc.property(jobSets, (jobs) => {
      const { gantt, jobs: results } = simulate(jobs, make());
      for (const [at, piece] of gantt.entries()) {
        assert(piece.from < piece.to && (at === 0 || gantt[at - 1]!.to <= piece.from));
      }
      for (const [at, job] of jobs.entries()) {
        const result = results[at]!;
        const pieces = gantt.filter((piece) => piece.name === job.name);
        assertEquals(pieces.reduce((sum, { from, to }) => sum + to - from, 0), job.burst);
        assertEquals(pieces[0]!.from, result.start);
        assert(result.waiting >= 0 && result.response >= 0);
      }
    }));
  });

  law(`${name}: the processor idles only while no job is ready`, () => {
    fc.assert(fc.property(jobSets, (jobs) => {
      const plain = jobs.map((job) => ({ ...job, io: [] }));
      const { gantt } = simulate(plain, make());
      let from = Math.min(...jobs.map((job) => job.arrival));
      for (const piece of gantt) {
        if (piece.from > from) {
          const waiting = plain.filter((job) =>
            job.arrival < piece.from &&
            gantt.some((later) => later.name === job.name && later.from >= piece.from)
          );
          assertEquals(waiting, []);
        }
        from = piece.to;
      }
    }));
  });
}

/** Every order of a list. */
function* orders<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [at, first] of items.entries()) {
    for (const rest of orders(items.toSpliced(at, 1))) yield [first, ...rest];
  }
}

law("SJF has the least mean waiting of all orders", () => {
  fc.assert(
    fc.property(batches, (jobs) => {
      const best = Math.min(
        ...[...orders(jobs)].map((order) => simulate(order, fcfs()).average.waiting),
      );
      assertEquals(simulate(jobs, sjf()).average.waiting, best);
    }),
    { numRuns: 30 },
  );
});

/** The least total turnaround of all preemptive schedules, unit by unit. */
function leastTurnaround(jobs: readonly Job[]): number {
  const known = new Map<string, number>();
  const from = (now: number, left: readonly number[]): number => {
    const key = `${now} ${left}`;
    const seen = known.get(key);
    if (seen !== undefined) return seen;
    const ready = left.flatMap((n, at) => n > 0 && jobs[at]!.arrival <= now ? [at] : []);
    let best = Infinity;
    if (left.every((n) => n === 0)) best = 0;
    else if (ready.length === 0) best = from(now + 1, left);
    for (const at of ready) {
      const ends = left[at] === 1 ? now + 1 - jobs[at]!.arrival : 0;
      best = Math.min(best, ends + from(now + 1, left.with(at, left[at]! - 1)));
    }
    known.set(key, best);
    return best;
  };
  return from(0, jobs.map((job) => job.burst));
}

law("SRTF has the least mean turnaround of all preemptive schedules", () => {
  const sets = fc.array(
    fc.record({ arrival: fc.nat(6), burst: fc.integer({ min: 1, max: 4 }) }),
    { minLength: 1, maxLength: 4 },
  ).map(named);
  fc.assert(fc.property(sets, (jobs) => {
    assertEquals(simulate(jobs, srtf()).average.turnaround, leastTurnaround(jobs) / jobs.length);
  }));
});

law("RR with an endless quantum is FCFS", () => {
  fc.assert(fc.property(jobSets, (jobs) => {
    assertEquals(simulate(jobs, rr(Infinity)), simulate(jobs, fcfs()));
  }));
});

law("EDF meets every deadline that some order meets", () => {
  const sets = fc.array(
    fc.record({ burst: fc.integer({ min: 1, max: 5 }), deadline: fc.integer({ min: 1, max: 20 }) }),
    { minLength: 1, maxLength: 5 },
  ).map((jobs) => named(jobs.map((job) => ({ ...job, arrival: 0 }))));
  const isMet = (jobs: readonly Job[], policy: SchedulingPolicy) =>
    simulate(jobs, policy).jobs.every(({ name, finish }) =>
      finish <= jobs.find((job) => job.name === name)!.deadline!
    );
  fc.assert(
    fc.property(sets, (jobs) => {
      const canBeMet = [...orders(jobs)].some((order) => isMet(order, fcfs()));
      assertEquals(isMet(jobs, edf()), canBeMet);
    }),
    { numRuns: 50 },
  );
});

law("HRRN and aging starve nobody: a long or unloved job ends among an endless stream", () => {
  const stream = Array.from({ length: 400 }, (_, at) => ({
    name: `s${at}`,
    arrival: at,
    burst: 1,
    priority: 0,
  }));
  const victim = { name: "victim", arrival: 0, burst: 20, priority: 9 };
  const finish = (policy: SchedulingPolicy) =>
    simulate([victim, ...stream], policy).jobs[0]!.finish;
  assert(finish(sjf()) > 400 && finish(priority({ preemptive: true })) > 400);
  assert(finish(hrrn()) < 100, "HRRN");
  assert(finish(priority({ aging: 0.2 })) < 200, "aging");
  assert(finish(mlfq({ quanta: [1, 2], boost: 20 })) < 500, "boost");
});

law("MLFQ favours short jobs without knowing them", () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 60 }), fc.integer({ min: 1, max: 4 }), (long, short) => {
      const { jobs } = simulate([
        { name: "long", arrival: 0, burst: long },
        { name: "short", arrival: 10, burst: short },
      ], mlfq({ quanta: [4, 8, 16] }));
      assertEquals(jobs[1]!.waiting, 0);
    }),
  );
});

law("Lottery and stride share the processor by tickets, stride to within a turn", () => {
  const jobs = [3, 2, 1].map((tickets, at) => ({
    name: `T${at}`,
    arrival: 0,
    burst: 6000,
    tickets,
  }));
  const usedBy = (policy: SchedulingPolicy, until: number) =>
    jobs.map(({ name }) =>
      simulate(jobs, policy).gantt.filter((piece) => piece.name === name)
        .reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, until) - from), 0)
    );
  assertEquals(usedBy(stride(1), 600), [300, 200, 100]);
  for (const [at, used] of usedBy(lottery({ seed: 3 }), 6000).entries()) {
    const due = [3000, 2000, 1000][at]!;
    assert(Math.abs(used - due) < 150, `${used} of ${due}`);
  }
});

law("A cost per switch is paid at each switch, and by nobody else", () => {
  const jobs = [{ name: "A", arrival: 0, burst: 4 }, { name: "B", arrival: 0, burst: 4 }];
  const { jobs: results, cpuUse, switches } = simulate(jobs, rr(2), { switchCost: 0.5 });
  assertEquals(results.map((job) => job.finish), [7, 9.5]);
  assertEquals([switches, cpuUse], [3, 8 / 9.5]);
});

law("simulate() names the job, the field and the rule of what it refuses", () => {
  const good = { name: "A", arrival: 0, burst: 1 };
  const cases: [unknown, string][] = [
    [[], "the list is empty"],
    [{}, "must be a list"],
    [[null], "job number 1: it must be an object"],
    [[{ ...good, name: "" }], "job number 1: name must be a text"],
    [[good, good], 'job "A": name must be unlike any other'],
    [
      [{ ...good, name: "a\n\x1b[1m", burst: 0 }],
      'job "a\\n\\u001b[1m": burst must be a number above 0',
    ],
    [[{ ...good, burst: "3" }], 'burst must be a number above 0, of at least a billionth, got "3"'],
    [[{ ...good, arrival: -1 }], "arrival must be a number of at least 0, got -1"],
    [[{ ...good, arrival: NaN }], "arrival"],
    [[{ ...good, priority: null }], "priority must be a number, got null"],
    [[{ ...good, io: [[2, 1]] }], "io[0] must come after 0 to 1"],
    [[{ ...good, io: [[0, 1], [0, 1]] }], "io[1] must come after the one before"],
    [[{ ...good, io: [[0, 0]] }], "io[0] must have a duration above 0"],
  ];
  for (const [jobs, text] of cases) {
    const error = assertThrows(() => simulate(jobs as Job[], fcfs()), TypeError, text);
    assert(!/\p{Cc}/u.test(error.message));
  }
  assertThrows(() => simulate([good], priority()), TypeError, 'job "A": priority must be a number');
});

law("simulate() names job, field and rule for values that JSON cannot write, too", () => {
  const circle: unknown[] = [];
  circle.push({ circle });
  const hostile = {
    toJSON() {
      throw new Error("of the user");
    },
  };
  for (
    const [burst, got] of [
      [Infinity, "Infinity"],
      [NaN, "NaN"],
      [10n, "10n"],
      [[Infinity], "[Infinity]"],
      [circle, "[an object that cannot be shown]"],
      [hostile, "an object that cannot be shown"],
    ]
  ) {
    const jobs = [{ name: "A", arrival: 0, burst }] as unknown as Job[];
    assertThrows(
      () => simulate(jobs, fcfs()),
      TypeError,
      `Cannot schedule job "A": burst must be a number above 0, of at least a billionth, got ${got}`,
    );
  }
});
