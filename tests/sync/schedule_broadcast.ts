/** A broadcast in plain arrays: a queue for each subscriber, as the lag rule bounds it. */
import { assertEquals } from "@std/assert";
import { Broadcast, type Subscription } from "../../src/sync/broadcast.ts";
import type { LagRule } from "../../src/sync/broadcast_log.ts";
import type { Call, Play, Verdicts } from "./schedules.ts";

/** One subscriber as the model sees it. */
class Subscriber {
  open = true;
  missed = 0;
  /** Missed since it was last told. */
  gap = 0;
  backlog: number[] = [];
  readonly waits: number[] = [];

  readonly end: Subscription<number>;

  constructor(end: Subscription<number>) {
    this.end = end;
  }
}

/** What a broadcast must do. */
class Model {
  readonly sends: { call: number; item: number }[] = [];
  subscribers: Subscriber[] = [];
  closed = false;

  readonly verdicts: Verdicts;
  readonly capacity: number;
  readonly lag: LagRule;

  constructor(verdicts: Verdicts, capacity: number, lag: LagRule) {
    this.verdicts = verdicts;
    this.capacity = capacity;
    this.lag = lag;
  }

  get open(): Subscriber[] {
    return this.subscribers.filter((one) => one.open);
  }

  send(call: number, item: number, waits: boolean): void {
    if (this.closed) this.verdicts.refuse(call, "ClosedError");
    else if (!this.isBlocked()) this.deliver(call, item);
    else if (waits) this.sends.push({ call, item });
    else this.verdicts.refuse(call, "WouldBlock");
  }

  receive(call: number, at: Subscriber, waits: boolean): void {
    if (!at.open) return this.verdicts.refuse(call, "ClosedError");
    const { gap } = at;
    at.gap = 0;
    if (gap > 0 && this.lag === "error") return this.verdicts.refuse(call, "LaggedError");
    if (at.backlog.length > 0) {
      this.verdicts.give(call, at.backlog.shift());
      this.admit();
    } else if (this.closed) this.verdicts.refuse(call, "EndOfChannel");
    else if (waits) at.waits.push(call);
    else this.verdicts.refuse(call, "WouldBlock");
  }

  closeOne(call: number, at: Subscriber): void {
    this.verdicts.give(call);
    at.open = false;
    at.backlog = [];
    for (const wait of at.waits.splice(0)) this.verdicts.refuse(wait, "ClosedError");
    this.admit();
  }

  close(call: number): void {
    this.verdicts.give(call);
    this.closed = true;
    for (const { waits } of this.subscribers) {
      for (const wait of waits.splice(0)) this.verdicts.refuse(wait, "EndOfChannel");
    }
    for (const send of this.sends.splice(0)) this.verdicts.refuse(send.call, "ClosedError");
  }

  forget(call: number): void {
    for (const { waits } of this.subscribers) {
      if (waits.includes(call)) waits.splice(waits.indexOf(call), 1);
    }
    const at = this.sends.findIndex((send) => send.call === call);
    if (at >= 0) this.sends.splice(at, 1);
  }

  private isBlocked(): boolean {
    return this.lag === "block" && this.open.some((one) => one.backlog.length >= this.capacity);
  }

  private deliver(call: number, item: number): void {
    this.verdicts.give(call);
    for (const one of this.open) {
      const wait = one.waits.shift();
      if (wait !== undefined) {
        this.verdicts.give(wait, item);
        continue;
      }
      if (one.backlog.length >= this.capacity) {
        one.backlog.shift();
        one.missed++;
        one.gap++;
      }
      one.backlog.push(item);
    }
  }

  private admit(): void {
    while (this.sends.length > 0 && !this.isBlocked()) {
      const { call, item } = this.sends.shift()!;
      this.deliver(call, item);
    }
  }
}

/** A broadcast with a rule, whose subscribers come, clone themselves, and go. */
export function broadcastPlay(
  lag: LagRule,
): (verdicts: Verdicts, choose: (n: number) => number) => Play {
  return (verdicts, choose) => {
    const capacity = 1 + choose(3);
    const news = new Broadcast<number>({ capacity, lag });
    const model = new Model(verdicts, capacity, lag);
    const subscribe = () => model.subscribers.push(new Subscriber(news.subscribe()));
    subscribe();
    subscribe();
    let items = 0;
    const calls: ((choose: (n: number) => number, at: Subscriber) => Call)[] = [
      () => {
        const item = ++items;
        const begins = (call: number) => model.send(call, item, true);
        return { verb: `send ${item}`, does: () => news.send(item), begins };
      },
      () => {
        const item = ++items;
        const begins = (call: number) => model.send(call, item, false);
        return { verb: `trySend ${item}`, does: { now: () => news.trySend(item) }, begins };
      },
      (_, at) => ({
        verb: `${at.end}.receive`,
        does: () => at.end.receive(),
        begins: (call) => model.receive(call, at, true),
      }),
      (_, at) => ({
        verb: `${at.end}.tryReceive`,
        does: { now: () => at.end.tryReceive() },
        begins: (call) => model.receive(call, at, false),
      }),
      () => ({
        verb: "subscribe",
        does: { now: () => void subscribe() },
        begins: (call) => {
          if (model.closed) verdicts.refuse(call, "ClosedError");
          else verdicts.give(call);
        },
      }),
      (_, at) => ({
        verb: `${at.end}.clone`,
        does: {
          now: () => {
            const clone = new Subscriber(at.end.clone());
            clone.backlog = [...at.backlog];
            clone.missed = clone.gap = at.gap;
            model.subscribers.push(clone);
          },
        },
        begins: (call) => at.open ? verdicts.give(call) : verdicts.refuse(call, "ClosedError"),
      }),
      (_, at) => ({
        verb: `${at.end}.close`,
        does: { now: () => at.end.close() },
        begins: (call) => model.closeOne(call, at),
      }),
      () => ({
        verb: "close",
        does: { now: () => news.close() },
        begins: (call) => model.close(call),
      }),
    ];
    /** How often each is called. */
    const often = [0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 4, 5, 6, choose(4) === 0 ? 7 : 0];
    return {
      call: (choose) => {
        const at = model.subscribers[choose(model.subscribers.length)]!;
        return calls[often[choose(often.length)]!]!(choose, at);
      },
      forget: (call) => model.forget(call),
      compare: () => {
        const { size, subscribers, sending } = news.statistics();
        const longest = Math.max(0, ...model.open.map((one) => one.backlog.length));
        assertEquals({ size, subscribers, sending }, {
          size: longest,
          subscribers: model.open.length,
          sending: 0,
        });
        for (const { end, backlog, missed } of model.subscribers) {
          assertEquals(end.missed, missed);
          assertEquals(end.statistics(), { behind: backlog.length, missed, receiving: 0 });
        }
      },
    };
  };
}
