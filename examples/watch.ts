/**
 * A busy program, watched from three sides: the task tree on demand, a monitor that one talks to with
 * `nc 127.0.0.1 PORT` (try `ps`, `tree`, `where 3`, `locks`, `help`), and a watchdog that says who blocks the
 * loop, while it does. Watch the watchdog's line: it comes from a worker, since the loop itself is stuck.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read examples/watch.ts
 *     deno run --allow-net=127.0.0.1 --allow-read examples/watch.ts --port 4444
 */
import {
  connect,
  Lock,
  monitor,
  race,
  run,
  signals,
  sleep,
  spawn,
  taskTree,
  watchdog,
} from "@weft/weft";
import { decode, encode } from "./lib/bytes.ts";
import { mustHave, readArgs } from "./lib/cli.ts";
import { checkPort, openOrRefuse } from "./lib/serve.ts";

const { number } = readArgs(
  `A busy program watched: task tree, monitor, watchdog.

  deno run --allow-net=127.0.0.1 --allow-read examples/watch.ts

  --port N  stays up until SIGINT or SIGTERM, for \`nc 127.0.0.1 N\`; 0 takes a free port;
            without it, the program asks its own monitor and ends`,
  { number: { port: -1 } },
);
const port = checkPort(number.port!);
mustHave("watch.ts", "read");

await using dog = await watchdog({
  threshold: 30,
  linesPerMinute: 0,
  onReport: ({ task, ms }) =>
    console.log(`watchdog: ${task} has blocked the loop for ${Math.round(ms)} ms`),
});

await run(async function* () {
  const lock = new Lock("ledger");
  const crew = ["reader", "writer", "auditor"].map((name) => {
    const task = spawn(async function* () {
      for (;;) {
        using _held = yield* lock.acquire();
        yield* sleep(20);
      }
    });
    task.name = name;
    return task;
  });
  const glutton = spawn(function* () {
    for (;;) {
      yield* sleep(200);
      const end = performance.now() + 100;
      while (performance.now() < end);
    }
  });
  glutton.name = "glutton";

  using watcher = openOrRefuse(
    `127.0.0.1:${Math.max(port, 0)}`,
    () => monitor({ port: Math.max(port, 0) }),
  );
  if (port >= 0) {
    console.log(`listening on 127.0.0.1:${watcher.localAddr.port}`);
    using stop = signals("SIGINT", "SIGTERM");
    yield* race([stop.next()]);
  } else {
    yield* sleep(30);
    console.log(taskTree().filter((line) => !line.includes("file:")).join("\n"));
    using nc = yield* connect({ port: watcher.localAddr.port });
    yield* nc.sendAll(encode("ps\nlocks\nquit\n"));
    for (let bytes; (bytes = yield* nc.recv()).length > 0;) console.log(decode(bytes).trimEnd());
    yield* sleep(400);
  }
  for (const task of [...crew, glutton]) task.cancel();
}, { instruments: [dog] });
