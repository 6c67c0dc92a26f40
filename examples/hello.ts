/**
 * Two tasks, started together and joined. Watch for the order of the lines: neither task blocks the
 * other while it sleeps, and the values come back by `get()`.
 *
 *     deno run examples/hello.ts
 */
import { run, sleep, spawn } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";

readArgs("Two tasks, joined.\n\n  deno run examples/hello.ts");

async function* greet(name: string, ms: number) {
  console.log(`${name}: hello`);
  yield* sleep(ms);
  console.log(`${name}: good-bye after ${ms} ms`);
  return name.length;
}

const total = await run(async function* () {
  const eva = spawn(greet, "Eva", 20);
  const egon = spawn(greet, "Egon", 10);
  yield* eva.join();
  return (yield* eva.get()) + (yield* egon.get());
});

console.log(`values: 3 + 4 = ${total}`);
