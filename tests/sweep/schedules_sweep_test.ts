import { law } from "../lib/law.ts";
import { broadcastPlay } from "../sync/schedule_broadcast.ts";
import { channelPlay } from "../sync/schedule_channel.ts";
import { queuePlay } from "../sync/schedule_queue.ts";
import { playSchedules } from "../sync/schedules.ts";

const FROM = 1_000_000;
const SCHEDULES = 50_000;
const LIMIT_MS = 600_000;

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
    () => playSchedules(FROM, SCHEDULES, play),
    LIMIT_MS,
  );
}
