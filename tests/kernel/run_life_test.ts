/** What becomes of the process: it ends by itself, whatever the run left behind. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { law } from "../lib/law.ts";
import { runProgram } from "../lib/child.ts";

law("A process ends by itself after a run that left timers, sockets and tasks behind", async () => {
  const ended = await runProgram(`
    import { connect, listen, run, sleep, spawn } from "@weft/weft";
    await run(async function* () {
      const listener = listen({ hostname: "127.0.0.1", port: 0 });
      const socket = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
      const reader = spawn(function* () { yield* socket.recv(10); });
      const sleeper = spawn(function* () { yield* sleep(1e7); });
      const server = spawn(function* () { for (;;) yield* listener.accept(); });
      for (const task of [reader, sleeper, server]) task.daemon = true;
      yield* sleep(5);
    });
    console.log("run is over");
  `);
  assertEquals(ended, { code: 0, stdout: "run is over", stderr: "" });
});

law(
  "A process ends by itself, with exit code 1, after a run whose main threw at once",
  async () => {
    const ended = await runProgram(`
    import { listen, run, sleep, spawn } from "@weft/weft";
    await run(function* () {
      const listener = listen({ hostname: "127.0.0.1", port: 0 });
      spawn(function* () { for (;;) yield* listener.accept(); });
      spawn(function* () { yield* sleep(1e7); });
      throw new Error("at once");
    });
  `);
    assertEquals([ended.code, ended.stdout], [1, ""]);
    assertStringIncludes(ended.stderr, "at once");
  },
);

law("A run that was caught reports nothing on its own", async () => {
  const ended = await runProgram(`
    import { run, sleep, spawn } from "@weft/weft";
    try {
      await run(function* () {
        spawn(async function* () { yield* sleep(1); throw new Error("child"); });
        yield* sleep(5);
      });
    } catch (error) {
      console.log("caught", error.message);
    }
  `);
  assertEquals(ended, { code: 0, stdout: "caught child", stderr: "" });
});

law("An idle run with a daemon server and a sleeping main is no deadlock", async () => {
  const ended = await runProgram(`
    import { listen, run, sleep, spawn } from "@weft/weft";
    await run(async function* () {
      const listener = listen({ hostname: "127.0.0.1", port: 0 });
      const main = spawn(function* () { yield* listener.accept(); });
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
      yield* main.join();
      conn.close();
    });
    console.log("served");
  `);
  assertEquals(ended, { code: 0, stdout: "served", stderr: "" });
});

law("A TCP echo keeps answering while a task cedes for ever", async () => {
  for (const lane of ["function*", "async function*"]) {
    const ended = await runProgram(`
      import { connect, listen, run, spawn } from "@weft/weft";
      await run(async function* () {
        const listener = listen({ hostname: "127.0.0.1", port: 0 });
        spawn(async function* () {
          const socket = yield* listener.accept();
          for (;;) {
            const data = yield* socket.recv(64);
            if (data.length === 0) return;
            yield* socket.sendAll(data);
          }
        }).daemon = true;
        spawn(${lane} () { for (;;) yield; }).daemon = true;
        const socket = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
        let echoed = 0;
        for (let i = 0; i < 50; i++) {
          yield* socket.sendAll(new Uint8Array(64));
          echoed += (yield* socket.recvExactly(64)).length;
        }
        console.log(echoed);
      });
    `);
    assertEquals(ended, { code: 0, stdout: "3200", stderr: "" });
  }
});

law("The first SIGINT ends a run with grace in order, with exit code 0", async () => {
  const ended = await runProgram(`
    import { Event, run, sleep, spawn } from "@weft/weft";
    const cut = new Event();
    const value = await run(async function* () {
      spawn(async function* () {
        yield* cut.wait();
        console.log("finished");
      });
      spawn(async function* () {
        yield* sleep(5);
        Deno.kill(Deno.pid, "SIGINT");
      });
      try {
        yield* sleep(60_000);
      } finally {
        console.log("main cut");
        cut.set();
      }
    }, { grace: 10_000 });
    console.log("value", value);
  `);
  assertEquals(ended, { code: 0, stdout: "main cut\nfinished\nvalue undefined", stderr: "" });
});

law("A second SIGTERM ends the process with the tree of living tasks", async () => {
  const ended = await runProgram(`
    import { run, shield, sleep, spawn } from "@weft/weft";
    await run(function* () {
      const stubborn = spawn(function* () {
        try {
          yield* sleep(60_000);
        } finally {
          yield* shield(sleep(60_000));
        }
      });
      stubborn.name = "stubborn";
      spawn(function* () {
        for (let i = 0; i < 2; i++) {
          yield* sleep(20);
          Deno.kill(Deno.pid, "SIGTERM");
        }
        yield* shield(sleep(60_000));
      });
      yield* sleep(60_000);
    }, { grace: 60_000 });
  `);
  assertEquals([ended.code, ended.stdout], [143, ""]);
  assertStringIncludes(ended.stderr, "second SIGTERM");
  assertStringIncludes(ended.stderr, "stubborn (waiting on sleep");
});

law("A run without grace leaves signals alone", async () => {
  const ended = await runProgram(`
    import { run, sleep } from "@weft/weft";
    await run(function* () {
      Deno.kill(Deno.pid, "SIGTERM");
      yield* sleep(60_000);
    });
  `);
  assertEquals(ended.code, 143);
});

law(
  "An operation made outside of a run and never waited for is told when the process ends",
  async () => {
    const ended = await runProgram(`
    import { Event, Queue, run, sleep, spawn, withTimeout } from "@weft/weft";
    const queue = new Queue(5, "inbox");
    queue.put(1); // forgotten
    withTimeout(5, queue.get()); // forgotten, and what it was given is its own
    const kept = queue.put(2);
    const forRun = sleep(1);
    await queue.put(3);
    await run(async function* () {
      yield* forRun;
      spawn(function* () {}).cancel();
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await kept;
    queue.put(4).then(() => console.log(queue.size));
  `);
    assertEquals([ended.code, ended.stdout], [0, "3"]);
    const lines = ended.stderr.split("\n").filter((line) => line !== "");
    assertEquals(lines.length, 2);
    assertStringIncludes(lines[0]!, "inbox.put() was made outside of run() and never waited for");
    assertStringIncludes(lines[0]!, 'write "await inbox.put()"');
    assertStringIncludes(lines[1]!, "withTimeout(5) was made outside of run()");
  },
);
