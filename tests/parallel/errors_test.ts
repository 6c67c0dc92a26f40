/** What arrives of an error that a job threw, and of what cannot be sent at all. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { TimeoutError, WorkerError, WorkerPool } from "@weft/weft";
import { packError, unpackError } from "../../src/parallel/transported_error.ts";
import { law } from "../lib/law.ts";
import { defineTwiceUrl, missingUrl, noJobUrl } from "./fixtures/urls.ts";
import {
  add,
  fib,
  rejectLater,
  throwFull,
  throwGroup,
  throwNameless,
  throwText,
  total,
  unsendable,
} from "./fixtures/work.ts";

/** The error a future failed with. */
async function errorOf(future: PromiseLike<unknown>): Promise<Error & Record<string, unknown>> {
  return await assertRejects(async () => await future) as Error & Record<string, unknown>;
}

/** Sends an error there and back, as a message would. */
function sent<E>(error: E): E {
  return unpackError(structuredClone(packError(error))) as E;
}

law("An error keeps class, name, message, stack, code, cause and own fields", async () => {
  await using pool = new WorkerPool(1);
  const error = await errorOf(pool.submit(throwFull, "too far"));
  assertInstanceOf(error, RangeError);
  assertEquals([error.name, error.message, error.code], ["FullError", "too far", "EFULL"]);
  assertEquals(error.detail, { level: 3, tags: ["a", "b"] });
  assertInstanceOf(error.cause, TypeError);
  assertEquals(error.cause.message, "inner");
  assertStringIncludes(error.stack!, "throwFull");
  assertStringIncludes(error.stack!, "fixtures/work.ts");
  assert(!("callback" in error), "a field that cannot be sent is left out");
  assertEquals(Object.keys(error).toSorted(), ["code", "detail"]);
});

law("An error without a name of its own gets that of its class", async () => {
  await using pool = new WorkerPool(1);
  const error = await errorOf(pool.submit(throwNameless));
  assertEquals([error.name, error.message], ["NamelessError", "no name of its own"]);
  assertEquals(String(error), "NamelessError: no name of its own");
});

law("An AggregateError keeps its errors, a Deno error its class", async () => {
  await using pool = new WorkerPool(1);
  const error = await errorOf(pool.submit(throwGroup));
  assertInstanceOf(error, AggregateError);
  const [one, two] = error.errors;
  assertInstanceOf(one, RangeError);
  assertEquals([one.name, (one as Error & { code: string }).code], ["FullError", "EFULL"]);
  assertInstanceOf(two, Deno.errors.NotFound);
});

law("A rejection arrives like a throw, and what is no error as it is", async () => {
  await using pool = new WorkerPool(1);
  const rejected = await errorOf(pool.submit(rejectLater, "later"));
  assertInstanceOf(rejected, TypeError);
  assertEquals(rejected.message, "later");
  const text = await Promise.resolve(pool.submit(throwText)).catch((thrown) => thrown);
  assertEquals(text, "only text");
});

law("Built-in errors, those of Deno and those of weft are rebuilt with their class", () => {
  const errors = [
    new SyntaxError("a"),
    new EvalError("b"),
    new URIError("c"),
    new DOMException("d", "AbortError"),
    new Deno.errors.AddrInUse("e"),
    new TimeoutError(5, "f"),
    new SuppressedError(new Error("g"), new TypeError("h"), "i"),
  ];
  for (const error of errors) {
    const back = sent(error);
    assertEquals(Object.getPrototypeOf(back), Object.getPrototypeOf(error), error.name);
    assertEquals([back.name, back.message], [error.name, error.message]);
    assert(Error.isError(back));
  }
  assertEquals(sent(new TimeoutError(5, "f")).ms, 5);
  assertInstanceOf(sent(new SuppressedError(1, new TypeError("h"))).suppressed, TypeError);
});

law("A chain of causes is followed, a circle of causes is cut", () => {
  const inner = new Error("inner", { cause: "text" });
  const chain = sent(new Error("outer", { cause: new TypeError("middle", { cause: inner }) }));
  const middle = chain.cause as Error;
  assertInstanceOf(middle, TypeError);
  assertEquals((middle.cause as Error).cause, "text");
  const circle = new Error("round");
  circle.cause = circle;
  let depth = 0;
  for (let at: unknown = sent(circle); at instanceof Error; at = at.cause) depth++;
  assert(depth > 1 && depth < 20);
});

law("Arguments that cannot be sent fail their own job and no other", async () => {
  await using pool = new WorkerPool(2);
  await Promise.all([pool.submit(fib, 1), pool.submit(add, 1, 1), pool.submit(total)]);
  const futures = Array.from(
    { length: 200 },
    (_, i) => i % 50 === 7 ? pool.submit(add, (() => {}) as never, 1) : pool.submit(add, i, 1),
  );
  const results = await Promise.allSettled(futures);
  for (const [i, result] of results.entries()) {
    if (i % 50 !== 7) {
      assertEquals(result, { status: "fulfilled", value: i + 1 });
    } else {
      assert(result.status === "rejected" && result.reason instanceof WorkerError);
      assertStringIncludes(result.reason.message, 'Cannot send the arguments of job "add": ()=>{}');
      assertEquals([result.reason.job, (result.reason.cause as Error).name], [
        "add",
        "DataCloneError",
      ]);
    }
  }
  assertEquals(pool.statistics().lost, 0);
});

law("A result that cannot be sent fails its own job and no other", async () => {
  await using pool = new WorkerPool(2);
  const futures = Array.from(
    { length: 200 },
    (_, i) => i % 50 === 7 ? pool.submit(unsendable) : pool.submit(fib, i % 10),
  );
  const results = await Promise.allSettled(futures);
  for (const [i, result] of results.entries()) {
    if (i % 50 !== 7) {
      assertEquals(result, { status: "fulfilled", value: fib(i % 10) });
    } else {
      assert(result.status === "rejected" && result.reason instanceof WorkerError);
      assertStringIncludes(result.reason.message, 'Cannot send the result of job "unsendable"');
    }
  }
  assertEquals(pool.statistics().lost, 0);
});

law("One failing job harms no other of its batch", async () => {
  await using pool = new WorkerPool(1);
  const results = await Promise.allSettled(
    Array.from(
      { length: 100 },
      (_, i) => i % 10 === 3 ? pool.submit(throwFull, `job ${i}`) : pool.submit(fib, 5),
    ),
  );
  assertEquals(
    results.map((result) => result.status === "fulfilled" ? result.value : result.reason.message),
    Array.from({ length: 100 }, (_, i) => i % 10 === 3 ? `job ${i}` : 5),
  );
});

law("A module or a function that is not there fails the jobs that want it", async () => {
  await using pool = new WorkerPool(1);
  const missing = await errorOf(pool.use<{ f(): void }>(missingUrl).f());
  assertInstanceOf(missing, WorkerError);
  assertStringIncludes(missing.message, 'Cannot load job "f": Module not found');
  const unknown = await errorOf(pool.use<{ f(): void }>(noJobUrl).f());
  assertStringIncludes(unknown.message, 'Cannot find job "f" in file:');
  assertStringIncludes(unknown.message, "call jobs() at the top level of the module");
  const broken = await errorOf(pool.use<{ twice(): void }>(defineTwiceUrl).twice());
  assertStringIncludes(
    broken.message,
    'Cannot load job "twice": Cannot make a job of "twice" twice',
  );
  assertEquals(await pool.submit(fib, 10), 55);
});
