/** The life of a process as its parent sees it, with either backend. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { ClosedError, run, sleep, spawn } from "@weft/weft";
import { cpuCount, currentProcess, parentProcess } from "../../src/parallel/process/current.ts";
import { activeChildren, WorkerProcess } from "../../src/parallel/process/worker_process.ts";
import { law } from "../lib/law.ts";
import * as work from "./fixtures/process_work.ts";
import { withNotes } from "../lib/notes.ts";

for (const backend of ["worker", "subprocess"] as const) {
  const kind = `A ${backend}`;

  law(`${kind} that returns ends with exit code 0`, async () => {
    const process = new WorkerProcess({ target: work.nothing, backend });
    assertEquals([process.isAlive, process.exitCode, process.pid], [false, null, null]);
    process.start();
    assertEquals([process.isAlive, process.exitCode], [true, null]);
    assertEquals(await process.join(), 0);
    assertEquals([process.isAlive, process.exitCode, process.error], [false, 0, undefined]);
  });

  law(`${kind} has a pid, a number, a name and a parent, which it knows itself`, async () => {
    const { told, process } = await withNotes(async (path) => {
      const process = new WorkerProcess({
        target: work.tell,
        args: [path],
        name: "teller",
        daemon: true,
        backend,
      });
      process.start();
      await process.join();
      return { process, told: JSON.parse(Deno.readTextFileSync(path)) as work.Told };
    });
    assertEquals(told, {
      name: "teller",
      pid: process.pid!,
      ident: process.ident!,
      daemon: true,
      parent: "MainProcess",
      parentPid: Deno.pid,
    });
    assertEquals(process.pid === Deno.pid, backend === "worker");
    if (backend === "subprocess") assertEquals(process.ident, process.pid);
  });

  law(`${kind} gets copies of its arguments, of every kind that can be cloned`, async () => {
    const values = [1n, new Date(0), new Map([[1, new Set(["x"])]]), new Uint8Array([7]), /r/g];
    const noted = await withNotes(async (path) => {
      const process = new WorkerProcess({ target: work.keepAll, args: [path, ...values], backend });
      process.start();
      assertEquals(await process.join(), 0);
      return Deno.readTextFileSync(path);
    });
    assertEquals(
      noted,
      Deno.inspect(values, { depth: 9, colors: false, compact: true, breakLength: 999 }),
    );
  });

  law(`${kind} shares no memory with its parent or its siblings`, async () => {
    const noted = await withNotes(async (path) => {
      for (let i = 0; i < 2; i++) {
        const process = new WorkerProcess({ target: work.count, args: [path], backend });
        process.start();
        await process.join();
      }
      return Deno.readTextFileSync(path);
    });
    assertEquals(noted, "11");
  });

  law(`${kind} does not wait for timers that its target left behind`, async () => {
    const process = new WorkerProcess({ target: work.leaveTimer, backend });
    process.start();
    assertEquals(await process.join(), 0);
  });

  law(`${kind} can be joined by many, before its end and after`, async () => {
    const process = new WorkerProcess({ target: work.exit, args: [3], backend });
    process.start();
    await run(async function* () {
      const joiners = Array.from({ length: 5 }, () =>
        spawn(async function* () {
          return yield* process.join();
        }));
      for (const joiner of joiners) assertEquals(yield* joiner.get(), 3);
      assertEquals(yield* process.join(), 3);
      assertEquals(yield* process.join(0), 3);
    });
  });

  law(`${kind}: join(ms) gives up without an error, and the process goes on`, async () => {
    const process = new WorkerProcess({ target: work.nap, args: [60_000], backend });
    process.start();
    assertStrictEquals(await process.join(5), null);
    assertStrictEquals(await process.join(0), null);
    assert(process.isAlive);
    process.kill();
    assertEquals(await process.join(), -9);
  });

  law(`${kind}: a joiner that is cancelled leaves the process alone`, async () => {
    const process = new WorkerProcess({ target: work.nap, args: [60_000], backend });
    process.start();
    await run(async function* () {
      const joiner = spawn(async function* () {
        yield* process.join();
      });
      yield* sleep(5);
      yield* joiner.cancel();
      assert(joiner.cancelled);
    });
    assert(process.isAlive);
    process.kill();
    await process.join();
  });

  law(`${kind} is started once`, async () => {
    const process = new WorkerProcess({ target: work.nothing, backend });
    process.start();
    const twice = "Cannot start Process-";
    assertThrows(() => process.start(), Error, twice);
    await process.join();
    assertThrows(() => process.start(), Error, "a process runs once");
  });

  law(`${kind} cannot be closed while it is alive, and is of no use once it is`, async () => {
    const process = new WorkerProcess({ target: work.nap, args: [60_000], name: "p", backend });
    process.start();
    assertThrows(
      () => process.close(),
      Error,
      "Cannot close p: it is alive; terminate() and join() it first",
    );
    process.kill();
    await process.join();
    process.close();
    process.close();
    await assertRejects(async () => await process.join(), ClosedError, "Cannot join p");
    assertThrows(() => process.start(), ClosedError, "Cannot start p: it has been closed");
    assertThrows(() => process.terminate(), ClosedError);
    assertEquals(process.exitCode, -9);
  });

  law(`${kind} ends with its using block`, async () => {
    let left: WorkerProcess;
    {
      await using process = new WorkerProcess({ target: work.nap, args: [60_000], backend });
      process.start();
      left = process;
    }
    assertEquals(left.exitCode, -15);
    {
      using process = new WorkerProcess({ target: work.nap, args: [60_000], backend });
      process.start();
      left = process;
    }
    assertEquals(await left.join(), -15);
    {
      await using process = new WorkerProcess({ target: work.nothing, backend });
      left = process;
    }
    assertThrows(() => left.start(), ClosedError);
  });

  law(`${kind} is among the active children as long as it is alive`, async () => {
    const before = activeChildren().length;
    const process = new WorkerProcess({ target: work.nap, args: [60_000], backend });
    assertEquals(activeChildren().length, before);
    process.start();
    assertStrictEquals(activeChildren().at(-1), process);
    process.kill();
    await process.join();
    assertEquals(activeChildren().length, before);
  });

  law(`${kind} whose arguments cannot be sent is not started`, () => {
    const process = new WorkerProcess({
      target: work.keepAll,
      args: ["", () => 1],
      name: "p",
      backend,
    });
    assertThrows(
      () => process.start(),
      TypeError,
      "Cannot start p: its arguments or fields cannot be sent",
    );
    assertEquals([process.isAlive, process.pid], [false, null]);
  });
}

law("A process of no target and no run does nothing and ends well", async () => {
  const process = new WorkerProcess();
  process.start();
  assertEquals(await process.join(), 0);
});

law("A worker's argument that is marked for transfer is moved", async () => {
  const { transfer } = await import("@weft/weft");
  const bytes = new Uint8Array(8);
  const noted = await withNotes(async (path) => {
    const args: [string, unknown] = [path, transfer(bytes, [bytes.buffer])];
    const process = new WorkerProcess({ target: work.keepAll, args });
    process.start();
    await process.join();
    return Deno.readTextFileSync(path);
  });
  assertEquals(bytes.byteLength, 0);
  assert(noted.includes("Uint8Array(8)"), noted);
});

law("A target that is a plain function gets an error that says what to write", () => {
  const error = assertThrows(
    () => new WorkerProcess({ target: (() => {}) as never }),
    TypeError,
    "Cannot send the function",
  );
  assert(error.message.includes("jobs(import.meta"), error.message);
});

law("Process names count, and follow the class", () => {
  const [a, b] = [new WorkerProcess(), new WorkerProcess()];
  const number = (process: WorkerProcess) => Number(/^Process-(\d+)$/.exec(process.name)![1]);
  assertEquals(number(b), number(a) + 1);
  assert(/^Counter-\d+$/.test(new work.Counter("", 0, "worker").name));
});

law("A process becomes a daemon before its start or not at all", async () => {
  const process = new WorkerProcess({ target: work.nothing, name: "p" });
  process.daemon = true;
  assert(process.daemon);
  process.start();
  assertThrows(
    () => process.daemon = false,
    Error,
    "Cannot make p a daemon, or not: it has been started",
  );
  await process.join();
});

law("What cannot be done to a process that was never started says so", async () => {
  const process = new WorkerProcess({ name: "p" });
  for (const verb of ["stop", "terminate", "kill"] as const) {
    assertThrows(() => process[verb](), Error, `Cannot ${verb} p: it has not been started`);
  }
  await assertRejects(async () => await process.join(), Error, "Cannot join p: it has not been");
  process.close();
});

law("A process that has ended takes every way of ending it calmly", async () => {
  const process = new WorkerProcess({ target: work.nothing });
  process.start();
  await process.join();
  process.stop();
  process.terminate();
  process.kill();
  assertEquals(process.exitCode, 0);
});

law("Options out of range are refused", () => {
  assertThrows(() => new WorkerProcess({ grace: -1 }), RangeError, "a time of grace");
  assertThrows(
    () => new WorkerProcess({ backend: "thread" as never }),
    TypeError,
    'Cannot make a process of kind "thread"',
  );
  const process = new WorkerProcess();
  assertThrows(() => process.join(-1), RangeError, "a timeout");
});

law("The main process has a name and no parent", () => {
  const current = currentProcess();
  assertEquals(
    [current.name, current.pid, current.ident, current.daemon, current.stopRequested],
    ["MainProcess", Deno.pid, 0, false, false],
  );
  assertStrictEquals(parentProcess(), null);
  assertEquals(cpuCount(), navigator.hardwareConcurrency);
  assertInstanceOf(current.signal, AbortSignal);
});
