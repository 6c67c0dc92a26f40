/** Subclasses of processes. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { processes } from "../../src/parallel/jobs.ts";
import { WorkerProcess } from "../../src/parallel/process/worker_process.ts";
import { law } from "../lib/law.ts";
import { withNotes } from "../lib/notes.ts";
import * as work from "./fixtures/process_work.ts";

for (const backend of ["worker", "subprocess"] as const) {
  law(`A ${backend} of a subclass runs run() on a copy of its public fields`, async () => {
    await withNotes(async (path) => {
      const process = new work.Counter(path, 3, backend);
      process.from = 4;
      process.start();
      assertEquals(await process.join(), 0);
      assertEquals(
        Deno.readTextFileSync(path),
        `${process.name} true 4 ${Deno.inspect(process.deep)}`,
      );
      assertEquals(process.from, 4); // changes stay over there
    });
  });

  law(`A ${backend} of a subclass finds its target by super.run()`, async () => {
    await withNotes(async (path) => {
      const process = new work.Loud({ target: work.count, args: [path], backend });
      Object.assign(process, { path });
      process.start();
      assertEquals(await process.join(), 0);
      assertEquals(Deno.readTextFileSync(path), "loud 1");
    });
  });

  law(`A ${backend} cannot start, end or close itself by its own object`, async () => {
    await withNotes(async (path) => {
      const process = new work.Selfish({ name: "me", backend });
      process.path = path;
      process.start();
      assertEquals(await process.join(), 0);
      assertEquals(Deno.readTextFileSync(path).trim().split("\n"), [
        "Cannot start me twice: a process runs once; make another one",
        "Cannot terminate me: it is this very process",
        "Cannot close me: it is alive; terminate() and join() it first",
      ]);
    });
  });
}

law("A subclass that was not made known says what to write, also if its base was", () => {
  for (const process of [new work.Unknown(), new work.Derived("", 1, "worker")]) {
    const error = assertThrows(() => process.start(), TypeError, "Cannot start");
    assertStringIncludes(error.message, `processes(import.meta, { ${process.constructor.name} })`);
  }
});

law("run() called directly runs here and now", async () => {
  await withNotes(async (path) => {
    const process = new WorkerProcess({ target: work.count, args: [path] });
    await process.run();
    assertEquals(Deno.readTextFileSync(path), "1");
    assertEquals(process.isAlive, false);
  });
});

law("processes() takes classes, each once", () => {
  class Twice extends WorkerProcess {}
  assertThrows(() => processes(import.meta, { No: 3 as never }), TypeError, "not a class");
  processes(import.meta, { Twice });
  assertThrows(() => processes(import.meta, { Twice }), TypeError, '"Twice" twice');
});

law("A field that cannot be sent keeps a process from starting", () => {
  const process = new work.Counter("", 1, "worker");
  Object.assign(process, { callback: () => {} });
  assertThrows(() => process.start(), TypeError, "fields cannot be sent");
  assertEquals(process.isAlive, false);
});
