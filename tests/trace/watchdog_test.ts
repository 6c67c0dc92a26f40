import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { run, sleep, spawn } from "@weft/weft";
import { sweepCancel } from "@weft/weft/testing";
import { type Watchdog, watchdog } from "../../src/trace/watchdog/watchdog.ts";
import {
  AWAY_SLOT,
  NO_SLOT,
  slotOf,
  SLOTS,
  WatchMemory,
} from "../../src/trace/watchdog/watch_memory.ts";
import {
  BlockDetector,
  LineLimit,
  lookEvery,
  type Verdict,
} from "../../src/trace/watchdog/block_detector.ts";
import { law } from "../lib/law.ts";

const root = new URL("../../", import.meta.url);

/** A step word of some slot. */
const STEP_OF_SLOT_7 = 7;

/** Looks every period; gives what it heard and when. */
function looks(
  detector: BlockDetector,
  period: number,
  count: number,
  step: number,
  away = 0,
): string[] {
  const heard: string[] = [];
  for (let i = 1; i <= count; i++) {
    const verdict = detector.look(period, step, away);
    if (verdict.kind === "blocked" && verdict.tell) heard.push(`${i * period}: ${verdict.ms}`);
  }
  return heard;
}

law("A block detector speaks up at the threshold, and then each time the time has doubled", () => {
  const detector = new BlockDetector(100);
  assertEquals(detector.look(25, STEP_OF_SLOT_7, 0).kind, "calm");
  assertEquals(looks(detector, 25, 40, STEP_OF_SLOT_7), [
    "100: 100",
    "200: 200",
    "400: 400",
    "800: 800",
  ]);
});

law("A block detector tells the end of a block it told of, and of no other", () => {
  const detector = new BlockDetector(100);
  looks(detector, 25, 4, STEP_OF_SLOT_7);
  assertEquals(detector.look(25, NO_SLOT, 0), { kind: "calm" });
  looks(detector, 25, 6, STEP_OF_SLOT_7);
  assertEquals(detector.look(25, NO_SLOT, 0), { kind: "over", ms: 125 });
  assertEquals(detector.look(25, NO_SLOT, 0), { kind: "calm" });
});

law("A block detector is silent while nobody runs, however long", () => {
  const detector = new BlockDetector(10);
  assertEquals(looks(detector, 1e6, 100, NO_SLOT), []);
  // And the idle time is not charged to the step that follows.
  assertEquals(detector.look(2.5, STEP_OF_SLOT_7, 0).kind, "calm");
  assertEquals(detector.look(2.5, STEP_OF_SLOT_7, 0).kind, "calm");
});

law(
  "A block detector is silent while steps follow one another, however fast the same task comes again",
  () => {
    const detector = new BlockDetector(10);
    for (let count = 1; count < 1000; count++) {
      assertEquals(detector.look(2.5, (count << 12) | STEP_OF_SLOT_7, 3).kind, "calm");
    }
  },
);

law("A machine that was suspended amid a step is not taken for a block", () => {
  const detector = new BlockDetector(100);
  detector.look(25, STEP_OF_SLOT_7, 0);
  assertEquals(detector.look(8 * 3_600_000, STEP_OF_SLOT_7, 0).kind, "calm");
  assertEquals(detector.look(25, NO_SLOT, 0).kind, "calm");
});

law("Outside of steps a block detector allows for the time between two signs of life", () => {
  const detector = new BlockDetector(100);
  const step = (1 << 12) | NO_SLOT;
  detector.look(25, step, 1);
  const verdicts: Verdict["kind"][] = [];
  for (let i = 0; i < 5; i++) verdicts.push(detector.look(25, step, 1).kind);
  assertEquals(verdicts, ["calm", "calm", "calm", "calm", "blocked"]);
});

law("A line limit counts what it drops, and begins anew each minute", () => {
  const limit = new LineLimit(2);
  assertEquals([limit.take(), limit.take(), limit.take(), limit.take()], [
    true,
    true,
    false,
    false,
  ]);
  assertEquals(limit.pass(59_999), 0);
  assertEquals(limit.take(), false);
  assertEquals(limit.pass(1), 3);
  assertEquals(limit.take(), true);
});

law("lookEvery() is a quarter of the threshold, within bounds", () => {
  assertEquals([lookEvery(100), lookEvery(0.1), lookEvery(1e9)], [25, 1, 250]);
});

law("The shared memory gives the other thread slot, names and flags", () => {
  const memory = new WatchMemory();
  const other = new WatchMemory(memory.buffer);
  assertEquals(slotOf(other.step), NO_SLOT);
  memory.write(7, { name: "crunch#7", site: "file:///a/b.ts:1:2" });
  memory.write(AWAY_SLOT, { name: "", site: undefined });
  assertEquals(memory.turnTo(7), false);
  assertEquals(slotOf(other.step), 7);
  assertEquals(other.ownerOf(7), { name: "crunch#7", site: "file:///a/b.ts:1:2" });
  assertEquals(other.ownerOf(AWAY_SLOT), { name: "", site: undefined });
  assertEquals(memory.flagged, false);
  assert(other.flag(other.step, 123.4));
  assertEquals([memory.flagged, memory.blockedMs], [true, 123]);
  assertEquals([memory.turnTo(NO_SLOT), memory.flagged, memory.turnTo(7)], [true, false, false]);
});

law("A flag that comes too late is taken back, so that no later step can be taken for it", () => {
  const memory = new WatchMemory();
  memory.turnTo(7);
  const { step } = memory;
  memory.turnTo(NO_SLOT);
  assertEquals(memory.flag(step, 100), false);
  // The count comes round after 2^20 words.
  for (let i = 0; i < 1 << 20; i++) assertEquals(memory.turnTo(i % 2 === 0 ? 7 : NO_SLOT), false);
});

law("A flag that was seen is gone when the count comes round", () => {
  const memory = new WatchMemory();
  memory.turnTo(7);
  memory.flag(memory.step, 100);
  let seen = 0;
  for (let i = 0; i < 1 << 21; i++) if (memory.turnTo(i % 2 === 0 ? NO_SLOT : 7)) seen++;
  assertEquals(seen, 1);
});

law("The shared memory cuts long names at their end, and long sites at their begin", () => {
  const memory = new WatchMemory();
  memory.write(SLOTS - 1, { name: "n".repeat(500), site: `${"/x".repeat(500)}:12:34` });
  memory.write(SLOTS - 2, { name: "neighbour", site: undefined });
  const { name, site } = memory.ownerOf(SLOTS - 1);
  assertMatch(name, /^n{61}…$/);
  assertMatch(site!, /^….*:12:34$/);
  assertEquals(memory.ownerOf(SLOTS - 2).name, "neighbour");
});

/** Runs a program by a shell, its stderr in a file that the program itself can look at. */
async function runWatching(
  text: string,
  flags: readonly string[] = ["-A"],
): Promise<{ code: number; stderr: string }> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/program.ts`, text);
    const { code } = await new Deno.Command("sh", {
      args: [
        "-c",
        'exec "$DENO" run --quiet --no-check --config "$CONFIG" "$@" "$FOLDER/program.ts" 2> "$FOLDER/err"',
        "sh",
        ...flags,
      ],
      env: {
        DENO: Deno.execPath(),
        CONFIG: new URL("deno.json", root).pathname,
        FOLDER: folder,
        NO_COLOR: "1",
      },
      stdout: "null",
    }).output();
    return { code, stderr: await Deno.readTextFile(`${folder}/err`) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const imports = `
  import { run, sleep, spawn, wait } from "@weft/weft";
  import { type Watchdog, watchdog } from "${new URL("src/trace/watchdog/watchdog.ts", root)}";
`;

/** Blocks the thread until the watchdog has written to stderr: if it could not, for ever. */
const blockUntilTold = `
  const told = () => Deno.statSync(Deno.env.get("FOLDER") + "/err").size > 0;
  const block = () => { while (!told()); console.error("the loop goes on"); };
`;

law(
  "watchdog() names the blocking task while it still blocks, and tells when it is over",
  async () => {
    const { code, stderr } = await runWatching(`${imports} ${blockUntilTold}
    await using dog = await watchdog({ threshold: 20 });
    await run(async function* () {
      spawn(function* innocent() { yield* sleep(1); });
      spawn(function* crunch() { block(); while (!dog.barking); yield* sleep(100); });
    }, { instruments: [dog] });
  `);
    assertEquals(code, 0, stderr);
    const lines = stderr.trim().split("\n");
    assertMatch(lines[0]!, /^Task "crunch#3" .*has blocked the loop for \d+ ms$/);
    assert(lines.includes("the loop goes on"), stderr);
    assertMatch(lines.at(-1)!, /^Task "crunch#3" .*blocked the loop for \d+ ms; it is over$/);
  },
  60_000,
);

law("watchdog() says where the blocking task was spawned", async () => {
  const { stderr } = await runWatching(`${imports} ${blockUntilTold}
    await using dog = await watchdog({ threshold: 20 });
    await run(async function* () {
      spawn(async function* crunch() { block(); });
    }, { instruments: [dog] });
  `);
  assertMatch(stderr, /^Task "crunch#2" \(spawned at .*program\.ts:\d+:\d+\) has blocked/);
}, 60_000);

law("watchdog() names a task that blocks after a foreign await", async () => {
  const { stderr } = await runWatching(`${imports} ${blockUntilTold}
    await using dog = await watchdog({ threshold: 20 });
    await run(async function* () {
      spawn(async function* parse() {
        await new Promise((resolve) => setTimeout(resolve, 5));
        block();
      });
    }, { instruments: [dog] });
  `);
  assertMatch(stderr, /^Task "parse#2".*, out in a foreign await, has blocked the loop/);
}, 60_000);

law("watchdog() names a task that keeps the loop busy with microtasks", async () => {
  const { stderr } = await runWatching(`${imports} ${blockUntilTold}
    await using dog = await watchdog({ threshold: 20 });
    await run(async function* () {
      spawn(async function* spin() { while (!told()) await null; });
    }, { instruments: [dog] });
  `);
  assertMatch(stderr, /^Task "spin#2".* has blocked the loop/);
}, 60_000);

law("watchdog() tells of a loop that never ends", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "--ext=ts", "-"],
    cwd: root,
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${imports}
    const dog = await watchdog({ threshold: 20, linesPerMinute: 1 });
    await run(function* () { for (;;); }, { instruments: [dog] });
  `));
  await writer.close();
  let said = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes("\n")) break;
  }
  child.kill("SIGKILL");
  await child.status;
  assertMatch(said, /^Task "main".* has blocked the loop for \d+ ms\n$/);
}, 60_000);

law("watchdog() is silent while a program idles, and while it is busy in short steps", async () => {
  const { code, stderr } = await runWatching(`${imports}
    await using dog = await watchdog({ threshold: 400 });
    await run(async function* () {
      spawn(function* () { yield* sleep(900); });
      spawn(async function* () { await new Promise((resolve) => setTimeout(resolve, 900)); });
      spawn(function* () { const end = Date.now() + 900; while (Date.now() < end) yield; });
    }, { instruments: [dog] });
    if (dog.reports.length > 0) throw new Error("reported");
  `);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
}, 60_000);

law("watchdog() needs read permission for the package alone, and says so without", async () => {
  const program = `${imports}
    await using dog = await watchdog({ threshold: 20, onReport: () => console.error("reported") });
    await run(function* () { while (!dog.barking); }, { instruments: [dog] });
  `;
  const allowed = await runWatching(program, [`--allow-read=${new URL("src", root).pathname}`]);
  assertEquals(allowed.code, 0, allowed.stderr);
  assertMatch(allowed.stderr, /reported/);
  const refused = await runWatching(program, []);
  assertEquals(refused.code, 1);
  assertMatch(refused.stderr, /Cannot start the watchdog: .*read access/);
}, 60_000);

/** The tasks in its records whose names match: on a busy machine there may be others. */
function named(dog: Watchdog, names: RegExp): string[] {
  return dog.reports.map(({ task }) => task).filter((name) => names.test(name));
}

law(
  "Watchdog.reports keeps a frozen record of each block, of any run it was given to",
  async () => {
    const heard: string[] = [];
    await using dog = await watchdog({
      threshold: 50,
      linesPerMinute: 0,
      onReport: (report) => heard.push(report.task),
    });
    const block = (name: string) =>
      run(function* () {
        yield* sleep(1);
        const task = spawn(function* () {
          while (!dog.barking);
          yield;
        });
        task.name = name;
        yield* task.join();
      }, { instruments: [dog] });
    await Promise.all([block("first"), block("second")]);
    await block("third");
    const { reports } = dog;
    assertEquals(named(dog, /first|second|third/).toSorted(), ["first", "second", "third"]);
    assertEquals(heard, reports.map(({ task }) => task));
    assert(Object.isFrozen(reports) && Object.isFrozen(reports[0]));
    for (const { ms, where } of reports) assert(ms >= 50 && where === "step");
    assertEquals(dog.statistics().blocks, reports.length);
  },
);

law("Watchdog knows the step that a step of another run has interrupted", async () => {
  await using dog = await watchdog({ threshold: 50, linesPerMinute: 0 });
  const instruments = [dog];
  let inner: Promise<void> | undefined;
  await run(function* () {
    const task = spawn(function* () {
      inner = run(function* () { // its first steps are taken within this one
        yield;
      }, { instruments });
      while (!dog.barking);
      yield;
    });
    task.name = "outer";
  }, { instruments });
  await inner;
  assertEquals(named(dog, /outer|^main/), ["outer"]);
});

law("Watchdog names the blocking task among more tasks than it has room for", async () => {
  await using dog = await watchdog({ threshold: 50, linesPerMinute: 0 });
  await run(function* () {
    for (let i = 0; i < 2 * SLOTS; i++) {
      const task = spawn(function* () {
        yield;
        if (i === SLOTS + 99) { while (!dog.barking); }
        yield;
      });
      task.name = `number ${i}`;
    }
  }, { instruments: [dog] });
  assertEquals(named(dog, /number/), [`number ${SLOTS + 99}`]);
});

law(
  "Watchdog names the one of several tasks in foreign awaits that blocked, once it is back",
  async () => {
    await using dog = await watchdog({ threshold: 50, linesPerMinute: 0 });
    const away = Promise.withResolvers<void>();
    await run(async function* () {
      const bodies = [0, 1, 2].map((i) =>
        async function* () {
          await away.promise;
          if (i === 1) { while (!dog.barking); }
          yield* sleep(1);
        }
      );
      const tasks = bodies.map((body) => spawn(body));
      tasks.forEach((task, i) => task.name = `task ${i}`);
      yield* sleep(1);
      // Their promises' reactions run one after the other; each away before, none in a step.
      away.resolve();
      for (const task of tasks) yield* task.join();
    }, { instruments: [dog] });
    assertEquals(named(dog, /task/), ["task 1"]);
  },
);

law("Watchdog.close() ends its worker, once; afterwards it watches nothing", async () => {
  const dog = await watchdog({ threshold: 50, linesPerMinute: 0 });
  assertEquals(dog.statistics().watching, true);
  await dog.close();
  await dog.close();
  dog[Symbol.dispose]();
  assertEquals(dog.statistics().watching, false);
  await run(function* () {
    yield;
  }, { instruments: [dog] });
  assertEquals(dog.reports, []);
});

law("A watchdog made in a task is closed at the end of its run", async () => {
  const dog = await run(async function* () {
    return yield* watchdog();
  });
  assertEquals(dog.statistics().watching, false);
});

law("watchdog() that is cancelled leaves no worker behind", async () => {
  await sweepCancel(async function* () {
    await using dog = yield* watchdog();
    yield* sleep(1);
    assert(dog.statistics().watching);
  });
});

law("watchdog() refuses a threshold and a limit that are none", async () => {
  for (const threshold of [0, -1, NaN, Infinity]) {
    assertThrows(() => watchdog({ threshold }), RangeError, "Cannot use");
  }
  for (const linesPerMinute of [-1, 1.5, NaN]) {
    assertThrows(() => watchdog({ linesPerMinute }), RangeError, "Cannot use");
  }
  await assertRejects(async () => await watchdog({ threshold: -5 }), RangeError);
});
