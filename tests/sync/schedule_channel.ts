/** A channel in plain arrays: what Trio's memory channel says. */
import { assertEquals } from "@std/assert";
import { Channel, type ChannelReceiver, type ChannelSender } from "../../src/sync/channel.ts";
import type { Call, Play, Verdicts } from "./schedules.ts";

/** One end as the model sees it. */
interface End<E> {
  readonly end: E;
  open: boolean;
}

type Sender = End<ChannelSender<number>>;
type Receiver = End<ChannelReceiver<number>>;

/** What a channel must do. */
class Model {
  readonly items: number[] = [];
  readonly sends: { call: number; item: number; at: Sender }[] = [];
  readonly receives: { call: number; at: Receiver }[] = [];
  peak = 0;

  readonly verdicts: Verdicts;
  readonly capacity: number;
  readonly senders: Sender[];
  readonly receivers: Receiver[];

  constructor(verdicts: Verdicts, capacity: number, senders: Sender[], receivers: Receiver[]) {
    this.verdicts = verdicts;
    this.capacity = capacity;
    this.senders = senders;
    this.receivers = receivers;
  }

  send(call: number, at: Sender, item: number, waits: boolean): void {
    const receiver = this.receives[0];
    if (!at.open || !isOpen(this.receivers)) this.verdicts.refuse(call, "ClosedError");
    else if (receiver !== undefined) {
      this.receives.shift();
      this.verdicts.give(receiver.call, item);
      this.verdicts.give(call);
    } else if (this.items.length < this.capacity) {
      this.keep(item);
      this.verdicts.give(call);
    } else if (waits) this.sends.push({ call, item, at });
    else this.verdicts.refuse(call, "WouldBlock");
  }

  receive(call: number, at: Receiver, waits: boolean): void {
    if (!at.open) this.verdicts.refuse(call, "ClosedError");
    else if (this.items.length + this.sends.length > 0) this.verdicts.give(call, this.take());
    else if (!isOpen(this.senders)) this.verdicts.refuse(call, "EndOfChannel");
    else if (waits) this.receives.push({ call, at });
    else this.verdicts.refuse(call, "WouldBlock");
  }

  closeSender(call: number, at: Sender): void {
    this.verdicts.give(call);
    at.open = false;
    this.refuse(this.sends, (send) => send.at === at, "ClosedError");
    if (!isOpen(this.senders)) this.refuse(this.receives, () => true, "EndOfChannel");
  }

  closeReceiver(call: number, at: Receiver): void {
    this.verdicts.give(call);
    at.open = false;
    this.refuse(this.receives, (receive) => receive.at === at, "ClosedError");
    if (isOpen(this.receivers)) return;
    this.items.length = 0;
    this.refuse(this.sends, () => true, "ClosedError");
  }

  clone<E>(call: number, at: End<E>): void {
    if (at.open) this.verdicts.give(call);
    else this.verdicts.refuse(call, "ClosedError");
  }

  forget(call: number): void {
    for (const line of [this.sends, this.receives]) {
      const at = line.findIndex((one) => one.call === call);
      if (at >= 0) line.splice(at, 1);
    }
  }

  private take(): number {
    const sender = this.sends.shift();
    if (sender !== undefined) {
      this.verdicts.give(sender.call);
      if (this.items.length === 0) return sender.item;
    }
    const item = this.items.shift()!;
    if (sender !== undefined) this.keep(sender.item);
    return item;
  }

  private keep(item: number): void {
    this.items.push(item);
    this.peak = Math.max(this.peak, this.items.length);
  }

  private refuse<W extends { call: number }>(line: W[], which: (one: W) => boolean, why: string) {
    for (const one of line.splice(0)) {
      if (which(one)) this.verdicts.refuse(one.call, why);
      else line.push(one);
    }
  }
}

function isOpen(ends: End<unknown>[]): boolean {
  return ends.some(({ open }) => open);
}

/** A channel of a small capacity or none, with ends that are cloned and closed. */
export function channelPlay(verdicts: Verdicts, choose: (n: number) => number): Play {
  const capacity = [0, 1, 2, Infinity][choose(4)]!;
  const { sender, receiver } = new Channel<number>(capacity);
  const senders: Sender[] = [{ end: sender, open: true }];
  const receivers: Receiver[] = [{ end: receiver, open: true }];
  const model = new Model(verdicts, capacity, senders, receivers);
  const quiet = choose(3) > 0;
  let items = 0;

  const sending = (choose: (n: number) => number): Call => {
    const at = senders[choose(senders.length)]!;
    const item = ++items;
    if (choose(3) > 0) {
      const begins = (call: number) => model.send(call, at, item, true);
      return { verb: `send ${item}`, does: () => at.end.send(item), begins };
    }
    const begins = (call: number) => model.send(call, at, item, false);
    return { verb: `trySend ${item}`, does: { now: () => at.end.trySend(item) }, begins };
  };

  const receiving = (choose: (n: number) => number): Call => {
    const at = receivers[choose(receivers.length)]!;
    if (choose(3) > 0) {
      const begins = (call: number) => model.receive(call, at, true);
      return { verb: "receive", does: () => at.end.receive(), begins };
    }
    const begins = (call: number) => model.receive(call, at, false);
    return { verb: "tryReceive", does: { now: () => at.end.tryReceive() }, begins };
  };

  const cloning = (choose: (n: number) => number): Call => {
    const clone = <E extends { clone(): E }>(ends: End<E>[], what: string): Call => {
      const at = ends[choose(ends.length)]!;
      return {
        verb: `clone a ${what}`,
        does: { now: () => void ends.push({ end: at.end.clone(), open: true }) },
        begins: (call) => model.clone(call, at),
      };
    };
    return choose(2) === 0 ? clone(senders, "sender") : clone(receivers, "receiver");
  };

  const closing = (choose: (n: number) => number): Call => {
    if (choose(2) === 0) {
      const at = senders[choose(senders.length)]!;
      const begins = (call: number) => model.closeSender(call, at);
      return { verb: "close a sender", does: { now: () => at.end.close() }, begins };
    }
    const at = receivers[choose(receivers.length)]!;
    const begins = (call: number) => model.closeReceiver(call, at);
    return { verb: "close a receiver", does: { now: () => at.end.close() }, begins };
  };

  return {
    call: (choose) => {
      const dice = choose(quiet ? 17 : 20);
      return (dice < 8 ? sending : dice < 16 ? receiving : dice === 16 ? cloning : closing)(choose);
    },
    forget: (call) => model.forget(call),
    compare: () => {
      const open = (ends: End<unknown>[]) => ends.filter((end) => end.open).length;
      assertEquals(sender.statistics(), {
        size: model.items.length,
        capacity,
        peak: model.peak,
        senders: open(senders),
        receivers: open(receivers),
        sending: 0,
        receiving: 0,
      });
      const left = receivers.find((end) => end.open);
      for (const item of model.items) assertEquals(left!.end.tryReceive(), item);
    },
  };
}
