/** What listens to the tools and throws harms nobody: not the run, not the process, not who listens beside. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dumpOn, run, sleep, spawn, watchdog } from "@weft/weft";
import { law } from "../lib/law.ts";

/** Ways to fail, of which some cannot even be printed. */
const FAILURES: Readonly<Record<string, () => unknown>> = {
  "throws an error": () => {
    throw new Error("boom\x1b[2J");
  },
  "throws nothing": () => {
    // deno-lint-ignore no-throw-literal -- it must be borne, too
    throw undefined;
  },
  "throws what throws again": () => {
    throw {
      toString() {
        throw new Error("again");
      },
      get message(): string {
        throw new Error("again");
      },
    };
  },
  "gives a promise that rejects": () => Promise.reject(new Error("later")),
  "is an async function that throws": async () => {
    await null;
    throw new Error("later");
  },
};

/** Runs `body` with the console's warnings collected. */
async function warningsOf(body: () => Promise<void>): Promise<string[]> {
  const { warn } = console;
  const told: string[] = [];
  console.warn = (message: unknown) => void told.push(String(message));
  try {
    await body();
  } finally {
    console.warn = warn;
  }
  return told;
}

for (const [how, fail] of Object.entries(FAILURES)) {
  law(`A printer of dumpOn() that ${how} is told once, and another prints on`, async () => {
    const told: string[] = [];
    let called = 0;
    const printed: string[] = [];
    await run(async function* () {
      using _bad = dumpOn("SIGUSR2", () => {
        called++;
        return fail() as void;
      });
      using _good = dumpOn("SIGUSR2", (tree) => printed.push(tree));
      for (let i = 1; i <= 3; i++) {
        Deno.kill(Deno.pid, "SIGUSR2");
        while (printed.length < i || called < i) yield* sleep(1);
      }
      yield* sleep(1);
    }, { warn: (message) => void told.push(message) });
    assertEquals([called, printed.length, told.length], [3, 3, 1]);
    assertStringIncludes(told[0]!, "The printer of dumpOn(SIGUSR2) threw: ");
    assert(!told[0]!.includes("\x1b"));
  });

  law(`An onReport that ${how} is told once, and the watchdog watches on`, async () => {
    let called = 0;
    const told = await warningsOf(async () => {
      const onReport = (): void => {
        called++;
        return fail() as void;
      };
      await using dog = await watchdog({ threshold: 20, linesPerMinute: 0, onReport });
      for (let i = 1; i <= 2; i++) {
        await run(function* () {
          yield* spawn(function* blocks() {
            while (!dog.barking);
            yield;
          }).join();
        }, { instruments: [dog] });
        while (called < i) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      assert(dog.reports.length >= 2);
    });
    assert(called >= 2);
    assertEquals(told.length, 1, told.join("\n"));
    assertStringIncludes(told[0]!, "The watchdog's onReport threw: ");
  });
}
