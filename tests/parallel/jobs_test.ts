/** Job functions: what they are, and what is refused. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type Future, type JobFunction, jobs, WorkerPool } from "@weft/weft";
import { law } from "../lib/law.ts";
import { claim, type Same } from "../types/claims.ts";
import type * as foreign from "./fixtures/foreign.ts";
import { add, fib, nap, total } from "./fixtures/work.ts";

law("jobs() gives back the functions themselves, callable in place", () => {
  const table = { twice: (n: number): number => n * 2 };
  const { twice } = jobs({ url: "file:///jobs_test/same.ts" }, table);
  assertStrictEquals(twice as unknown, table.twice);
  assertEquals([twice(4), fib(10), add(1, 2)], [8, 55, 3]);
});

law("jobs() refuses what is no function, and a function or a name it knows already", () => {
  const meta = { url: "file:///jobs_test/refused.ts" };
  assertThrows(
    () => jobs(meta, { five: 5 } as never),
    TypeError,
    'Cannot make a job of "five": it is 5, not a function',
  );
  const twice = (n: number): number => n * 2;
  jobs(meta, { twice });
  assertThrows(
    () => jobs(meta, { double: twice }),
    TypeError,
    'Cannot make a job of "double" twice',
  );
  assertThrows(
    () => jobs(meta, { twice: (n: number): number => n }),
    TypeError,
    'Cannot make a job of "twice" twice',
  );
});

law("WorkerPool.submit() says what to write when it is given a plain function", () => {
  const pool = new WorkerPool(1);
  const submit = pool.submit.bind(pool) as (...args: unknown[]) => unknown;
  const square = (n: number): number => n * n;
  assertThrows(
    () => submit(square, 3),
    TypeError,
    'Cannot send the function "square" to a worker: a worker loads its functions by module and name. ' +
      'At the top level of a module write "const { square } = jobs(import.meta, { square(…) { … } })"',
  );
  assertThrows(() => submit(() => {}), TypeError, "Cannot send an anonymous function");
  assertThrows(() => submit("fib"), TypeError, 'Cannot send "fib" to a worker');
  assertThrows(() => pool.map(square as never, [1] as never), TypeError, "jobs(import.meta");
});

law("Arguments and results of jobs are type-checked", () => {
  const pool = new WorkerPool(1);
  const check = (): void => {
    const future = pool.submit(fib, 3);
    claim<Same<typeof future, Future<number>>>();
    claim<Same<typeof fib, JobFunction<(n: number) => number>>>();
    const napped = pool.submit(nap, 1);
    claim<Same<typeof napped, Future<number>>>();
    pool.submit(total);
    pool.submit(total, 1, 2, 3);
    pool.map(nap, [1, 2]);
    pool.map(fib, new Set([1, 2]));
    // deno-lint-ignore no-explicit-any -- of a job whose type is not known, anything is taken
    const unknown: any = fib;
    pool.submit(unknown, "3", 4);
    pool.map(unknown, ["3"]);
    pool.starmap(unknown, [["3", 4]]);
    // @ts-expect-error the argument is no number
    pool.submit(fib, "3");
    // @ts-expect-error an argument is missing
    pool.submit(add, 1);
    // @ts-expect-error a plain function has no address
    pool.submit((n: number): number => n, 1);
    // @ts-expect-error map passes one argument, add wants two
    pool.map(add, [1]);
    // @ts-expect-error the items are no numbers
    pool.map(fib, ["1"]);
    // @ts-expect-error a function cannot be sent
    jobs(import.meta, { call: (f: () => void): void => f() });
    // @ts-expect-error a promise cannot be sent
    jobs(import.meta, { hold: (p: Promise<number>): unknown => p });
    const module = pool.use<typeof foreign>("file:///foreign.ts");
    const greeting = module.greet("you");
    claim<Same<typeof greeting, Future<string>>>();
    claim<Same<keyof typeof module, "greet" | "later">>();
    // @ts-expect-error an export that is no function is left out
    module.answer;
    // @ts-expect-error the argument is no string
    module.greet(1);
  };
  assertEquals(typeof check, "function");
});

law(
  "WorkerPool.use() makes jobs of the exports of a module that knows nothing of weft",
  async () => {
    await using pool = new WorkerPool(1);
    const module = pool.use<typeof foreign>(import.meta.resolve("./fixtures/foreign.ts"));
    assertEquals(await module.greet("you"), "hello you");
    assertEquals(await pool.submit(module.later, 4), 8);
    assertEquals(await pool.map(module.later, [1, 2, 3]), [2, 4, 6]);
    assertStrictEquals(module.greet, module.greet);
  },
);

law("WorkerPool.use() refuses a relative address and says what to write", () => {
  const pool = new WorkerPool(1);
  assertThrows(
    () => pool.use("./foreign.ts"),
    TypeError,
    'Cannot use "./foreign.ts" as a module: it is no absolute URL; write import.meta.resolve("./foreign.ts")',
  );
});
