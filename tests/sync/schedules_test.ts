import { law } from "../lib/law.ts";
import { broadcastPlay } from "./schedule_broadcast.ts";
import { channelPlay } from "./schedule_channel.ts";
import { queuePlay } from "./schedule_queue.ts";
import { playSchedules } from "./schedules.ts";

const SCHEDULES = 10_000;
const LIMIT_MS = 120_000;

const plays = {
  Queue: queuePlay("fifo"),
  LifoQueue: queuePlay("lifo"),
  PriorityQueue: queuePlay("priority"),
  Channel: channelPlay,
  'Broadcast "block"': broadcastPlay("block"),
  'Broadcast "drop"': broadcastPlay("drop"),
  'Broadcast "error"': broadcastPlay("error"),
};

for (const [name, play] of Object.entries(plays)) {
  law(
    `${name} agrees with its model about every call of ${SCHEDULES} random schedules`,
    () => playSchedules(1, SCHEDULES, play),
    LIMIT_MS,
  );
}
