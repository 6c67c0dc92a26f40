/**
 * A play: one script for both lanes. It yields operations, and gets what they evaluate to; the actor, a task
 * body, waits for each by `yield*`: once as a `function*`, once as an `async function*`.
 */
import { type Operation, run, type RunOptions, spawn, type TaskBody } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "./law.ts";

/** What to wait for, one after another. What it is given back is typed by whoever knows. */
// deno-lint-ignore no-explicit-any -- a `yield` has one type for all its results
export type Script = () => Generator<Operation<unknown>, void, any>;

/** A task body that plays a script. */
export type Actor = (
  script: Script,
) => Generator<unknown, void, never> | AsyncGenerator<unknown, void, never>;

/** Makes a task body that plays a script with the arguments it is called with. */
export type BodyMaker = <A extends unknown[]>(
  script: (...args: A) => ReturnType<Script>,
) => TaskBody<A, void>;

/** Registers a law for each lane; `act` runs a script as a task, to its end. */
export function lawForActors(
  name: string,
  body: (stage: Stage) => unknown,
): void {
  law(`${name} (function*)`, () => body(new Stage(playFast, fastBody)));
  law(`${name} (async function*)`, () => body(new Stage(playAsync, asyncBody)));
}

/** Where scripts are played in one lane. */
export class Stage {
  /** The body to spawn, with a script as its argument. */
  readonly actor: Actor;
  /** Makes a body from a script: a `function*` or an `async function*`, for what takes only these. */
  readonly body: BodyMaker;

  /** For one lane. */
  constructor(actor: Actor, body: BodyMaker) {
    this.actor = actor;
    this.body = body;
  }

  /** Runs a script as a task of its own run, in virtual time. */
  play(script: Script, options: RunOptions = {}): Promise<void> {
    const { actor } = this;
    return run(function* () {
      yield* spawn(actor, script).get();
    }, { clock: new VirtualClock(), ...options }) as Promise<void>;
  }
}

const fastBody: BodyMaker = (script) =>
  function* (...args): Generator<unknown, void, never> {
    yield* playFast(() => script(...args));
  };

const asyncBody: BodyMaker = (script) =>
  async function* (...args): AsyncGenerator<unknown, void, never> {
    yield* playAsync(() => script(...args));
  };

function* playFast(script: Script): Generator<unknown, void, never> {
  const play = script();
  let step = play.next();
  while (step.done !== true) {
    const told: Told = { failed: false, value: undefined };
    try {
      told.value = yield* step.value as Iterable<unknown, unknown, never>;
    } catch (error) {
      told.failed = true;
      told.value = error;
    }
    step = told.failed ? play.throw(told.value) : play.next(told.value);
  }
}

async function* playAsync(script: Script): AsyncGenerator<unknown, void, never> {
  const play = script();
  let step = play.next();
  while (step.done !== true) {
    const told: Told = { failed: false, value: undefined };
    try {
      told.value = yield* step.value as AsyncIterable<unknown, unknown, never>;
    } catch (error) {
      told.failed = true;
      told.value = error;
    }
    step = told.failed ? play.throw(told.value) : play.next(told.value);
  }
}

interface Told {
  failed: boolean;
  value: unknown;
}
