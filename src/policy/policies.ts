/** The policies of the textbooks, each a function that makes one. */
import { show } from "../kernel/printable.ts";
import {
  checkFlag,
  checkOptions,
  checkWhole,
  COUNT_OR_NONE,
  isInstance,
} from "../kernel/checks.ts";
import { type Choose, seededChoose } from "../kernel/choose.ts";
import { LEAST_TIME } from "./job.ts";
import { anyOf, byTicket, Drawn, Stride } from "./lottery_and_stride.ts";
import { Feedback } from "./mlfq.ts";
import {
  agedPriority,
  Aging,
  byDeadline,
  byLeft,
  byLength,
  byPriority,
  Ordered,
  responseRatio,
} from "./ordered.ts";
import { RoundRobin } from "./round_robin.ts";
import { SchedulingPolicy } from "./scheduling_policy.ts";

function checkTime(value: number, what: string): number {
  if (typeof value === "number" && value >= LEAST_TIME) return value;
  throw new RangeError(
    `Cannot use ${show(value)} as ${what}: it must be a number above 0, of at least a billionth`,
  );
}

/** A time in parts of a unit. Live tasks have parts of 1 ms that need not be whole, the simulator's are. */
const scaled = (time: number, scale: number): number =>
  scale === 1 ? time : Math.round(time * scale);

/** First come, first served: a task runs until it waits. Simple and fair, and one long task holds up all. */
export function fcfs(): SchedulingPolicy {
  return new SchedulingPolicy("fcfs", () => new RoundRobin(Infinity), [], []);
}

/**
 * Round robin: turns of at most `quantum`, in a circle.
 *
 * @param quantum How long a turn is, in ms; `Infinity` makes it {@linkcode fcfs}.
 * @throws {RangeError} If the quantum is not above 0.
 */
export function rr(quantum: number = 4): SchedulingPolicy {
  checkTime(quantum, "a quantum");
  return new SchedulingPolicy("rr", (scale) => new RoundRobin(scaled(quantum, scale)), [], [
    quantum,
  ]);
}

/** Shortest job first: the ready task with the shortest next CPU burst, which then runs until it waits. */
export function sjf(): SchedulingPolicy {
  return new SchedulingPolicy("sjf", () => new Ordered(byLength, false), [], []);
}

/** Shortest remaining time first: like {@linkcode sjf}, but a shorter one displaces the one that runs. */
export function srtf(): SchedulingPolicy {
  return new SchedulingPolicy("srtf", () => new Ordered(byLeft, true), [], []);
}

/** Highest response ratio next: (waited + length) / length; short tasks first, and long ones in the end. */
export function hrrn(): SchedulingPolicy {
  return new SchedulingPolicy("hrrn", () => new Aging(responseRatio, false), [], []);
}

/** How {@linkcode priority} is to decide. */
export interface PriorityOptions {
  /** Whether a better task displaces the one that runs. @default {false} */
  preemptive?: boolean;
  /** By how much a task's priority gets better for each ms that it waits, so that none starves. @default {0} */
  aging?: number;
}

/**
 * Priorities: the lowest number first.
 *
 * @param options Whether it displaces, and whether it ages.
 * @throws {RangeError} If `aging` is negative or no number.
 */
export function priority(options: PriorityOptions = {}): SchedulingPolicy {
  const { preemptive = false, aging = 0 } = checkOptions(options, "priority()");
  checkFlag(preemptive, "preemptive");
  if (!(typeof aging === "number" && aging >= 0 && aging < Infinity)) {
    throw new RangeError(`Cannot use ${show(aging)} as aging: it must be a number, zero or more`);
  }
  const name = preemptive ? "priority-preemptive" : "priority";
  return new SchedulingPolicy(
    name,
    (scale) =>
      aging === 0
        ? new Ordered(byPriority, preemptive)
        : new Aging(agedPriority(aging / scale), preemptive),
    ["priority"],
    [],
  );
}

/** How {@linkcode mlfq} is to decide. */
export interface MlfqOptions {
  /** One quantum per queue, from the highest down, in ms. @default {[4, 8, 16]} */
  quanta?: readonly number[];
  /** All tasks go back to the highest queue this often, in ms. @default {Infinity} */
  boost?: number;
}

/**
 * The multilevel feedback queue: short and waiting tasks stay on top, those that compute sink.
 *
 * A task enters the highest queue. Its use of the processor adds up over turns and waits; when it has
 * used its queue's quantum, it goes to the end of the next one. The highest queue that holds a task
 * runs, at once; the one it displaces goes to the head of its own queue.
 *
 * @param options Queues, quanta, boost.
 * @throws {RangeError} If a quantum or the boost is not above 0, or there is no queue.
 */
export function mlfq(options: MlfqOptions = {}): SchedulingPolicy {
  const { quanta = [4, 8, 16], boost = Infinity } = checkOptions(options, "mlfq()");
  if (!isInstance(quanta, Array) || quanta.length === 0) {
    throw new RangeError(`Cannot use ${show(quanta)} as quanta: there must be one per queue`);
  }
  for (const quantum of quanta) checkTime(quantum, "a quantum");
  checkTime(boost, "a boost");
  return new SchedulingPolicy(
    "mlfq",
    (scale) => new Feedback(quanta.map((quantum) => scaled(quantum, scale)), scaled(boost, scale)),
    [],
    [...quanta, boost],
  );
}

/** How a policy that draws is to decide. */
export interface DrawOptions {
  /** How long a turn is at most, in ms. @default {1} */
  quantum?: number;
  /** Chance, so that it can be repeated. @default {1} */
  seed?: number;
}

/**
 * Lottery scheduling: each turn goes to the owner of a drawn ticket, so that shares come out in the long
 * run.
 *
 * @param options Quantum and seed.
 * @throws {RangeError} If the quantum is not above 0, or the seed no whole number.
 */
export function lottery(options: DrawOptions = {}): SchedulingPolicy {
  return drawing("lottery", options, byTicket);
}

/**
 * A seeded shuffle: each turn goes to any ready task. The same seed gives the same order.
 *
 * @param options Quantum and seed.
 * @throws {RangeError} If the quantum is not above 0, or the seed no whole number.
 */
export function shuffle(options: DrawOptions = {}): SchedulingPolicy {
  return drawing("shuffle", options, anyOf);
}

function drawing(
  name: string,
  options: DrawOptions,
  draw: (choose: Choose) => ReturnType<typeof anyOf>,
): SchedulingPolicy {
  const { quantum = 1, seed = 1 } = checkOptions(options, `${name}()`);
  checkTime(quantum, "a quantum");
  checkWhole(seed, "use", "as a seed", COUNT_OR_NONE);
  return new SchedulingPolicy(
    name,
    (scale) => new Drawn(scaled(quantum, scale), draw(seededChoose(seed))),
    [],
    [quantum],
  );
}

/**
 * Stride scheduling: shares as exact as turns allow, without chance.
 *
 * @param quantum How long a turn is at most, in ms.
 * @throws {RangeError} If the quantum is not above 0.
 */
export function stride(quantum: number = 1): SchedulingPolicy {
  checkTime(quantum, "a quantum");
  return new SchedulingPolicy("stride", (scale) => new Stride(scaled(quantum, scale)), [], [
    quantum,
  ]);
}

/** Earliest deadline first: the nearest deadline displaces. One processor can do no better. */
export function edf(): SchedulingPolicy {
  return new SchedulingPolicy("edf", () => new Ordered(byDeadline, true), ["deadline"], []);
}
