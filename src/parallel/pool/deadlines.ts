/**
 * Deadlines that the pool keeps by itself, whatever a worker says.
 *
 * A worker ends a job that outruns its limit as well as it can: a loop through `node:vm`, a wait by a
 * timer. Neither is sure. A job may sit in native code, in a read of the file system, or in the loading
 * of a module that never settles; `node:vm` may end the worker's own loop instead of the job's, if the
 * time is up just as the job returns. So the pool looks, too. The shared words say which job a worker
 * is at, and whether it has been called; one that is still there `limit + grace` after it was first
 * seen there has outrun its time. Its future settles, and its worker is given up.
 *
 * Looking at intervals was preferred to a time written by the worker: the clocks of two threads need
 * not agree, and a word that only counts cannot be wrong. Looking late, as a busy thread does, finds
 * each job later, never too early.
 *
 * Two threads look at one worker: this one decides to give it up while that one may just be done with
 * the job and begin another, which would be lost with it. So what it has not begun is taken back first.
 * From then on it can begin nothing, and if its word still names the job, that is what it is stuck in.
 */
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";
import { TimeoutError } from "../../kernel/errors.ts";
import type { Batch, BatchCarrier } from "./batch.ts";
import { at } from "../thread/wire.ts";

/** An answer may have come and not been read, if this thread was busy when the time was up. */
const READ_MS = 1;
/**
 * How long the module of a job may take to load, beyond the time of the job itself: at least so many
 * milliseconds, and so many times what the worker took to start, which was slow if the machine is.
 */
const [LOAD_MS, LOAD_STARTS] = [500, 10] as const;
/** So many looks are taken within the time that a job has. */
const LOOKS = 8;
/** Looks are no closer than this, and no further apart than that, in milliseconds. */
const [LEAST_MS, MOST_MS] = [4, 100] as const;

/** A batch with limits, and the job it was last seen at. */
interface Limited {
  readonly batch: Batch;
  readonly carrier: BatchCarrier;
  index: number;
  called: boolean;
  since: number;
  late: boolean;
}

/** Whose workers they are. */
export interface DeadlineOwner {
  /** A worker does not stop. */
  giveUp(carrier: BatchCarrier, cause: Error): void;
  /** Jobs were taken back. */
  more(): void;
}

/** Waits for answers, and has workers given up that do not give them. */
export class Deadlines {
  readonly #grace: number;
  readonly #timers: PoolTimers;
  readonly #owner: DeadlineOwner;
  /** Its alarm does not keep the process alive: the worker that has the job does. */
  readonly #clock = new SystemClock({ idle: true });
  #limited: Limited[] = [];

  /** Waits for `grace` beyond the time that a job has; the owner is told of a worker that is late. */
  constructor(grace: number, watch: PoolTimers, owner: DeadlineOwner) {
    this.#grace = grace;
    this.#timers = watch;
    this.#owner = owner;
  }

  /** A batch has been sent. If its jobs have limits, it is looked after until all are answered. */
  sent(batch: Batch): void {
    if (batch.content.limits === 0) return;
    const limited = {
      batch,
      carrier: batch.carrier!,
      index: -1,
      called: false,
      since: 0,
      late: false,
    };
    this.#limited.push(limited);
    this.#lookIn(this.#interval(limited));
  }

  /** Something was answered: forgets what is over, so that no alarm outlives what it was for. */
  answered(): void {
    if (this.#limited.length === 0) return;
    this.#limited = this.#limited.filter(isOpen);
    if (this.#limited.length === 0) this.#clock.clearAlarm();
  }

  /** The job was told to stop: its worker is given up if it does not, unless a task has heard. */
  toldToStop(batch: Batch, index: number): void {
    const { carrier } = batch;
    this.#timers.in(this.#grace, () =>
      this.#timers.in(READ_MS, () => {
        if (batch.heard || !isOpen({ batch, carrier })) return;
        if (this.#isStuckIn(batch, index)) this.#late(batch, index);
        else this.#watchSend(batch, index);
      }));
  }

  /** The job may be over, and its worker be held up by a getter in its result. */
  #watchSend(batch: Batch, index: number): void {
    const { carrier, sending } = batch;
    if (sending === 0 || index < batch.answered) return;
    this.#timers.in(this.#grace, () => {
      if (isOpen({ batch, carrier }) && batch.sending === sending) this.#late(batch, index);
    });
  }

  /** Forgets everything. */
  clear(): void {
    this.#limited = [];
    this.#clock.clearAlarm();
  }

  #look(): void {
    this.#limited = this.#limited.filter(isOpen);
    let next = Infinity;
    for (const limited of [...this.#limited]) {
      if (this.#isLate(limited)) {
        if (limited.late) this.#expire(limited);
        limited.late = true;
        next = READ_MS;
      } else {
        next = Math.min(next, this.#interval(limited));
      }
    }
    if (this.#limited.length > 0) this.#lookIn(next);
  }

  #isLate(limited: Limited): boolean {
    const { batch, carrier } = limited;
    const { running, called } = batch;
    const now = this.#clock.now();
    if (running !== limited.index || called !== limited.called) {
      Object.assign(limited, { index: running, called, since: now, late: false });
      return false;
    }
    if (running < 0) return false;
    const limit = at(batch.content.limits, running);
    if (limit === 0) return false;
    const loading = called ? 0 : Math.max(LOAD_MS, LOAD_STARTS * carrier.startMs);
    return now - limited.since >= limit + this.#grace + loading;
  }

  /** A job has outrun its time. A task is no reason to give its worker up as long as that hears. */
  #expire(limited: Limited): void {
    const { batch, index } = limited;
    if (!batch.isTask && !this.#isStuckIn(batch, index)) return;
    this.#limited = this.#limited.filter((one) => one !== limited);
    const limit = at(batch.content.limits, index);
    const late = new TimeoutError(limit, `job "${batch.kindAt(index).name}"`);
    batch.failAt(index, late);
    if (!batch.isTask) return this.#late(batch, index);
    batch.signal(index, late);
    this.toldToStop(batch, index);
  }

  /** Whether its worker is at that job and at no other, and can begin none. */
  #isStuckIn(batch: Batch, index: number): boolean {
    if (batch.running !== index) return false;
    batch.carrier!.takeBack();
    if (batch.running === index) return true;
    this.#owner.more();
    return false;
  }

  #late(batch: Batch, index: number): void {
    const { name } = batch.kindAt(index);
    this.#owner.giveUp(
      batch.carrier!,
      new Error(`job "${name}" did not stop in time, so it was given up`),
    );
  }

  /** How long until the next look: short beside the time that the least patient job has. */
  #interval({ batch, index }: Limited): number {
    const { limits } = batch.content;
    const limit = typeof limits === "number" ? limits : index < 0 ? 0 : limits[index]!;
    return Math.min(MOST_MS, Math.max(LEAST_MS, (limit + this.#grace) / LOOKS));
  }

  #lookIn(ms: number): void {
    // In nobody's scope: what is due is not part of the task that happened to set the alarm.
    withScope(null, () => this.#clock.setAlarm(this.#clock.now() + ms, () => this.#look()));
  }
}

function isOpen({ batch, carrier }: Pick<Limited, "batch"> & { carrier: unknown }): boolean {
  return batch.carrier === carrier && batch.owed > 0;
}

/** Things to look at later. */
export class PoolTimers {
  readonly #clock: SystemClock;
  #entries: { readonly at: number; readonly act: () => void }[] = [];

  /** Nothing is due. With `idle`, what is due does not keep the process alive. */
  constructor(options: { readonly idle?: boolean } = {}) {
    this.#clock = new SystemClock(options);
  }

  /** Calls `act` once, `ms` from now. */
  in(ms: number, act: () => void): void {
    this.#entries.push({ at: this.#clock.now() + ms, act });
    this.#setAlarm();
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries = [];
    this.#clock.clearAlarm();
  }

  #setAlarm(): void {
    let next = Infinity;
    for (const { at } of this.#entries) next = Math.min(next, at);
    // In nobody's scope: what is due is not part of the task that happened to set the alarm.
    if (next < Infinity) withScope(null, () => this.#clock.setAlarm(next, () => this.#ring()));
  }

  #ring(): void {
    const now = this.#clock.now();
    const due = this.#entries.filter(({ at }) => at <= now);
    this.#entries = this.#entries.filter(({ at }) => at > now);
    this.#setAlarm();
    for (const { act } of due) act();
  }
}
