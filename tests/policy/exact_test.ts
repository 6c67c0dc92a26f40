/** Times that cannot be counted exactly are refused; all others are exact to a billionth. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  fcfs,
  hrrn,
  type Job,
  lottery,
  mlfq,
  rr,
  SchedulingPolicy,
  simulate,
  srtf,
  stride,
} from "@weft/weft";
import fc from "fast-check";
import { runLive } from "../../examples/lib/scheduling/live.ts";
import { law } from "../lib/law.ts";

const jobsOf = (...bursts: number[]): Job[] =>
  bursts.map((burst, at) => ({ name: `J${at}`, arrival: 0, burst, priority: 0 }));

const POLICIES = [fcfs(), rr(4e14), srtf(), hrrn(), mlfq({ quanta: [1e14] }), stride(3e14)];

law("simulate() refuses jobs that end beyond what is exact, and names job, field and rule", () => {
  const job = { name: "A", arrival: 0, burst: 1 };
  const cases: [Job[], string][] = [
    [jobsOf(1e17, 1), 'job "J0": burst must let all jobs end by 9007199254740991, so that times'],
    [jobsOf(1e300), "got 1e+300"],
    [jobsOf(9e15, 9e12), 'job "J1": burst must let all jobs end by'],
    [jobsOf(1e7, 0.123456789), 'job "J0": burst must let all jobs end by 9007199.25'],
    [[{ ...job, arrival: 1e16 }], 'job "A": arrival must be at most 9007199254740991'],
    [[{ ...job, deadline: -1e16 }], 'job "A": deadline must be at most'],
    [[{ ...job, io: [[0, 2], [1, 1e16]] }], 'job "A": io[1] must let all jobs end by'],
  ];
  for (const policy of [...POLICIES, rr(4), lottery()]) {
    for (const [jobs, text] of cases) {
      assertThrows(() => simulate(jobs, policy), TypeError, text, policy.name);
    }
  }
  assertThrows(
    () => simulate(jobsOf(1, 1), fcfs(), { switchCost: Number.MAX_SAFE_INTEGER }),
    RangeError,
  );
});

law("simulate() ends: with more turns than can be held it names the longest job", () => {
  const text =
    'job "J1": burst must be shorter, or the quantum longer: "rr" takes more than 4000000';
  assertThrows(() => simulate(jobsOf(8, 9), rr(1e-9)), TypeError, text);
});

type ReadyJob = Parameters<ReturnType<SchedulingPolicy["discipline"]>["enter"]>[0];

law("A policy that gives no time at all is refused, and does not run for ever", () => {
  const ready: ReadyJob[] = [];
  const still = new SchedulingPolicy("still", () => ({
    size: 1,
    enter: (job: ReadyJob) => ready.push(job),
    pick: () => ready.pop(),
    allowance: () => 0,
    charge: () => {},
    displaces: () => false,
  }));
  assertThrows(() => simulate(jobsOf(1), still), TypeError, '"still" takes more than');
});

law("Whole times are exact up to the greatest whole numbers, under every policy", () => {
  const jobs = jobsOf(1e15, 3e15, 5e15);
  for (const policy of POLICIES) {
    const { jobs: results, gantt } = simulate(jobs, policy);
    assertEquals(Math.max(...results.map(({ finish }) => finish)), 9e15, policy.name);
    for (const { name, burst } of jobs) {
      const pieces = gantt.filter((piece) => piece.name === name);
      assertEquals(pieces.reduce((sum, { from, to }) => sum + to - from, 0), burst, policy.name);
    }
  }
});

law("Times of any fineness are added without an error, whatever their size", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 9 }),
      fc.array(fc.integer({ min: 1, max: 1e12 }), { minLength: 1, maxLength: 9 }),
      (digits, counts) => {
        const unit = 10 ** digits;
        const { jobs, average } = simulate(jobsOf(...counts.map((n) => n / unit)), fcfs());
        let sum = 0;
        let turnaround = 0n;
        for (const [at, count] of counts.entries()) {
          sum += count;
          turnaround += BigInt(sum);
          assertEquals(jobs[at]!.finish, sum / unit);
        }
        assertEquals(average.turnaround, Number(turnaround) / (counts.length * unit));
      },
    ),
  );
});

law("Live tasks keep to the simulator where times are huge or fine", async () => {
  for (const unit of [1e13, 0.5, 1e-3, 1e-9]) {
    const round = (time: number) => Number((time * unit).toPrecision(6));
    const jobs = [7, 4, 9].map((burst, at): Job => ({
      ...{ name: `J${at}`, arrival: round(at), burst: round(burst), priority: 3 - at },
      io: [[round(2), round(5)]],
    }));
    for (const name of ["fcfs", "rr", "srtf", "mlfq"]) {
      const policy = {
        fcfs: fcfs(),
        rr: rr(round(2)),
        srtf: srtf(),
        mlfq: mlfqOf(round(2)),
      }[name]!;
      const { gantt } = simulate(jobs, policy);
      assert(gantt.length >= 3);
      assertEquals(await runLive(jobs, name, round(2)), [...gantt], `${name} in units of ${unit}`);
    }
  }
});

const mlfqOf = (quantum: number) => mlfq({ quanta: [quantum, 2 * quantum, 4 * quantum] });
