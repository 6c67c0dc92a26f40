/**
 * Plays a scenario on weft's registry and writes down what it had to say, in the form of golden.json.
 *
 * It is what `record.py` is for CPython, step by step; see there for what each step means. Two things
 * differ. There is no kernel state to look at until it is still: instead a poll that may settle is repeated
 * until it gives the expected answer, or time is up, and once more a little later, to see that the right
 * answer stays. And weft has error classes of its own, which stand for the names of CPython's (see `said.ts`).
 */
import { delay } from "@std/async/delay";
import type { Peers } from "./peers.ts";
import { Registries } from "./polling.ts";
import { nameOf, type Said } from "./said.ts";
import type { GoldenLine, Scenario, Step } from "./scenario.ts";
import { Stage } from "./stage.ts";
import { traffic } from "./traffic.ts";

/** How long the steps beside a waiting poll leave it to begin waiting, in milliseconds. */
const HEAD_START = 10;

/** Steps whose errors are recorded; in any other step an error is a fault of the player. */
const UNDER_TEST = new Set<Step["do"]>([
  ...["tryAccept", "dialStart", "send", "recv", "recvFrom", "sendTo", "closeWrite"] as const,
  ...["register", "modify", "unregister", "poll", "select"] as const,
]);

/** Plays one scenario; `expected` is what a right answer looks like, for those that need waiting for. */
export async function play(
  scenario: Scenario,
  expected: readonly GoldenLine[],
  peers: Peers,
): Promise<GoldenLine[]> {
  await using stage = new Stage(peers);
  using registries = new Registries(stage);
  const player = new Player(expected, stage, registries);
  for (const [step, what] of scenario.steps.entries()) {
    await player.step(what, { step, do: what.do });
  }
  return player.lines;
}

class Player {
  readonly lines: GoldenLine[] = [];
  readonly #expected: readonly GoldenLine[];
  readonly #stage: Stage;
  readonly #registries: Registries;

  constructor(expected: readonly GoldenLine[], stage: Stage, registries: Registries) {
    this.#expected = expected;
    this.#stage = stage;
    this.#registries = registries;
  }

  /** Does one step and writes down what it had to say. */
  async step(step: Step, place: GoldenLine): Promise<void> {
    const expected = this.#expected.find((line) =>
      line.step === place.step && line.meanwhile === place.meanwhile
    );
    let said: Said | void;
    try {
      said = await this.#do(step, place, expected);
    } catch (error) {
      if (!UNDER_TEST.has(step.do)) throw error;
      said = { raised: nameOf(error, expected?.raised) };
    }
    if (said) this.lines.push({ ...place, ...said });
  }

  async #do(
    step: Step,
    place: GoldenLine,
    expected: GoldenLine | undefined,
  ): Promise<Said | void> {
    const stage = this.#stage;
    switch (step.do) {
      case "listen":
      case "connect":
      case "pair":
      case "peerListen":
      case "dial":
      case "bind":
      case "peerBind":
      case "spawn":
      case "stdin":
        return await stage[step.do](step as never);
      case "accept":
        await stage.accept(step, true);
        return;
      case "tryAccept":
        return await stage.accept(step, expected?.result !== undefined);
      case "dialStart":
      case "socket":
        throw new TypeError(
          `Cannot play "${step.do}": on Deno there is no handle before a connection`,
        );
      case "registry":
        return this.#registries.make(step);
      case "register":
      case "modify":
      case "unregister":
        return await this.#registries.registration(step);
      case "poll":
        return await this.#registries.poll(
          step,
          expected,
          () => this.#beside(step.meanwhile ?? [], place.step),
        );
      case "select":
        return await this.#registries.select(step, expected);
      default:
        return await traffic(stage, step, expected);
    }
  }

  /** Does the steps beside a poll that waits. */
  async #beside(steps: readonly Step[], step: number): Promise<void> {
    if (steps.length > 0) await delay(HEAD_START);
    for (const [meanwhile, what] of steps.entries()) {
      await this.step(what, { step, meanwhile, do: what.do });
    }
  }
}
