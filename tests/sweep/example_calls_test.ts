/** Every example with `--help`, with wrong flags and without permissions; and the one that takes longest. */
import { assert, assertEquals } from "@std/assert";
import { lawsOfCalls } from "../examples/calls.ts";
import { exampleNames, LIMIT_MS, runExample } from "../examples/example.ts";
import { law } from "../lib/law.ts";

lawsOfCalls(exampleNames());

for (const name of ["orphans_zombies", "pipes_queues", "process", "shared_memory", "tickets"]) {
  law(`${name} says in one line which permission it lacks`, async () => {
    const { code, out, err } = await runExample(name, [], { flags: [] });
    assertEquals(
      [code, out, err],
      [2, "", "This example needs --allow-read: each worker loads its modules itself\n"],
    );
  });
}

for (const name of ["c10k", "cluster", "playground"]) {
  law(`${name} without arguments runs to its end with the permissions that it states`, async () => {
    const { code, out, err } = await runExample(name, [], { limitMs: LIMIT_MS });
    assertEquals({ code, err }, { code: 0, err: "" });
    assert(out.trim() !== "", "it says nothing");
  }, LIMIT_MS + 5000);
}
