/** The queues in plain arrays: what Python's `queue` says, with FIFO on either side. */
import { assertEquals } from "@std/assert";
import { Queue } from "@weft/weft";
import { LifoQueue } from "../../src/sync/lifo_queue.ts";
import { PriorityQueue } from "../../src/sync/priority_queue.ts";
import type { Call, Play, Verdicts } from "./schedules.ts";

/** Rank and number: the number makes each item unlike any other, the rank makes ties. */
type Item = [rank: number, number: number];

/** Which queue a play is about. */
export type Kind = "fifo" | "lifo" | "priority";

/** What a queue must do. */
class Model {
  readonly items: Item[] = [];
  readonly getters: number[] = [];
  readonly putters: { call: number; item: Item }[] = [];
  readonly joiners: number[] = [];
  unfinished = 0;
  isShutdown = false;

  readonly verdicts: Verdicts;
  readonly kind: Kind;
  readonly capacity: number;

  constructor(verdicts: Verdicts, kind: Kind, capacity: number) {
    this.verdicts = verdicts;
    this.kind = kind;
    this.capacity = capacity;
  }

  put(call: number, item: Item, waits: boolean): void {
    if (this.isShutdown) this.verdicts.refuse(call, "ClosedError");
    else if (this.items.length < this.capacity) this.accept(call, item);
    else if (waits) this.putters.push({ call, item });
    else this.verdicts.refuse(call, "WouldBlock");
  }

  get(call: number, waits: boolean): void {
    if (this.items.length > 0) this.verdicts.give(call, this.take());
    else if (this.isShutdown) this.verdicts.refuse(call, "ClosedError");
    else if (waits) this.getters.push(call);
    else this.verdicts.refuse(call, "WouldBlock");
  }

  taskDone(call: number): void {
    if (this.unfinished === 0) return this.verdicts.refuse(call, "RangeError");
    this.verdicts.give(call);
    this.finish(1);
  }

  join(call: number): void {
    if (this.unfinished === 0) this.verdicts.give(call);
    else this.joiners.push(call);
  }

  shutdown(call: number, immediate: boolean): void {
    this.isShutdown = true;
    this.verdicts.give(call);
    if (immediate) this.finish(Math.min(this.items.splice(0).length, this.unfinished));
    for (const getter of this.getters.splice(0)) this.verdicts.refuse(getter, "ClosedError");
    for (const putter of this.putters.splice(0)) this.verdicts.refuse(putter.call, "ClosedError");
  }

  forget(call: number): void {
    for (const line of [this.getters, this.joiners]) {
      if (line.includes(call)) line.splice(line.indexOf(call), 1);
    }
    const at = this.putters.findIndex((putter) => putter.call === call);
    if (at >= 0) this.putters.splice(at, 1);
  }

  private accept(call: number, item: Item): void {
    this.unfinished++;
    this.verdicts.give(call);
    const getter = this.getters.shift();
    if (getter === undefined) this.items.push(item);
    else this.verdicts.give(getter, item);
  }

  take(): Item {
    const [item] = this.items.splice(this.next(), 1);
    const putter = this.putters.shift();
    if (putter !== undefined) this.accept(putter.call, putter.item);
    return item!;
  }

  private next(): number {
    if (this.kind === "fifo") return 0;
    if (this.kind === "lifo") return this.items.length - 1;
    const ranks = this.items.map(([rank]) => rank);
    return ranks.indexOf(Math.min(...ranks));
  }

  private finish(items: number): void {
    this.unfinished -= items;
    if (this.unfinished > 0 || items === 0) return;
    for (const joiner of this.joiners.splice(0)) this.verdicts.give(joiner);
  }
}

function makeQueue(kind: Kind, capacity: number): Queue<Item> {
  if (kind === "fifo") return new Queue(capacity);
  if (kind === "lifo") return new LifoQueue(capacity);
  return new PriorityQueue(capacity, (a, b) => a[0] - b[0]);
}

/** A queue of a kind, of a small capacity or none. */
export function queuePlay(
  kind: Kind,
): (verdicts: Verdicts, choose: (n: number) => number) => Play {
  return (verdicts, choose) => {
    const capacity = [1, 2, 3, Infinity][choose(4)]!;
    const queue = makeQueue(kind, capacity);
    const model = new Model(verdicts, kind, capacity);
    let items = 0;
    const calls: ((choose: (n: number) => number) => Call)[] = [
      (choose) => {
        const item: Item = [choose(3), ++items];
        return {
          verb: `put ${item}`,
          does: () => queue.put(item),
          begins: (call) => model.put(call, item, true),
        };
      },
      () => ({
        verb: "get",
        does: () => queue.get(),
        begins: (call) => model.get(call, true),
      }),
      (choose) => {
        const item: Item = [choose(3), ++items];
        return {
          verb: `tryPut ${item}`,
          does: { now: () => queue.tryPut(item) },
          begins: (call) => model.put(call, item, false),
        };
      },
      () => ({
        verb: "tryGet",
        does: { now: () => queue.tryGet() },
        begins: (call) => model.get(call, false),
      }),
      () => ({
        verb: "taskDone",
        does: { now: () => queue.taskDone() },
        begins: (call) => model.taskDone(call),
      }),
      () => ({
        verb: "join",
        does: () => queue.join(),
        begins: (call) => model.join(call),
      }),
      (choose) => {
        const immediate = choose(2) === 0;
        return {
          verb: `shutdown ${immediate}`,
          does: { now: () => queue.shutdown(immediate) },
          begins: (call) => model.shutdown(call, immediate),
        };
      },
    ];
    /** How often each is called. */
    const often = [
      0,
      0,
      0,
      0,
      0,
      0,
      1,
      1,
      1,
      1,
      1,
      1,
      2,
      2,
      3,
      3,
      4,
      4,
      5,
      choose(4) === 0 ? 6 : 5,
    ];
    return {
      call: (choose) => calls[often[choose(often.length)]!]!(choose),
      forget: (call) => model.forget(call),
      compare: () => {
        assertEquals(queue.statistics(), {
          size: model.items.length,
          capacity,
          getting: 0,
          putting: 0,
          unfinished: model.unfinished,
        });
        while (!queue.empty) assertEquals(queue.tryGet(), model.take());
      },
    };
  };
}
