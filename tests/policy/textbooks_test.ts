/** Worked examples of the operating-systems textbooks, to the last digit. */
import { assertEquals } from "@std/assert";
import {
  fcfs,
  hrrn,
  type Job,
  mlfq,
  priority,
  rr,
  type SchedulingPolicy,
  simulate,
  sjf,
  srtf,
} from "@weft/weft";
import { law } from "../lib/law.ts";

function set(...rows: readonly (readonly [number, number, number?])[]): Job[] {
  return rows.map(([arrival, burst, priority = 0], at) => ({
    name: `P${at + 1}`,
    arrival,
    burst,
    priority,
  }));
}

const convoy = set([0, 24], [0, 3], [0, 3]);
const silberschatz: [string, Job[], SchedulingPolicy, number][] = [
  ["FCFS", convoy, fcfs(), 17],
  ["FCFS, short ones first", set([0, 3], [0, 3], [0, 24]), fcfs(), 3],
  ["SJF", set([0, 6], [0, 8], [0, 7], [0, 3]), sjf(), 7],
  ["SRTF", set([0, 8], [1, 4], [2, 9], [3, 5]), srtf(), 6.5],
  ["priority", set([0, 10, 3], [0, 1, 1], [0, 2, 4], [0, 1, 5], [0, 5, 2]), priority(), 8.2],
  ["RR with a quantum of 4", convoy, rr(4), 17 / 3],
];

for (const [title, jobs, policy, waiting] of silberschatz) {
  law(`Silberschatz: the mean waiting time of ${title} is ${waiting.toFixed(2)}`, () => {
    assertEquals(simulate(jobs, policy).average.waiting, waiting);
  });
}

const stallings = set([0, 3], [2, 6], [4, 4], [6, 5], [8, 2]);
const finishes: [string, SchedulingPolicy, number[]][] = [
  ["FCFS", fcfs(), [3, 9, 13, 18, 20]],
  ["RR with a quantum of 1", rr(1), [4, 18, 17, 20, 15]],
  ["RR with a quantum of 4", rr(4), [3, 17, 11, 20, 19]],
  ["SPN", sjf(), [3, 9, 15, 20, 11]],
  ["SRT", srtf(), [3, 15, 8, 20, 10]],
  ["HRRN", hrrn(), [3, 9, 13, 20, 15]],
];

for (const [title, policy, expected] of finishes) {
  law(`Stallings: ${title} finishes its five jobs at ${expected.join(", ")}`, () => {
    assertEquals(simulate(stallings, policy).jobs.map((job) => job.finish), expected);
  });
}

law("OSTEP: response of three jobs of 5 is 5 under SJF and 1 under RR with a quantum of 1", () => {
  const jobs = set([0, 5], [0, 5], [0, 5]);
  assertEquals(simulate(jobs, sjf()).average.response, 5);
  assertEquals(simulate(jobs, rr(1)).average.response, 1);
  assertEquals(simulate(jobs, rr(1)).average.turnaround, 14);
});

law("OSTEP: STCF finishes 100, 10 and 10 with arrivals 0, 10, 10 in 50 on average", () => {
  assertEquals(simulate(set([0, 100], [10, 10], [10, 10]), srtf()).average.turnaround, 50);
});

law("OSTEP: with I/O, each CPU burst is a job of its own for SRTF", () => {
  const { gantt } = simulate([
    { name: "A", arrival: 0, burst: 50, io: [[10, 10], [20, 10], [30, 10], [40, 10]] },
    { name: "B", arrival: 0, burst: 60 },
  ], srtf());
  assertEquals(gantt.map(({ name, from }) => `${name}${from}`), [
    ...["A0", "B10", "A20", "B30", "A40", "B50", "A60", "B70", "A80", "B90"],
  ]);
});

law(
  "MLFQ: a job's use adds up over turns and I/O, and the displaced one keeps what it used",
  () => {
    const { gantt } = simulate([
      { name: "A", arrival: 0, burst: 12 },
      { name: "B", arrival: 1, burst: 6, io: [[1, 1], [2, 1], [3, 1], [4, 1]] },
    ], mlfq({ quanta: [2, 4, 8] }));
    assertEquals(
      gantt.map(({ name, from, to }) => `${name}${from}-${to}`),
      [
        // At 5 B blocks with its first quantum used up, so it comes back to the second queue, behind A;
        // at 8 A goes to the third, where B displaces it at 10 and 12.
        ...["A0-2", "B2-3", "A3-4", "B4-5", "A5-8", "B8-9", "A9-10", "B10-11", "A11-12", "B12-14"],
        "A14-18",
      ],
    );
  },
);
