/**
 * Random supervisions, played for real on a virtual clock, and by a model that is a list of events.
 *
 * The model knows no tasks: a child is the time of its next end. Times are drawn from so wide a range
 * that no two ends coincide.
 */
import { run, sleep } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { type Choose, seededChoose } from "../../src/kernel/choose.ts";
import { supervise, SupervisionError } from "../../src/tasks/supervise.ts";
import type { Restart } from "../../src/tasks/restart.ts";

/** One life of a child: how long, and how it ends. */
interface Life {
  readonly ms: number;
  readonly fails: boolean;
}

/** What a child does, life for life; the last one repeats. */
interface Script {
  readonly name: string;
  readonly restart: Restart;
  readonly lives: readonly Life[];
}

interface Scenario {
  readonly strategy: "one-for-one" | "one-for-all";
  readonly scripts: readonly Script[];
  readonly intensity: { restarts: number; within: number };
  readonly backoff: { first: number; factor: number; max: number } | undefined;
}

/** What came of a supervision. */
export interface Outcome {
  /** Who started when; those of one moment by name, since a seed decides who goes first. */
  readonly starts: readonly string[];
  /** When it ended. */
  readonly end: number;
  /** Whose failure was one too many, and the errors; empty if all went well. */
  readonly failure: string;
}

interface Start {
  readonly at: number;
  readonly name: string;
}

function outcome(starts: readonly Start[], end: number, failure = ""): Outcome {
  const inOrder = starts.toSorted((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
  return { starts: inOrder.map(({ at, name }) => `${name} at ${at}`), end, failure };
}

function failureOf(child: string, errors: readonly string[]): string {
  return `${child}: ${errors.join()}`;
}

function drawScenario(choose: Choose): Scenario {
  const span = (): number => choose(2 ** 30) / 2 ** 20; // up to 1024 ms
  const scripts = Array.from({ length: 1 + choose(4) }, (_, i): Script => {
    const lives = Array.from({ length: choose(6) }, () => ({ ms: span(), fails: choose(3) > 0 }));
    const restart = (["transient", "transient", "permanent", "temporary"] as const)[choose(4)]!;
    return { name: `c${i}`, restart, lives: [...lives, { ms: span(), fails: false }] };
  });
  // What always comes back must use up its restarts, or the play never ends.
  const endless = scripts.some(({ restart }) => restart === "permanent");
  return {
    strategy: choose(2) === 0 ? "one-for-one" : "one-for-all",
    scripts,
    intensity: { restarts: choose(12), within: endless ? Infinity : choose(4000) },
    backoff: choose(3) === 0
      ? undefined
      : { first: choose(500), factor: 1 + choose(3), max: 200 + choose(2000) },
  };
}

/** The life that follows after so many. */
function lifeOf({ lives }: Script, lived: number): Life {
  return lives[Math.min(lived, lives.length - 1)]!;
}

async function play(scenario: Scenario, seed: number): Promise<Outcome> {
  const { scripts, strategy, intensity, backoff } = scenario;
  const clock = new VirtualClock();
  const starts: Start[] = [];
  let failure = "";
  const children = scripts.map((script, i) => {
    let lived = 0;
    const begin = (): Life => {
      starts.push({ at: clock.now(), name: script.name });
      return lifeOf(script, lived++);
    };
    const end = ({ fails }: Life): void => {
      if (fails) throw new Error(`${script.name}.${lived}`);
    };
    const { name, restart } = script;
    return i % 2 === 0
      ? {
        name,
        restart,
        body: function* () {
          const life = begin();
          yield* sleep(life.ms);
          end(life);
        },
      }
      : {
        name,
        restart,
        body: async function* () {
          const life = begin();
          yield* sleep(life.ms);
          end(life);
        },
      };
  });
  await run(async function* () {
    try {
      const options = { strategy, intensity, ...(backoff === undefined ? {} : { backoff }) };
      yield* supervise(children, options);
    } catch (error) {
      if (!(error instanceof SupervisionError)) throw error;
      failure = failureOf(error.child, error.errors.map(({ message }) => message));
    }
  }, { clock, seed });
  return outcome(starts, clock.now(), failure);
}

/** A child as the model sees it. */
interface Mark {
  readonly script: Script;
  lived: number;
  startedAt: number;
  endsAt: number;
  failures: number;
}

/** A delay by the rule: longer with each failure in a row, unless the last run was a good one. */
function delayOf(
  mark: Pick<Mark, "failures" | "startedAt">,
  now: number,
  { backoff }: Scenario,
): number {
  if (backoff === undefined) return 0;
  mark.failures = now - mark.startedAt >= backoff.max ? 1 : mark.failures + 1;
  let delay = backoff.first;
  for (let n = 1; n < mark.failures; n++) delay *= backoff.factor;
  return Math.min(delay, backoff.max);
}

function foretell(scenario: Scenario): Outcome {
  const { scripts, strategy, intensity } = scenario;
  const starts: Start[] = [];
  /** The outcome at a time; starts that were still to come never came. */
  const ending = (now: number, failure?: string): Outcome =>
    outcome(starts.filter(({ at }) => at < now), now, failure);
  const marks = scripts.map((script): Mark => {
    return { script, lived: 0, startedAt: 0, endsAt: 0, failures: 0 };
  });
  const start = (mark: Mark, at: number): void => {
    starts.push({ at, name: mark.script.name });
    mark.startedAt = at;
    mark.endsAt = at + lifeOf(mark.script, mark.lived++).ms;
  };
  for (const mark of marks) start(mark, 0);
  const common = { failures: 0, startedAt: 0 };
  const incidents: { at: number; error: string | undefined }[] = [];
  const losses: { child: string; error: string }[] = [];
  for (let now = 0;;) {
    const mark = marks.reduce((a, b) => b.endsAt < a.endsAt ? b : a);
    if (mark.endsAt === Infinity) {
      const [first] = losses;
      if (first === undefined) return ending(now);
      return ending(now, failureOf(first.child, losses.map(({ error }) => error)));
    }
    now = mark.endsAt;
    mark.endsAt = Infinity;
    const { name, restart } = mark.script;
    const { fails } = lifeOf(mark.script, mark.lived - 1);
    const error = fails ? `${name}.${mark.lived}` : undefined;
    if (restart === "temporary" || (!fails && restart !== "permanent")) {
      if (error !== undefined) losses.push({ child: name, error });
      continue;
    }
    const recent = incidents.filter(({ at }) => at + intensity.within > now);
    recent.push({ at: now, error });
    incidents.push({ at: now, error });
    if (recent.length > intensity.restarts) {
      const errors = [...recent, ...losses].flatMap(({ error }) => error ?? []);
      return ending(now, failureOf(name, errors));
    }
    if (strategy === "one-for-one") {
      start(mark, now + delayOf(mark, now, scenario));
    } else {
      const at = now + delayOf(common, now, scenario);
      common.startedAt = at;
      for (let i = starts.length - 1; i >= 0; i--) if (starts[i]!.at > now) starts.splice(i, 1);
      for (const one of marks) {
        one.endsAt = Infinity;
        if (one.script.restart !== "temporary") start(one, at);
      }
    }
  }
}

/** Plays one supervision for real and by the model. */
export async function playSupervision(
  seed: number,
): Promise<{ found: Outcome; expected: Outcome }> {
  const scenario = drawScenario(seededChoose(seed));
  return { found: await play(scenario, seed), expected: foretell(scenario) };
}
