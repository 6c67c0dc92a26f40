/** Claims about types: what `yield*` and `await` evaluate to, and what the compiler must refuse. */
import { assertEquals } from "@std/assert";
import {
  all,
  asCompleted,
  createLocal,
  group,
  moveOnAfter,
  type Operation,
  Queue,
  race,
  run,
  shield,
  sleep,
  spawn,
  type Task,
  wait,
  withTimeout,
} from "@weft/weft";
import { law } from "../lib/law.ts";

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2) ? true
  : false;
const same = <A, B>(_proof: Same<A, B>): void => {};

const add = function* (a: number, b: string) {
  yield;
  return `${a}${b}`;
};
const slow = async function* (a: number) {
  yield* sleep(0);
  return a > 0;
};

law("yield*, await and combinators carry the types through", async () => {
  const result = await run(async function* () {
    const queue = new Queue<number>();
    queue.tryPut(1);
    queue.tryPut(2);
    const one = yield* queue.get();
    same<typeof one, number>(true);
    const two = await queue.get();
    same<typeof two, number>(true);

    const task = spawn(add, 1, "x");
    same<typeof task, Task<string>>(true);
    const text = yield* task.get();
    same<typeof text, string>(true);
    const perhaps = yield* spawn(slow, 3).join();
    same<typeof perhaps, boolean | undefined>(true);
    const awaited = await spawn(slow, 3);
    same<typeof awaited, boolean>(true);

    const tuple = yield* all([sleep(0), () => add(1, "y"), slow(1), Promise.resolve(new Date(0))]);
    same<typeof tuple, [void, string, boolean, Date]>(true);
    const won = yield* race([() => add(1, "z"), slow(1)]);
    same<typeof won, string | boolean>(true);
    const inTime = yield* withTimeout(1000, () => slow(2));
    same<typeof inTime, boolean>(true);
    const orNot = yield* moveOnAfter(1000, () => add(2, "w"));
    same<typeof orNot, string | undefined>(true);
    const safe = yield* shield(Promise.resolve(5));
    same<typeof safe, number>(true);
    const waited = yield* wait((signal) => Promise.resolve(signal.aborted));
    same<typeof waited, boolean>(true);
    const grouped = yield* group(function* (g) {
      return yield* g.spawn(add, 1, "g").get();
    });
    same<typeof grouped, string>(true);
    for await (const ended of asCompleted([spawn(add, 1, "c")])) {
      const itself: Task<string> = ended;
      same<typeof itself.value, string | undefined>(true);
    }
    const local = createLocal(0);
    same<ReturnType<typeof local.get>, number>(true);
    const operation: Operation<void> = sleep(0);
    yield* operation;
    return [one, two, text, perhaps, awaited, won, inTime, orNot, safe, waited, grouped];
  });
  assertEquals(result, [1, 2, "1x", true, true, result[5], true, "2w", 5, false, "1g"]);
});

/** Never called: the compiler's refusals are the test. */
export function refused(): void {
  // @ts-expect-error -- an argument of the wrong type
  spawn(add, "1", "x");
  // @ts-expect-error -- an argument is missing
  spawn(add, 1);
  // @ts-expect-error -- not a generator function
  spawn(() => 5);
  // @ts-expect-error -- a time is a number
  sleep("5");
  // @ts-expect-error -- an item of the wrong type
  new Queue<number>().tryPut("x");
  // @ts-expect-error -- an operation is needed
  withTimeout(5, 5);
}
