/** The policies that `scheduling.ts` compares, by the names of its command line. */
import { fcfs, hrrn, mlfq, priority, rr, type SchedulingPolicy, sjf, srtf } from "@weft/weft";

/** Makes each policy, with a quantum. */
export const POLICIES: Record<string, (quantum: number) => SchedulingPolicy> = {
  fcfs: () => fcfs(),
  sjf: () => sjf(),
  srtf: () => srtf(),
  hrrn: () => hrrn(),
  rr: (quantum) => rr(quantum),
  priority: () => priority(),
  "priority-preemptive": () => priority({ preemptive: true }),
  mlfq: (quantum) => mlfq({ quanta: [quantum, 2 * quantum, 4 * quantum] }),
};

/** The names in a comma list, each once; an unknown one is a RangeError. */
export function policyNames(list: string): string[] {
  const names = new Set(list.split(",").map((name) => name.trim()));
  for (const name of names) {
    if (Object.hasOwn(POLICIES, name)) continue;
    throw new RangeError(
      `Unknown policy ${JSON.stringify(name)}; there are ${Object.keys(POLICIES).join(", ")}`,
    );
  }
  return [...names];
}
