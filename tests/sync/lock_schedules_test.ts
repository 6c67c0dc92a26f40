import { law } from "../lib/law.ts";
import { barrierPlay } from "./schedule_barrier.ts";
import { conditionPlay } from "./schedule_condition.ts";
import { asyncResultPlay, eventPlay } from "./schedule_event.ts";
import { lockPlay } from "./schedule_lock.ts";
import { semaphorePlay } from "./schedule_semaphore.ts";
import { playSchedules } from "./schedules.ts";

const SCHEDULES = 10_000;
const LIMIT_MS = 120_000;

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
};

for (const [name, play] of Object.entries(plays)) {
  law(
    `${name} agrees with its model about every call of ${SCHEDULES} random schedules`,
    () => playSchedules(1, SCHEDULES, play),
    LIMIT_MS,
  );
}
