/** Choices, gatherings, starts and scopes, struck at every checkpoint there is. */
import { assertEquals } from "@std/assert";
import {
  all,
  cancelScope,
  cede,
  Event,
  type Group,
  group,
  Lock,
  Queue,
  race,
  type Scope,
  Semaphore,
  sleep,
  spawn,
  type Task,
  withTimeout,
} from "@weft/weft";
import { sweepCancel } from "@weft/weft/testing";
import { type BodyMaker, lawForActors, type Script } from "../lib/lanes.ts";

/** What a body works with, made anew for each round, and what it has got. */
class Props {
  readonly queue = new Queue<number>();
  readonly other = new Queue<number>();
  readonly lock = new Lock("L");
  readonly permits = new Semaphore(1);
  readonly event = new Event();
  readonly got: number[] = [];
  fed = 0;

  /** Feeds both queues in one pass, three times. */
  feed(): Task {
    const { queue, other, event } = this;
    const feeding = (): number => this.fed += 2;
    return spawn(function* () {
      for (let n = 0; n < 3; n++) {
        yield* sleep(1);
        queue.tryPut(n);
        other.tryPut(10 + n);
        feeding();
      }
      event.set();
    });
  }

  /** Nothing of it is held, nobody waits, and no item is twice or nowhere. */
  check(): void {
    const { queue, other, lock, permits, event, got } = this;
    const waiting = [queue, other].map((one) => one.statistics().getting);
    assertEquals([lock.locked, permits.value, ...waiting], [false, 1, 0, 0]);
    assertEquals([lock.statistics().waiting, event.statistics().waiting], [0, 0]);
    const out = [...got];
    for (const one of [queue, other]) while (!one.empty) out.push(one.tryGet());
    assertEquals(new Set(out).size, out.length, `twice: ${out}`);
    assertEquals(out.length, this.fed, `lost: ${out}`);
  }
}

let props = new Props();

/** Registers a law for each lane; `body` makes a body of that lane from a script. */
function swept(name: string, script: (p: Props, body: BodyMaker) => ReturnType<Script>): void {
  lawForActors(`${name}, struck at every checkpoint`, async ({ body }) => {
    props = new Props();
    const subject = body(function* () {
      props = new Props();
      const feeder = props.feed();
      try {
        yield* script(props, body);
      } finally {
        feeder.cancel();
      }
    });
    await sweepCancel(subject, { invariant: () => props.check() });
  });
}

swept("A race of queues, locks and permits", function* (p) {
  for (let n = 0; n < 4; n++) {
    const won = yield race({
      a: p.queue.get(),
      b: p.other.get(),
      late: sleep(5),
      stop: p.event.wait(),
    });
    if (won[0] === "a" || won[0] === "b") p.got.push(won[1]);
    using _guard = yield race([p.lock.acquire(), p.permits.acquire()]);
    yield cede();
  }
});

swept("A race with limits and bodies", function* (p, body) {
  const late = body(function* () {
    yield sleep(20);
  });
  for (let n = 0; n < 3; n++) {
    const won = yield race({ a: withTimeout(9, p.queue.get()), b: p.other.get(), late });
    if (won[0] !== "late") p.got.push(won[1]);
  }
});

swept("all() of a lock, a permit and two items", function* (p) {
  for (let n = 0; n < 3; n++) {
    const [lock, permit, a, b] = yield all([
      p.lock.acquire(),
      p.permits.acquire(),
      p.queue.get(),
      p.other.get(),
    ]);
    lock[Symbol.dispose]();
    permit[Symbol.dispose]();
    p.got.push(a, b);
  }
});

swept("A group that starts a child in a scope that is cancelled", function* (p, body) {
  const child = body(function* (started: (n: number) => void) {
    yield sleep(1);
    using _held = yield p.lock.acquire();
    started(1);
    yield sleep(50);
  });
  const scoped = body(function* (scope: Scope) {
    const starts = body(function* (g: Group) {
      const value = yield g.start(child);
      if (value === 1) scope.cancel();
      yield sleep(50);
    });
    yield group(starts);
  });
  yield cancelScope({ timeout: 9 }, scoped);
});
