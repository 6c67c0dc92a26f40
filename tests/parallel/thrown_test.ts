/** Whatever is thrown, its job fails, with an error that says what could be said. */
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { BrokenPoolError, WorkerPool } from "@weft/weft";
import { packError, unpackError } from "../../src/parallel/transported_error.ts";
import { law } from "../lib/law.ts";
import * as jobs from "./fixtures/thrown.ts";
import { type Thrown, thrown } from "./fixtures/thrown.ts";

type ErrorType = abstract new (...args: never) => Error;

const names = Object.keys(thrown) as Thrown[];
const { inAsync, inAsyncTask, inTask, later, now, rejected } = jobs;

/** Sends what is thrown there and back, as a message would. */
function sent(name: Thrown): unknown {
  return unpackError(structuredClone(packError(thrown[name]())));
}

for (const job of [now, inAsync, rejected, later, inTask, inAsyncTask]) {
  law(`A job fails whatever it throws: ${job.name}`, async () => {
    await using pool = new WorkerPool(2);
    const results = await Promise.allSettled(names.map((name) => pool.submit(job, name)));
    assertEquals(results.map(({ status }) => status), names.map(() => "rejected"));
    // What a timer throws, the host looks at first, and some of it ends the worker.
    if (job !== later) assertEquals(pool.statistics().lost, 0);
  });
}

law("An initializer that throws what cannot be described breaks the pool", async () => {
  for (const name of ["nullPrototype", "revoked", "trapped", "message"] as const) {
    await using pool = new WorkerPool(1, { initializer: inAsync, initArgs: [name] });
    const [result] = await Promise.allSettled([pool.submit(now, "text")]);
    assert(result.status === "rejected");
    assertInstanceOf(result.reason, BrokenPoolError);
  }
});

law("What could be said of a thrown value is said", () => {
  const said: Partial<Record<Thrown, [type: ErrorType, text: string]>> = {
    nullPrototype: [Error, "[Object: null prototype] { f: [Function"],
    revoked: [Error, "Something was thrown that cannot be sent"],
    message: [Error, ""],
    name: [Error, "has a getter"],
    stack: [Error, "has a getter"],
    field: [Error, "has a getter"],
    group: [AggregateError, "a group"],
  };
  for (const [name, [type, text]] of Object.entries(said) as [Thrown, [ErrorType, string]][]) {
    const error = sent(name);
    assertInstanceOf(error, type, name);
    assertStringIncludes(error.message, text, name);
  }
  assertEquals((sent("field") as { code?: unknown }).code, "KEPT");
  assertEquals(sent("second"), { value: 1 });
});

law("Errors that refer to one another are packed once each", () => {
  const group = sent("group") as AggregateError;
  assertEquals(
    group.errors.map(({ message }) => message),
    Array.from({ length: 12 }, (_, i) => `${i}`),
  );
  assertEquals(group.errors[3].cause.message, "a group");
});

law("What is no packed error unpacks to one that says so", () => {
  for (const garbage of [null, 1, "x", {}, { kind: "list" }, { kind: "error", error: 5 }]) {
    assertInstanceOf(unpackError(garbage as never), Error);
  }
});
