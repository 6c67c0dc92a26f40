/** Giving up a worker: only for a job that it is still at, and never along with one that it began meanwhile. */
import { assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";
import { Batch, type BatchCarrier } from "../../src/parallel/pool/batch.ts";
import { Deadlines, PoolTimers } from "../../src/parallel/pool/deadlines.ts";
import { JobKind } from "../../src/parallel/pool/job_kinds.ts";
import { callWord, claimWord, makeWords } from "../../src/parallel/thread/wire.ts";

/** A batch of two jobs with a worker that is played here, and whatever happens to it. */
function twoJobs(limits: number, onTakeBack: () => void) {
  const told: string[] = [];
  const batch = new Batch({
    returned: () => {},
    failed: (index, error) => void told.push(`${index} failed: ${(error as Error).name}`),
    reported: () => {},
    takenBack: (from) => void told.push(`taken back from ${from}`),
    dropped: () => {},
  }, {
    count: 2,
    kinds: new JobKind(0, { url: "file:///none.ts", name: "played" }),
    arity: 0,
    args: [],
    limits,
    movables: null,
    cost: 1,
    priority: 0,
  });
  const carrier: BatchCarrier = {
    words: makeWords(1),
    startMs: 1,
    abort: () => {},
    takeBack: () => {
      onTakeBack();
      batch.takeBack();
    },
  };
  batch.address(carrier, 0, new Set());
  const timers = new PoolTimers();
  const deadlines = new Deadlines(1, timers, {
    giveUp: () => void told.push("given up"),
    more: () => {},
  });
  const claim = (): void => {
    const index = Atomics.add(carrier.words, claimWord(0), 1);
    Atomics.store(carrier.words, callWord(0), index + 1);
  };
  /** Resolves when something was told, and at the latest when what was to be told surely would have been. */
  const told1 = async (): Promise<string[]> => {
    for (let ms = 0; ms < 60 && told.at(-1) !== "given up"; ms++) {
      await new Promise<void>((resolve) => timers.in(1, resolve));
    }
    deadlines.clear();
    timers.clear();
    return told;
  };
  return { batch, deadlines, claim, told: told1 };
}

law("A worker is given up for a job that does not stop when it is told to", async () => {
  const { batch, deadlines, claim, told } = twoJobs(0, () => {});
  claim();
  deadlines.toldToStop(batch, 0);
  assertEquals(await told(), ["taken back from 1", "given up"]);
});

law(
  "A worker that is at the next job has stopped, though its answer was not read yet",
  async () => {
    const { batch, deadlines, claim, told } = twoJobs(0, () => {});
    claim();
    deadlines.toldToStop(batch, 0);
    claim();
    assertEquals(await told(), []);
  },
);

law("A worker is given up for a job that outruns its time", async () => {
  const { batch, deadlines, claim, told } = twoJobs(1, () => {});
  claim();
  deadlines.sent(batch);
  assertEquals(await told(), ["taken back from 1", "0 failed: TimeoutError", "given up"]);
});

law("A worker that goes on as it is about to be given up keeps what it has begun", async () => {
  for (const limits of [0, 1]) {
    let goesOn = true;
    const { batch, deadlines, claim, told } = twoJobs(limits, () => {
      if (goesOn) claim();
      goesOn = false;
    });
    claim();
    if (limits === 0) deadlines.toldToStop(batch, 0);
    else deadlines.sent(batch);
    const [first, ...rest] = await told();
    assertEquals(first, limits === 0 ? undefined : "1 failed: TimeoutError");
    assertEquals(rest, limits === 0 ? [] : ["given up"]);
  }
});
