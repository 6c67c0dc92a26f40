/**
 * The pictures of the README: the same jobs under two policies, and a bounded queue. They are drawn in
 * virtual time, so that they come out the same on every machine.
 *
 *     deno task pictures
 */
import {
  fcfs,
  Queue,
  rr,
  run,
  type SchedulingPolicy,
  sleep,
  spawn,
  Timeline,
  timelineSvg,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";

const FOLDER = new URL("../pictures/", import.meta.url);

async function drawPolicy(policy: SchedulingPolicy, title: string): Promise<string> {
  const timeline = new Timeline();
  await run(function* () {
    for (const [name, ms] of [["long", 12], ["short", 3], ["shorter", 2]] as const) {
      spawn(function* () {
        yield* policy.burst(ms);
        yield* sleep(4);
        yield* policy.burst(1);
      }).name = name;
    }
  }, { policy, clock: new VirtualClock(), instruments: [timeline] });
  return timelineSvg(timeline, title);
}

async function drawQueue(): Promise<string> {
  const timeline = new Timeline();
  await run(function* () {
    const queue = new Queue<number>(2);
    spawn(function* () {
      for (let n = 0; n < 10; n++) {
        yield* sleep(1);
        yield* queue.put(n);
      }
    }).name = "producer";
    spawn(function* () {
      for (let n = 0; n < 10; n++) {
        yield* queue.get();
        yield* sleep(3);
      }
    }).name = "consumer";
  }, { clock: new VirtualClock(), instruments: [timeline] });
  return timelineSvg(timeline, "A fast producer waits for a slow consumer");
}

await Deno.mkdir(FOLDER, { recursive: true });
const pictures = {
  "fcfs.svg": await drawPolicy(
    fcfs(),
    "First come, first served: the short ones wait behind the long one",
  ),
  "round_robin.svg": await drawPolicy(
    rr(2),
    "Round robin with a quantum of 2 ms: the short ones are soon done",
  ),
  "bounded_queue.svg": await drawQueue(),
};
for (const [name, svg] of Object.entries(pictures)) {
  await Deno.writeTextFile(new URL(name, FOLDER), svg);
  console.log(`drew examples/pictures/${name}`);
}
