/** What has nothing to wait for is a schedule point and a cancel point all the same. */
import { assertEquals } from "@std/assert";
import {
  all,
  cancelAll,
  cancelScope,
  createLocal,
  group,
  joinAll,
  moveOnAfter,
  moveOnAt,
  type Operation,
  shield,
  sleep,
  spawn,
  waitFirst,
  withTimeout,
} from "@weft/weft";
import { lawForActors } from "../lib/lanes.ts";

const local = createLocal(0);
const fast = function* () {};
const slow = async function* () {};
const foreign = async function* () {
  await null;
};
const EMPTY: Readonly<Record<string, () => Operation<unknown>>> = {
  "all([])": () => all([]),
  "joinAll([])": () => joinAll([]),
  "waitFirst([])": () => waitFirst([]),
  "cancelAll([])": () => cancelAll([]),
  "group whose function* cancels it": () =>
    group(function* (g) {
      g.cancel();
    }),
  "group whose async function* cancels it": () =>
    group(async function* (g) {
      g.cancel();
    }),
  "moveOnAt() of the past": () => moveOnAt(-1, sleep(1)),
};
for (
  const [lane, body] of Object.entries({ "function*": fast, "async function*": slow, foreign })
) {
  Object.assign(EMPTY, {
    [`group of a ${lane}`]: () => group(body),
    [`withTimeout of a ${lane}`]: () => withTimeout(100, body),
    [`moveOnAfter of a ${lane}`]: () => moveOnAfter(100, body),
    [`moveOnAt of a ${lane}`]: () => moveOnAt(1e9, body),
    [`shield of a ${lane}`]: () => shield(body),
    [`local.with of a ${lane}`]: () => local.with(1, body),
    [`cancelScope of a ${lane}`]: () => cancelScope({}, body),
    [`all of a ${lane}`]: () => all([body]),
    [`cancelScope whose ${lane} is refused its wait`]: () =>
      cancelScope({}, function* (scope) {
        scope.cancel();
        yield* all([body, sleep(1)]);
      }),
  });
}

for (const [name, empty] of Object.entries(EMPTY)) {
  lawForActors(`A loop over ${name} starves nobody and can be cancelled`, async (stage) => {
    const log: string[] = [];
    let rounds = 0;
    await stage.play(function* () {
      const looping = spawn(stage.actor, function* () {
        for (;;) {
          yield empty();
          if (++rounds > 1000) throw new Error("nobody could stop it");
        }
      });
      spawn(stage.actor, function* () {
        for (let i = 0; i < 3; i++) {
          yield sleep(0);
          log.push(`turn ${i}`);
        }
        yield looping.cancel();
        log.push(String(looping.cancelled));
      });
      yield sleep(5);
    });
    assertEquals(log, ["turn 0", "turn 1", "turn 2", "true"]);
  });
}
