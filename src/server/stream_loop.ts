/**
 * A loop that serves the connections of one listener within one thread, and its end.
 *
 * `coroutine` is `serve()`, `sequential` the same with room for one, so that the next client waits in the
 * host's line; `poll` is in a file of its own. What they have in common is how they end: newcomers are
 * turned away, those in line are let in, those who are between two requests are closed at once, the
 * others get a time of grace.
 */
import type { Task } from "../kernel/task.ts";
import type { Listener } from "../net/listener.ts";
import type { Socket } from "../net/socket.ts";
import { group } from "../tasks/group.ts";
import { perform, type Work } from "../tasks/perform.ts";
import { joinAll } from "../tasks/join.ts";
import { serve } from "../net/serve.ts";
import { currentTask, spawn } from "../tasks/run.ts";
import type { Connections } from "./connections.ts";
import { PollLoop } from "./poll_loop.ts";

/** The engines that need one thread only. */
export type ThreadEngine = "sequential" | "coroutine" | "poll";

/** How often the end looks who has become idle, in milliseconds. */
const LOOK_MS = 3;

/** A loop that can be told to end. */
export interface Loop {
  /** The body of its task: ends when it was told to and nobody is left. */
  body(): Generator<unknown, void, unknown>;
  /** Tells it to let nobody in any more. */
  stop(task: Task): void;
}

/** One loop being served by, and how it ends. */
export class StreamLoop {
  readonly #connections: Connections;
  readonly #loop: Loop;
  #task: Task | null = null;

  /** A loop that has not begun, for the connections of `connections`. */
  constructor(loop: Loop, connections: Connections) {
    this.#connections = connections;
    this.#loop = loop;
  }

  /** Begins; the loop has a task of its own, so that the end of the task that began it does not cut it off. */
  begin(): Task {
    const loop = this.#loop;
    const task = spawn(function* () {
      yield* loop.body();
    });
    task.name = `${currentTask().name}.loop`;
    return this.#task = task;
  }

  /** Ends it: waits until nobody is served any more, for `grace` milliseconds at most, then cuts off the rest. */
  *end(grace: number): Generator<unknown, void, unknown> {
    const task = this.#task!;
    const connections = this.#connections;
    connections.isClosing = true;
    this.#loop.stop(task);
    const cut = task.timers.after(grace, () => connections.cancel());
    while (!task.done) {
      connections.dismissIdle();
      yield* joinAll([task], { timeout: LOOK_MS, raiseError: false });
    }
    task.timers.cancel(cut);
  }
}

/** The loop of an engine over one listener. */
export function loopOf(
  engine: ThreadEngine,
  listener: Listener,
  connections: Connections,
  maxConnections: number,
): Loop {
  if (engine === "poll") return new PollLoop(listener, connections, maxConnections);
  return serveLoop(listener, connections, engine === "sequential" ? 1 : maxConnections);
}

/** The loop of `serve()`: told to end by a cancel, it waits for its connections as long as it takes. */
function serveLoop(listener: Listener, connections: Connections, maxConnections: number): Loop {
  return {
    *body() {
      yield* serve(listener, function* (socket) {
        yield* connections.serve(socket);
      }, {
        grace: Infinity,
        limit: maxConnections,
        onError: (error, peer) => connections.failed(error, peer),
      });
    },
    stop: (task) => void task.cancel("the server is shutting down"),
  };
}

/** A loop that lets nobody in: it serves connections that are there, and goes on as long as `others` do. */
export function closedLoop(
  sockets: readonly Socket[],
  connections: Connections,
  others: () => Work<void>,
): Loop {
  return {
    *body() {
      yield* group(function* (g) {
        for (const socket of sockets) {
          g.spawn(function* () {
            yield* connections.serve(socket);
          }).watch(() => void socket.close());
        }
        yield* perform(others());
      });
    },
    stop() {},
  };
}
