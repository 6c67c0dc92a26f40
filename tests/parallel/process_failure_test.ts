/** A process fails: its exit code, its error, and who is told. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { jobAddress, WorkerError } from "@weft/weft";
import { WorkerProcess } from "../../src/parallel/process/worker_process.ts";
import { runProgram } from "../lib/child.ts";
import { law } from "../lib/law.ts";
import * as work from "./fixtures/process_work.ts";

/** Something that has an address where there may be nothing. */
function lost(url: string, name: string): typeof work.nothing {
  return Object.assign(() => {}, { [jobAddress]: { url, name } });
}

for (const backend of ["worker", "subprocess"] as const) {
  const kind = `A ${backend}`;

  for (
    const [how, target, args, message] of [
      ["throws", work.fail, ["thrown"], "thrown"],
      ["rejects", work.failLater, [], "later"],
      ["throws in a task", work.failInTask, [], "in a task"],
      ["throws in a timer", work.failInTimer, [], "in a timer"],
      ["leaves a rejection unhandled", work.failUnhandled, [], "unhandled"],
    ] as const
  ) {
    law(`${kind} that ${how} ends with exit code 1 and its error, told once`, async () => {
      const told: unknown[] = [];
      const process = new WorkerProcess({
        target,
        args: args as never,
        backend,
        report: (error, name) => told.push(error, name),
      });
      process.start();
      assertEquals(await process.join(), 1);
      const { error } = process;
      assertInstanceOf(error, RangeError);
      assertEquals(
        [error.name, error.message, (error as { code?: string }).code],
        ["TargetError", message, "ETARGET"],
      );
      assertEquals(told, [error, process.name]);
      if (how === "throws") assertInstanceOf(error.cause, TypeError);
    });
  }

  law(`${kind} that throws no error is told of as it is`, async () => {
    const told: unknown[] = [];
    const process = new WorkerProcess({
      target: work.failText,
      backend,
      report: (error) => told.push(error),
    });
    process.start();
    assertEquals([await process.join(), process.error, told], [1, "just text", ["just text"]]);
  });

  for (
    const [how, target, code] of [
      ["calls Deno.exit", work.exit, 7],
      ["calls Deno.exit(0)", work.exit, 0],
      ["calls Deno.exit in a timer", work.exitInTimer, 8],
      ["calls process.exit", work.exitByNode, 9],
      ["sets Deno.exitCode", work.setExitCode, 10],
    ] as const
  ) {
    law(`${kind} that ${how} ends with that exit code, and no error`, async () => {
      const process = new WorkerProcess({ target, args: [code], backend });
      process.start();
      assertEquals([await process.join(), process.error], [code, undefined]);
      assertEquals(Deno.exitCode, 0);
    });
  }

  for (
    const [what, url, name, message] of [
      ["module does not exist", import.meta.resolve("./fixtures/none.ts"), "f", "Cannot load"],
      ["module does not parse", "data:application/javascript,(", "f", "Cannot load"],
      ["module throws", "data:application/javascript,throw Error('x')", "f", "Cannot load"],
      ["module has no such job", import.meta.resolve("./fixtures/work.ts"), "none", "Cannot find"],
    ] as const
  ) {
    law(`${kind} whose ${what} fails, and says so`, async () => {
      const report = (): void => {};
      const process = new WorkerProcess({ target: lost(url, name), backend, report });
      process.start();
      assertEquals(await process.join(), 1);
      assertInstanceOf(process.error, WorkerError);
      assertStringIncludes(process.error.message, `${message} "${name}"`);
    });
  }

  law(`${kind} that fails prints so on stderr, unless somebody takes that over`, async () => {
    const ended = await runProgram(`
      import { WorkerProcess } from "./src/parallel/process/worker_process.ts";
      import { run } from "@weft/weft";
      import { fail } from "./tests/parallel/fixtures/process_work.ts";
      const make = (name, more) => {
        const process = new WorkerProcess({
          target: fail, args: [name], name, backend: "${backend}", ...more });
        process.start();
        return process;
      };
      await run(async function* () {
        make("loud");
      });
      await make("quiet", { report: (error) => console.log("told", error.message) }).join();
    `);
    assertEquals([ended.code, ended.stdout], [0, "told quiet"]);
    assertMatch(ended.stderr, /^loud failed: .*TargetError\b.*: loud$/m);
    assert(!ended.stderr.includes("quiet"), ended.stderr);
  });
}

law("A worker that calls self.close ends with exit code 0", async () => {
  const process = new WorkerProcess({ target: work.closeItself });
  process.start();
  assertEquals(await process.join(), 0);
});

law("A subprocess that runs out of memory leaves its parent alone", async () => {
  const ended = await runProgram(`
    import { WorkerProcess } from "./src/parallel/process/worker_process.ts";
    import { eatMemory } from "./tests/parallel/fixtures/process_work.ts";
    const process = new WorkerProcess({
      target: eatMemory,
      backend: "subprocess",
      flags: ["--v8-flags=--max-old-space-size=32"],
    });
    process.start();
    console.log((await process.join()) < 0);
  `);
  assertEquals([ended.code, ended.stdout], [0, "true"]);
});

law("Twenty processes that end in every way leave nothing behind", async () => {
  const ways = [work.nothing, work.failText, work.exit, work.closeItself, work.failInTimer];
  const processes = Array.from({ length: 20 }, (_, i) =>
    new WorkerProcess({
      target: ways[i % ways.length]!,
      args: [i] as never,
      report: () => {},
    }));
  for (let first = 0; first < processes.length; first += 10) {
    const some = processes.slice(first, first + 10);
    for (const process of some) process.start();
    for (const process of some) await process.join();
  }
  const codes = processes.map((process) => process.exitCode);
  assertEquals(codes, processes.map((_, i) => [0, 1, i, 0, 1][i % 5]!));
});
