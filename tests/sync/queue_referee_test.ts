/** CPython's `queue` says what calls that never wait must come to. */
import { assertEquals } from "@std/assert";
import { Queue } from "@weft/weft";
import { seededChoose } from "@weft/weft/lowlevel";
import { LifoQueue } from "../../src/sync/lifo_queue.ts";
import { PriorityQueue } from "../../src/sync/priority_queue.ts";
import { lawWith } from "../lib/programs.ts";

const SCRIPTS = 3000;

/** A pair, which Python orders as a tuple; and lists of JSON are ordered like tuples. */
type Item = [number, number];

const verbs = ["put_nowait", "get_nowait", "task_done", "qsize", "empty", "full"] as const;

interface Script {
  kind: "fifo" | "lifo" | "priority";
  maxsize: number;
  calls: [verb: typeof verbs[number], argument: Item | null][];
}

type Outcome = ["got", unknown] | ["raised", string];

function makeScript(choose: (n: number) => number): Script {
  const often = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 5];
  return {
    kind: (["fifo", "lifo", "priority"] as const)[choose(3)]!,
    maxsize: choose(5),
    calls: Array.from({ length: 10 + choose(40) }, () => {
      const verb = verbs[often[choose(often.length)]!]!;
      return [verb, verb === "put_nowait" ? [choose(4), choose(4)] : null];
    }),
  };
}

function makeQueue({ kind, maxsize }: Script): Queue<Item> {
  const capacity = maxsize === 0 ? Infinity : maxsize;
  if (kind === "fifo") return new Queue(capacity);
  return kind === "lifo" ? new LifoQueue(capacity) : new PriorityQueue(capacity);
}

function call(queue: Queue<Item>, verb: typeof verbs[number], argument: Item | null): unknown {
  switch (verb) {
    case "put_nowait":
      queue.tryPut(argument!);
      return null;
    case "get_nowait":
      return queue.tryGet();
    case "task_done":
      queue.taskDone();
      return null;
    case "qsize":
      return queue.size;
    case "empty":
      return queue.empty;
    case "full":
      return queue.full;
  }
}

/** What Python raises where weft throws this. */
function inPython(error: unknown, verb: string): string {
  const { name } = error as Error;
  if (name === "WouldBlock") return verb === "put_nowait" ? "Full" : "Empty";
  return name === "RangeError" ? "ValueError" : name;
}

function play(script: Script): Outcome[] {
  const queue = makeQueue(script);
  const outcomes = script.calls.map(([verb, argument]): Outcome => {
    try {
      return ["got", call(queue, verb, argument)];
    } catch (error) {
      return ["raised", inPython(error, verb)];
    }
  });
  return [...outcomes, ["got", queue.statistics().unfinished]];
}

async function referee(python: string, scripts: Script[]): Promise<Outcome[][]> {
  const child = new Deno.Command(python, {
    args: [new URL("./queue_referee.py", import.meta.url).pathname],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(JSON.stringify(scripts) + "\n"))
    .then(() => writer.close());
  const [{ stdout, stderr }] = await Promise.all([child.output(), written]);
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  return JSON.parse(decoder.decode(stdout));
}

const name = `Queue, LifoQueue and PriorityQueue do in ${SCRIPTS} scripts what CPython's queues do`;
lawWith(["python3"], name, async () => {
  const choose = seededChoose(2024);
  const scripts = Array.from({ length: SCRIPTS }, () => makeScript(choose));
  const expected = await referee("python3", scripts);
  assertEquals(expected.length, SCRIPTS);
  scripts.forEach((script, i) => {
    const found = play(script);
    // Compared as text first: a deep comparison of all would take longer than the scripts.
    if (JSON.stringify(found) !== JSON.stringify(expected[i])) {
      assertEquals(found, expected[i], JSON.stringify(script));
    }
  });
});
