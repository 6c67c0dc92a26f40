/** Every primitive with its model: what the schedules are played with, here and in the sweep. */
import { law } from "../lib/law.ts";
import { barrierPlay } from "./schedule_barrier.ts";
import { broadcastPlay } from "./schedule_broadcast.ts";
import { channelPlay } from "./schedule_channel.ts";
import { conditionPlay } from "./schedule_condition.ts";
import { asyncResultPlay, eventPlay } from "./schedule_event.ts";
import { lockPlay } from "./schedule_lock.ts";
import { queuePlay } from "./schedule_queue.ts";
import { semaphorePlay } from "./schedule_semaphore.ts";
import { playSchedules } from "./schedules.ts";

const plays = {
  Lock: lockPlay("Lock"),
  RLock: lockPlay("RLock"),
  "Semaphore(1)": semaphorePlay("Semaphore", 1),
  "Semaphore(0)": semaphorePlay("Semaphore", 0),
  "BoundedSemaphore(2)": semaphorePlay("BoundedSemaphore", 2),
  Event: eventPlay,
  AsyncResult: asyncResultPlay,
  Condition: conditionPlay,
  Barrier: barrierPlay,
  Queue: queuePlay("fifo"),
  LifoQueue: queuePlay("lifo"),
  PriorityQueue: queuePlay("priority"),
  Channel: channelPlay,
  'Broadcast "block"': broadcastPlay("block"),
  'Broadcast "drop"': broadcastPlay("drop"),
  'Broadcast "error"': broadcastPlay("error"),
};

/** Registers a law for each primitive: so many schedules, from some seed on. */
export function lawsOfSchedules(from: number, schedules: number, limitMs: number): void {
  for (const [name, play] of Object.entries(plays)) {
    law(
      `${name} agrees with its model about every call of ${schedules} random schedules`,
      () => playSchedules(from, schedules, play),
      limitMs,
    );
  }
}
