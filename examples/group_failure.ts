/**
 * One of three children fails. Watch for the order: the siblings are cancelled at once, their
 * clean-up runs to its end, and only then does the group raise one error that holds them all.
 *
 *     deno run examples/group_failure.ts
 */
import { Cancelled, group, GroupError, run, shield, sleep } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";

readArgs("A child fails, its siblings are cancelled.\n\n  deno run examples/group_failure.ts");

async function* download(name: string, ms: number, failure?: string) {
  try {
    yield* sleep(ms);
    if (failure !== undefined) throw new Error(failure);
    console.log(`${name}: done`);
  } catch (error) {
    if (error instanceof Cancelled) console.log(`${name}: stopped, because ${error.reason}`);
    throw error;
  } finally {
    yield* shield(sleep(5));
    console.log(`${name}: temporary file removed`);
  }
}

await run(async function* () {
  try {
    yield* group(async function* (g) {
      g.spawn(download, "first", 5);
      g.spawn(download, "second", 20, "connection lost").name = "second";
      g.spawn(download, "third", 10_000);
    }, { name: "downloads" });
  } catch (error) {
    if (!(error instanceof GroupError)) throw error;
    console.log(error.message);
    for (const one of error.errors) console.log(`  - ${one}`);
  }
});
