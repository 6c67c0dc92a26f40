/** Whose file a unix socket's path is, and connecting where the line is full. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  all,
  bindDatagram,
  connect,
  listen,
  moveOnAfter,
  run,
  sleep,
  spawn,
  type Task,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { decode, encode, errorOf, start } from "../lib/sockets.ts";

async function withPath(body: (path: string, folder: string) => Promise<unknown>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(`${folder}/socket`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The tasks that are still waiting when no more of them end. */
function* thoseWhoWait<T>(tasks: readonly Task<T>[]): Generator<unknown, Task<T>[], unknown> {
  for (let before = -1;;) {
    const waiting = tasks.filter((task) => !task.done);
    if (waiting.length === before) return waiting;
    before = waiting.length;
    yield* sleep(100);
  }
}

for (const isAccepting of [false, true]) {
  const when = isAccepting ? "while it accepts" : "while it is idle";
  law(
    `a unix listener that closes ${when} leaves the file of another one at its path`,
    () =>
      withPath((path, folder) =>
        run(function* () {
          const first = listen({ transport: "unix", path });
          const accepting = isAccepting ? start(errorOf(first.accept())) : null;
          yield;
          Deno.removeSync(path);
          using second = listen({ transport: "unix", path });
          const { ino } = Deno.statSync(path);
          yield* first.close();
          if (accepting !== null) yield* accepting.join();
          assertEquals(Deno.statSync(path).ino, ino);
          assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["socket"]);
          using client = yield* connect({ transport: "unix", path });
          using server = yield* second.accept();
          yield* client.sendAll(encode("still there"));
          assertEquals(decode(yield* server.recv()), "still there");
        })
      ),
  );
}

law(
  "a unix listener whose file was removed closes, and a file of another kind stays",
  () =>
    withPath((path, folder) =>
      run(function* () {
        const gone = listen({ transport: "unix", path });
        Deno.removeSync(path);
        yield* gone.close();
        assertEquals([...Deno.readDirSync(folder)], []);
        const replaced = listen({ transport: "unix", path });
        Deno.removeSync(path);
        Deno.writeTextFileSync(path, "precious");
        yield* replaced.close();
        assertEquals(Deno.readTextFileSync(path), "precious");
      })
    ),
);

law(
  "a unix datagram socket removes no file but its own",
  () =>
    withPath((path) =>
      run(function* () {
        const first = bindDatagram({ transport: "unixpacket", path });
        Deno.removeSync(path);
        const second = bindDatagram({ transport: "unixpacket", path });
        yield* first.close();
        assert(Deno.statSync(path).isSocket);
        yield* second.close();
        assert(![...Deno.readDirSync(path.slice(0, path.lastIndexOf("/")))].length);
      })
    ),
);

law(
  "3000 unix connects at once all come through, in the order in which the line has room",
  () =>
    withPath((path) =>
      run(async function* () {
        using listener = listen({ transport: "unix", path });
        const count = 3000;
        const server = spawn(function* () {
          yield* sleep(20); // until the line is full
          for (let i = 0; i < count; i++) (yield* listener.accept()).close();
        });
        const sockets = yield* all(
          Array.from({ length: count }, () => connect({ transport: "unix", path })),
        );
        assertEquals(sockets.length, count);
        for (const socket of sockets) socket.close();
        yield* server.join();
      })
    ),
);

law(
  "a unix connect that waits for room ends by a cancel, and the next one gets its turn",
  () =>
    withPath((path) =>
      run(function* () {
        const listener = listen({ transport: "unix", path });
        const waiting = Array.from(
          { length: 1200 },
          () => start(connect({ transport: "unix", path })),
        );
        const late = yield* thoseWhoWait(waiting);
        assert(late.length > 50, `${late.length} wait`);
        assertEquals(
          yield* moveOnAfter(5, connect({ transport: "unix", path })),
          undefined,
        );
        for (const task of late.splice(0, late.length - 3)) yield* task.cancel();
        for (let i = 0; i < 3; i++) (yield* listener.accept()).close();
        for (const task of late) yield* task.get();
        yield* listener.close();
      })
    ),
);

law(
  "a unix connect that waits for room fails when the listener goes",
  () =>
    withPath((path) =>
      run(function* () {
        const listener = listen({ transport: "unix", path });
        const waiting = Array.from(
          { length: 1100 },
          () => start(errorOf(connect({ transport: "unix", path }))),
        );
        const late = yield* thoseWhoWait(waiting);
        assert(late.length > 0);
        yield* listener.close();
        for (const task of late) assertInstanceOf(yield* task.get(), Error);
      })
    ),
);
