/**
 * Two ways to pass items on. In a channel each item goes to one receiver, and the channel ends when its last
 * sender is closed. In a broadcast each item goes to every subscriber; watch what the three rules do with
 * one who is slow: `block` holds the sender up, `drop` lets the slow one miss the oldest, `error` ends it.
 * (The clock is virtual, so that a busy machine makes nobody else slow.)
 *
 *     deno run examples/channels.ts
 */
import { Broadcast, Channel, now, run, sleep, spawn } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { readArgs } from "./lib/cli.ts";

readArgs("Channel and broadcast, with their lag rule.\n\n  deno run examples/channels.ts");

await run(async function* () {
  const { sender, receiver } = new Channel<string>(1);
  for (const name of ["Ann", "Bob"]) {
    const own = sender.clone();
    spawn(async function* () {
      using _end = own;
      for (let n = 1; n <= 2; n++) yield* own.send(`${name} ${n}`);
    });
  }
  sender.close(); // the two copies are left; the channel ends with the last of them
  for await (const item of receiver) console.log(`channel: ${item}`);
  console.log("channel: its last sender is closed, so the loop ended");
});

for (const lag of ["block", "drop", "error"] as const) {
  await run(async function* () {
    using news = new Broadcast<number>({ capacity: 2, lag });
    const quick = news.subscribe();
    const slow = news.subscribe();
    const seen: number[] = [];
    const reader = spawn(async function* () {
      for await (const _ of quick);
    });
    const sleeper = spawn(async function* () {
      try {
        for (;;) {
          seen.push(yield* slow.receive());
          yield* sleep(4);
        }
      } catch (error) {
        return (error as Error).name;
      }
    });
    const began = now();
    for (let n = 1; n <= 6; n++) {
      yield* news.send(n);
      yield* sleep(1);
    }
    const ms = now() - began;
    news.close();
    const end = yield* sleeper.get();
    yield* reader.join();
    console.log(
      `${lag}: sent 6 in ${ms} ms; the slow one saw ${seen}, missed ${slow.missed}, ${end}`,
    );
  }, { clock: new VirtualClock() });
}
