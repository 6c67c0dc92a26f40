/** Random programs of races over queues, locks, semaphores and events, beside what must hold of them. */
import { assert, assertEquals } from "@std/assert";
import {
  Event,
  Lock,
  type Operation,
  Queue,
  race,
  run,
  Semaphore,
  sleep,
  spawn,
  type Task,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { type Actor, lawForActors } from "../lib/lanes.ts";
import { seededChoose } from "../../src/kernel/choose.ts";

const RACERS = 6;
const ROUNDS = 12;

/** What the racers race for, and what each of them says it has got. */
class World {
  readonly queues = [new Queue<number>(), new Queue<number>(2), new Queue<number>(1)];
  readonly locks = [new Lock("A"), new Lock("B")];
  readonly permits = new Semaphore(2);
  readonly event = new Event();
  readonly choose: (n: number) => number;
  readonly put = new Set<number>();
  readonly got: number[] = [];
  serial = 0;

  constructor(seed: number) {
    this.choose = seededChoose(seed);
  }

  /** One of the things to wait for; what it gives is told by its name. */
  work(): readonly [string, () => Operation<unknown>] {
    const { choose } = this;
    const queue = this.queues[choose(3)]!;
    const item = ++this.serial;
    const lock = this.locks[choose(2)]!;
    switch (choose(8)) {
      case 0:
      case 1:
        return ["get", () => queue.get()];
      case 2:
        return [`put ${item}`, () => queue.put(item)];
      case 3:
        return ["acquire", () => lock.acquire()];
      case 4:
        return ["permit", () => this.permits.acquire()];
      case 5:
        return ["event", () => this.event.wait()];
      case 6:
        return ["limited get", () => withTimeout(choose(5), queue.get())];
      default:
        return ["sleep", () => sleep(choose(4))];
    }
  }

  /** A racer: races again and again, and notes what it has got. */
  racer = (): ReturnType<Parameters<Actor>[0]> => this.#race();

  *#race(): ReturnType<Parameters<Actor>[0]> {
    for (let round = 0; round < ROUNDS; round++) {
      const works = Array.from({ length: 2 + this.choose(3) }, () => this.work());
      const cases: Record<string, Operation<unknown>> = { late: sleep(10) };
      for (const [i, [name, make]] of works.entries()) cases[`${name}#${i}`] = make();
      let won: readonly [string, unknown];
      try {
        won = yield race(cases);
      } catch (error) {
        if ((error as Error).name === "TimeoutError") continue;
        throw error;
      }
      const name = won[0].replace(/#.*/, "");
      const [, value] = won;
      if (name === "get" || name === "limited get") this.got.push(value as number);
      if (name.startsWith("put ")) this.put.add(Number(name.slice(4)));
      if (name === "acquire" || name === "permit") {
        using _guard = value as Disposable;
        if (this.choose(2) === 0) yield sleep(this.choose(3));
      }
    }
  }
}

function played(world: World, actor: Actor, seed: number, cancels: boolean): Promise<void> {
  return run(function* () {
    const racers: Task[] = [];
    for (let i = 0; i < RACERS; i++) racers.push(spawn(actor, world.racer));
    const feeder = spawn(function* () {
      for (;;) {
        yield* sleep(1);
        for (const queue of world.queues) {
          if (world.choose(2) === 0 || queue.full) continue;
          const item = ++world.serial;
          queue.tryPut(item);
          world.put.add(item);
        }
        if (world.choose(3) === 0) world.event.set();
        else world.event.clear();
      }
    });
    feeder.daemon = true;
    if (cancels) {
      for (const racer of racers) {
        yield* sleep(world.choose(4));
        if (world.choose(2) === 0) racer.cancel("by chance");
      }
    }
    for (const racer of racers) yield* racer.join();
    feeder.cancel();
    yield* feeder.join();
  }, { clock: new VirtualClock(), ...(seed % 3 === 0 ? {} : { seed }) });
}

/** Every item put is in its queue or was got once; locks, permits and lines are as at first. */
function check(world: World, what: string): void {
  const left = world.queues.flatMap((queue) => {
    const items: number[] = [];
    while (!queue.empty) items.push(queue.tryGet());
    return items;
  });
  const out = [...world.got, ...left];
  assertEquals(new Set(out).size, out.length, `${what}: an item came out twice`);
  assertEquals(out.toSorted((a, b) => a - b), [...world.put].toSorted((a, b) => a - b), what);
  for (const queue of world.queues) {
    const { getting, putting } = queue.statistics();
    assertEquals([getting, putting], [0, 0], what);
  }
  assertEquals(world.locks.map((lock) => [lock.locked, lock.statistics().waiting]), [
    [false, 0],
    [false, 0],
  ], what);
  assertEquals([world.permits.value, world.permits.statistics().waiting], [2, 0], what);
  assertEquals(world.event.statistics().waiting, 0, what);
}

/** Registers the laws for so many programs, from some seed on. */
export function lawsOfRaces(from: number, runs: number): void {
  lawForActors(
    `Whatever races for whatever in ${runs} programs, nothing is lost and nothing is taken twice`,
    async (stage) => {
      for (let seed = from; seed < from + runs; seed++) {
        const world = new World(seed);
        await played(world, stage.actor, seed, false);
        check(world, `seed ${seed}`);
        assert(world.got.length > 0, "the program must come to something");
      }
    },
  );

  lawForActors(
    `The same in ${runs} programs with racers that are cancelled at any time`,
    async (stage) => {
      for (let seed = from; seed < from + runs; seed++) {
        const world = new World(seed);
        await played(world, stage.actor, seed, true);
        check(world, `seed ${seed}`);
      }
    },
  );
}
