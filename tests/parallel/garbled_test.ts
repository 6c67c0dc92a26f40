/** A worker that says what no worker says is given up; its pool goes on. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { type Future, WorkerCrashedError, WorkerPool } from "@weft/weft";
import { law } from "../lib/law.ts";
import { flood, garbage, quiet, say } from "./fixtures/garbling.ts";

async function errorOf(future: Future<unknown>): Promise<unknown> {
  return await future.then(() => null, (error) => error);
}

law("A message that no worker sends has its worker given up, and its job fails", async () => {
  await using pool = new WorkerPool(1);
  for (const [i, message] of garbage.entries()) {
    assertEquals(await pool.submit(quiet, i), i); // the port is known from its answer
    const error = await errorOf(pool.submit(say, message));
    assertInstanceOf(error, WorkerCrashedError, Deno.inspect(message));
    assertStringIncludes(error.message, 'Cannot finish job "say"');
  }
  assertEquals(pool.statistics().lost, garbage.length);
  assertEquals(await pool.map(quiet, [1, 2, 3]), [1, 2, 3]);
}, 60_000);

law("Ten thousand garbled messages cost a pool one worker at a time, and no strength", async () => {
  await using pool = new WorkerPool(2);
  for (let seed = 0; seed < 10; seed++) {
    await Promise.all([pool.submit(quiet, 1), pool.submit(quiet, 2)]);
    const error = await errorOf(pool.submit(flood, seed, 1000));
    assertInstanceOf(error, WorkerCrashedError);
    const found = await pool.map(quiet, Array.from({ length: 100 }, (_, i) => i));
    assertEquals(found.length, 100);
  }
  assert(pool.statistics().lost >= 10);
  assertEquals(await Promise.all([pool.submit(quiet, 1), pool.submit(quiet, 2)]), [1, 2]);
}, 60_000);

law("An error that cannot be read is told of all the same", async () => {
  const strays: unknown[] = [];
  await using pool = new WorkerPool(1, { warn: (_message, error) => strays.push(error) });
  await pool.submit(quiet, 1);
  for (const error of [null, 5, { kind: "list", items: 7 }]) {
    assertEquals(await pool.submit(say, ["stray", error]), "said");
  }
  assertEquals(strays.length, 3);
  for (const error of strays) assertInstanceOf(error, Error);
});

law("A `warn` that throws harms nobody", async () => {
  const warn = console.warn;
  const said: string[] = [];
  console.warn = (text: string) => void said.push(text);
  try {
    await using pool = new WorkerPool(1, {
      name: "loud",
      warn: () => {
        throw new Error("not me");
      },
    });
    await pool.submit(quiet, 1);
    assertEquals(await pool.submit(say, ["stray", { kind: "plain", value: 1 }]), "said");
  } finally {
    console.warn = warn;
  }
  assertEquals(said, ["The option warn of loud threw: Error: not me"]);
});
