/**
 * The scheduler: one run's tasks, its ready queue, and the loop that gives each its turn.
 *
 * The loop runs ready tasks in bursts. A burst is synchronous through fast-lane tasks. An async-lane task is lent the
 * turn: its promise is resolved, its code runs in the microtasks that follow, and it hands the turn back at its next
 * checkpoint. So the steps of both lanes follow one another in the order of one queue, and a step means the same in
 * both. See {@linkcode LentTurn}.
 *
 * Due timers ring between steps, and after a slice of 2 ms the loop hops through the host's.
 *
 * Rejected: a promise per step (four times the cost, and microtasks starve the host); one global
 * scheduler (two runs would mix up their tasks); `setTimeout` to hop (2 ms of idling for each).
 */
import { BUDGET, type HostWaits, LentTurn, MOST_STEPS, spent, TimeSlice } from "./turn.ts";
import { CaseOrder, type Choose, seededChoose } from "./choose.ts";
import { safeWarn, thrownText } from "./callback.ts";
import { type Clock, clockOf, GuardedClock, type SystemClock, Timers } from "./clock.ts";
import { currentScope } from "./context.ts";
import { combineInstruments, type Instrument } from "./instrument.ts";
import {
  checkSchedulerOptions,
  type Overseer,
  type SchedulerOptions,
  type TaskHost,
} from "./scheduler_options.ts";
import { ChosenPolicy, ReadyQueue } from "./ready_queue.ts";
import { ResourceList } from "./resource.ts";
import { SpawnSites } from "./sites.ts";
import { CycleRechecks } from "./deadlock.ts";
import { Task } from "./task.ts";
import { startAfter } from "./task_end.ts";
import type { TaskGenerator, TaskName } from "./generators.ts";
import type { Wait } from "./wait.ts";
import { WaitQueue } from "./wait_queue.ts";

/** One run's tasks and turns. */
export class Scheduler implements TaskHost {
  /** The deadlines of this run. */
  readonly timers: Timers;
  /** In which order the cases of a choice are tried. */
  readonly cases: CaseOrder;
  /** What the run must give back to the host when it ends. */
  readonly resources: ResourceList = new ResourceList();
  /** Looks after the run as a whole. */
  readonly overseer: Overseer;
  /** Reports what is no error but must not pass in silence; it never throws. */
  readonly warn: (message: string) => void;
  readonly #clock: SystemClock | GuardedClock;
  /** How often the host had its turn: between two steps with the same count no time was lost. */
  pauses = 0;
  /** How many tasks are alive. */
  live = 0;
  readonly #ready: ReadyQueue;
  readonly #instrument: Required<Instrument> | null;
  /** Whether there is neither a policy nor an instrument to be told of each step. */
  readonly #plain: boolean;
  #firstTask: Task | null = null;
  #serial = 0;
  /** The async task whose code has the turn. */
  #lent: Task | null = null;
  readonly #turn: LentTurn;
  /** Ends the loop's sleep when something became ready. */
  #wake: (() => void) | null = null;
  /** Waits until no task can go on. */
  readonly #blocked = new WaitQueue<void>({ toString: () => "tasks" }, "allBlocked");
  /** Circles that may not stand for long. */
  readonly #rechecks = new CycleRechecks();
  /** Steps by hand since timers have rung. */
  #ticks = 0;
  readonly #slice: TimeSlice;
  readonly #sites: SpawnSites;
  /** How much of the budget is gone when a step begins. */
  #spentBefore: number;

  /** A scheduler without tasks; `overseer` decides what its tasks' ends mean. */
  constructor(overseer: Overseer, options: SchedulerOptions = {}) {
    checkSchedulerOptions(options);
    const choose: Choose | null = options.seed === undefined ? null : seededChoose(options.seed);
    this.cases = new CaseOrder(choose);
    this.overseer = overseer;
    this.#sites = new SpawnSites(options.sites);
    this.warn = safeWarn(options.warn ?? ((message) => console.warn(message)));
    this.#clock = clockOf(options.clock, this.warn);
    this.#turn = new LentTurn(this.#clock, () => this.#lent, (task) => {
      this.#lent = null;
      this.#endStep(task);
    });
    this.timers = new Timers(this.#clock, {
      choose,
      sooner: () => this.#rouse(),
      failed: (error) => this.warn(thrownText("A timer", error)),
    });
    this.#ready = new ReadyQueue(
      options.policy ?? (choose === null ? null : new ChosenPolicy(choose)),
      { clock: this.#clock, tasks: () => this.tasks(), warn: this.warn },
    );
    // In virtual time a policy decides by what is due now: timers must have rung before each pick.
    this.#slice = new TimeSlice(this.#clock, this.#ready.policy !== null && this.#clock.exact);
    const { budget = BUDGET } = options;
    this.#spentBefore = this.#ready.policy === null ? BUDGET - budget : BUDGET;
    this.#plain = this.#ready.policy === null && (options.instruments ?? []).length === 0;
    this.#instrument = combineInstruments(options.instruments ?? [], this.warn);
  }

  /** The clock that the run was given, or what replaced it. */
  get clock(): Clock {
    return this.#clock instanceof GuardedClock ? this.#clock.clock : this.#clock;
  }

  /** The living tasks, in the order in which they were spawned. */
  tasks(): Task[] {
    const tasks: Task[] = [];
    for (let task = this.#firstTask; task !== null; task = task.following) tasks.push(task);
    return tasks.reverse();
  }

  /** Makes a task of a body; it becomes ready now, or after `delay` ms. */
  spawn<T>(
    name: TaskName,
    generator: TaskGenerator<T>,
    spawner: Task | null,
    delay?: number,
  ): Task<T> {
    const task = new Task<T>(this, ++this.#serial, name, generator, spawner);
    this.overseer.spawned(task);
    if (spawner?.daemon === true) task.daemon = true;
    if (spawner !== null) this.#sites.note(task, spawner.id, name);
    task.following = this.#firstTask;
    if (this.#firstTask !== null) this.#firstTask.previous = task;
    this.#firstTask = task;
    this.live++;
    this.#instrument?.spawned(task);
    if (delay === undefined) this.ready(task);
    else startAfter(task, delay);
    return task;
  }

  /** Gives turns until no task is left. */
  async loop(): Promise<void> {
    // Since the last hop: then the host has looked at its sockets, and a hop of one turn will do, not of 64.
    let hasSlept = false;
    this.#newSlice();
    while (this.live > 0) {
      const pause = this.#burst();
      if (pause === "lent") {
        await this.#turn.back();
        continue;
      }
      if (pause === "slice") {
        await this.#clock.hop(!hasSlept && this.hostWaits.open + this.hostWaits.bound > 0);
      } else if (this.#blocked.size > 0) {
        await this.#unblock();
      } else if (this.live > 0) {
        const roused = this.#sleep();
        if (roused !== null) {
          await roused;
          this.#clock.awake();
          if (this.#clock.exact) this.#ring();
        }
      }
      hasSlept = pause === "idle";
      this.#newSlice();
    }
    this.#clock.clearAlarm();
  }

  /** By hand, in place of {@linkcode loop}: rings due timers, then runs one step to its end; tells if there was one. */
  async tick(): Promise<boolean> {
    this.#spentBefore = BUDGET;
    if (!this.#ready.some || ++this.#ticks >= MOST_STEPS) this.#ring();
    if (!this.#ready.some) this.#blocked.wakeAll();
    const task = this.#next();
    if (task === undefined) return false;
    this.#slice.stepsLeft = 1; // no handing on: one step only
    this.#step(task);
    if (this.#lent !== null) await this.#turn.back();
    return true;
  }

  /** By hand: waits until something may have become ready, by the host's doing. */
  async roused(): Promise<void> {
    if (this.#ready.some) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** How many waits the host may end. */
  get hostWaits(): HostWaits {
    return this.#turn.hostWaits;
  }

  /** Something outside, which no wait tells of, may (`1`) or may no more (`-1`) wake this run. */
  expect(change: 1 | -1): void {
    this.#turn.hostWaits.open += change;
    this.#rouse();
  }

  /** Parks a wait until no task can go on: the one that waits for that is the next to do so. */
  parkUntilBlocked(wait: Wait<void>): void {
    this.#blocked.park(wait);
  }

  /** Whether operations that need not wait may go on without a turn. */
  get hasBudget(): boolean {
    return this.#spentBefore < BUDGET;
  }

  /** Whether the slice still lasts. */
  inSlice(): boolean {
    return this.#slice.lasts();
  }

  // -- What tasks tell their host --

  /** Puts a task at the back of the ready queue. */
  ready(task: Task): void {
    this.#enqueue(task, false);
    this.#rouse();
  }

  /** Counts a wait among those that the host may end, if it is one. */
  parked(task: Task, wait: Wait): void {
    if (task.state === "running") task.state = "waiting";
    const { host } = wait.source!;
    if (host !== "none" && !task.isBystander) this.#turn.hostWaits[host]++;
    this.#instrument?.parked(task, wait.source!);
  }

  /** Takes a wait out of that count. */
  unparked(wait: Wait): void {
    const { host } = wait.source!;
    if (host === "none" || wait.task.isBystander) return;
    this.#turn.hostWaits[host]--;
    this.#rouse(); // one of several waits may make no task ready: the loop must look again
  }

  /** Lends the turn to async code of a task, until {@linkcode returnTurn}. */
  lendTurn(task: Task): void {
    task.asyncSide!.turnsLent++;
    this.#lent = task;
  }

  /** Ends the step of async code: takes the turn back, or hands it on to the next async task at once. */
  returnTurn(task: Task): void {
    task.asyncSide!.turnsReturned++;
    if (task.isAway) {
      this.#turn.noteForeignAwait(task, false);
      this.#rouse(); // its wait may be the last thing that was to come: the loop must look again
    }
    if (this.#lent !== task) return; // it was taken back before the code came to its checkpoint
    this.#lent = null;
    this.#endStep(task);
    if (--this.#slice.stepsLeft > 0 && this.#ready.policy === null) {
      const next = this.#ready.first;
      if (next?.state === "ready" && next.stepsByPromise) return this.#step(this.#ready.shift()!);
    }
    this.#turn.giveBack();
  }

  /** Begins the next step of async code that cedes, if no other task is ready and nobody watches. */
  cedesAlone(task: Task): boolean {
    if (!this.#plain || this.#ready.first !== null || this.#lent !== task) return false;
    spent.operations = this.#spentBefore;
    return this.#slice.goesOn();
  }

  /** Strikes a task off. */
  exited(task: Task): void {
    task.state = "terminated";
    if (task.previous === null) this.#firstTask = task.following;
    else task.previous.following = task.following;
    if (task.following !== null) task.following.previous = task.previous;
    task.previous = task.following = null;
    this.live--;
    this.#instrument?.exited(task);
    this.overseer.exited(task);
    this.#rouse();
  }

  /** Has `look` called after a while, if the run still goes on then: it keeps nothing waiting for that. */
  suspect(look: () => void): void {
    this.#rechecks.add(this.#clock.now(), look);
  }

  // -- The loop's parts --

  #enqueue(task: Task, ceded: boolean): void {
    task.state = "ready";
    this.#ready.add(task);
    if (this.#instrument === null) return;
    this.#instrument.ready(task, ceded ? task : currentScope()?.task);
  }

  /** The task whose turn it is. One that ended while it was ready (by other async code of its own) is passed over. */
  #next(): Task | undefined {
    let task = this.#ready.take();
    while (task !== undefined && task.state !== "ready") task = this.#ready.take();
    return task;
  }

  /** Runs steps until nothing is ready, the turn is lent, or the slice is used up. */
  #burst(): "idle" | "lent" | "slice" {
    const slice = this.#slice;
    for (;;) {
      if (slice.stepsLeft <= 0) {
        const isOver = slice.look();
        this.#ring();
        if (isOver && this.#ready.some) return "slice"; // with nothing ready the host has its turn anyhow
      }
      const task = this.#next();
      if (task === undefined) return "idle";
      slice.stepsLeft--;
      if (this.#plain) this.#plainStep(task);
      else this.#step(task);
      if (this.#lent !== null) return "lent";
    }
  }

  /** The step of a run that nobody watches: what {@linkcode #step} does, less the questions. */
  #plainStep(task: Task): void {
    spent.operations = this.#spentBefore;
    task.state = "running";
    const ceded = task.step();
    if (ceded) {
      task.state = "ready";
      this.#ready.push(task);
    } else if (this.#lent === null && task.isDue) {
      this.#nextWait(task);
    }
  }

  #step(task: Task): void {
    spent.operations = this.#spentBefore;
    task.state = "running";
    if (this.#instrument !== null) this.#instrument.stepBegin(task);
    if (this.#ready.policy !== null) this.#ready.stepBegins();
    const ceded = task.step();
    if (ceded) this.#enqueue(task, true);
    if (this.#lent === null) this.#endStep(task);
  }

  #endStep(task: Task): void {
    if (this.#ready.policy !== null) this.#ready.stepEnded(task);
    this.#instrument?.stepEnd(task);
    if (task.isDue) this.#nextWait(task);
  }

  /** Gives a task whose step is over another turn for the next of its waits that has ended. */
  #nextWait(task: Task): void {
    if (task.state !== "ready" && !task.done) this.ready(task);
  }

  /** Begins a slice. */
  #newSlice(): void {
    if (this.#rechecks.some) this.#rechecks.look(this.#clock.now());
    this.pauses++;
    this.#slice.begin();
    if (!this.#clock.exact) this.#ring();
  }

  /** Rings the timers that are due. A policy is told of all at once, since it is to choose among them. */
  #ring(): void {
    this.#ticks = 0;
    if (this.#clock.exact || this.timers.size > 0) this.timers.ringDue(this.#ready.policy !== null);
  }

  /** Lets those go on who wait until no task can, after what the host has ready already. */
  async #unblock(): Promise<void> {
    await this.#clock.hop(true);
    if (!this.#ready.some) this.#blocked.wakeAll();
  }

  /**
   * Waits until something may be ready; calls the overseer, and gives `null`, when nothing can become so. No async
   * function: each of them costs a server two promises and a microtask for each message.
   */
  #sleep(): Promise<void> | null {
    const next = this.timers.next;
    const { foreignAwaits, hostWaits, hostWaits: { open, bound } } = this.#turn;
    if (next === undefined && foreignAwaits + open + bound === 0 && this.overseer.stuck()) {
      return null;
    }
    const roused = new Promise<void>((resolve) => this.#wake = resolve);
    if (next === undefined) this.#clock.clearAlarm();
    else this.#clock.setAlarm(next, () => this.#rouse(), hostWaits);
    return roused;
  }

  #rouse(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}

/** The run a task belongs to. */
export function schedulerOf(task: Task): Scheduler {
  return task.host as Scheduler;
}
