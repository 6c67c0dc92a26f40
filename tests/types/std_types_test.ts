/**
 * @std is served untyped by npm, and `any` would pass every check. So what its types promise is held
 * fast here: a type that loosens makes a `@ts-expect-error` unused, and that is an error.
 */
import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertInstanceOf,
  AssertionError,
  assertIsError,
  assertNotInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  unreachable,
} from "@std/assert";
import { abortable, deadline, delay, MuxAsyncIterator, pooledMap, retry, tee } from "@std/async";
import { debounce } from "@std/async/debounce";
import { RetryError } from "@std/async/retry";
import { parseArgs } from "@std/cli/parse-args";
import { claim, type Same } from "./claims.ts";

/** A value whose type says less than is true of it. */
function vague<T>(value: T): T {
  return value;
}

async function* count(to: number): AsyncGenerator<number> {
  for (let i = 0; i < to; i++) yield await Promise.resolve(i);
}

Deno.test("assert() and its kin narrow what they are given", () => {
  const text = vague<string | undefined>("weft");
  // @ts-expect-error -- it may be undefined
  assertEquals(text.length, 4);
  assert(text !== undefined);
  claim<Same<typeof text, string>>();

  const there = vague<number | null | undefined>(0);
  assertExists(there);
  claim<Same<typeof there, number>>();

  const error = vague<unknown>(new RangeError("far"));
  assertInstanceOf(error, RangeError);
  claim<Same<typeof error, RangeError>>();

  const other = vague<unknown>(new TypeError("odd"));
  assertIsError(other, TypeError, /od+/);
  claim<Same<typeof other, TypeError>>();

  const either = vague<Date | RegExp>(/x/);
  assertNotInstanceOf(either, Date);
  claim<Same<typeof either, RegExp>>();

  const value = vague<unknown>("on");
  assertStrictEquals(value, "on" as const);
  claim<Same<typeof value, "on">>();

  const flag = vague<boolean>(false);
  assertFalse(flag);
  claim<Same<typeof flag, false>>();
});

Deno.test("assertEquals() and assertArrayIncludes() refuse values of unlike types", () => {
  assertEquals<number[]>([1], [1]);
  // @ts-expect-error -- a number is no text
  assertThrows(() => assertEquals(1, "1"));
  // @ts-expect-error -- a text is no array
  assertArrayIncludes("weft", "we");
  assertStringIncludes("weft", "we");
});

Deno.test("assertThrows() and assertRejects() give the error in its own class", async () => {
  const thrown = assertThrows(() => new Array(-1), RangeError);
  claim<Same<typeof thrown, RangeError>>();
  const any = assertThrows(() => unreachable());
  claim<Same<typeof any, unknown>>();
  assertInstanceOf(any, AssertionError);
  const gathered = await assertRejects(() => Promise.any([]), AggregateError);
  claim<Same<typeof gathered.errors, AggregateError["errors"]>>();
  // @ts-expect-error -- a number is no class
  assertThrows(() => assertThrows(() => {}, 3, "x"));
});

Deno.test("unreachable() ends the flow of types", () => {
  const letter = (n: 0 | 1): string => {
    if (n === 0) return "a";
    if (n === 1) return "b";
    unreachable("no such letter");
  };
  assertEquals(letter(1), "b");
});

Deno.test("deadline(), retry() and abortable() keep the type of what they wait for", async () => {
  const signal = new AbortController().signal;
  const kept = await retry(() => Promise.resolve(7), { maxAttempts: 1 });
  claim<Same<typeof kept, number>>();
  const awaited = await abortable(Promise.resolve("x"), signal);
  claim<Same<typeof awaited, string>>();
  const counted = await Array.fromAsync(abortable(count(2), signal));
  claim<Same<typeof counted, number[]>>();
  const never = new AbortController();
  const late = await assertRejects(() => deadline(delay(60_000, never), 1), DOMException);
  claim<Same<typeof late, DOMException>>();
  assertEquals(late.name, "TimeoutError");
  never.abort();
  const failed = await assertRejects(
    () => retry(() => unreachable(), { maxAttempts: 1 }),
    RetryError,
  );
  assertEquals(failed.name, "RetryError");
  // @ts-expect-error -- a deadline is a number
  claim<Same<Parameters<typeof deadline>[1], string>>();
});

Deno.test("pooledMap(), tee() and MuxAsyncIterator keep the type of the items", async () => {
  const texts = await Array.fromAsync(pooledMap(2, [1, 2], (n) => Promise.resolve(String(n))));
  claim<Same<typeof texts, string[]>>();
  assertEquals(texts, ["1", "2"]);
  // @ts-expect-error -- an item must become a promise
  claim<Same<Parameters<typeof pooledMap<number, string>>[2], (n: number) => string>>();
  const pair = tee(count(2));
  claim<Same<typeof pair, [AsyncIterable<number>, AsyncIterable<number>]>>();
  const [first] = tee(count(1), 3);
  claim<Same<typeof first, AsyncIterable<number>>>();
  const mux = new MuxAsyncIterator<number>();
  mux.add(count(3));
  for (const branch of pair) mux.add(branch);
  assertEquals((await Array.fromAsync(mux)).toSorted(), [0, 0, 0, 1, 1, 1, 2]);
});

Deno.test("debounce() keeps the parameters", () => {
  const heard: number[] = [];
  const later = debounce((n: number) => void heard.push(n), 10);
  later(1);
  later(2);
  // @ts-expect-error -- it wants a number
  if (later.pending && heard.length > 0) later("3");
  later.flush();
  assertEquals(heard, [2]);
});

Deno.test("parseArgs() infers the flags that its options name", () => {
  const args = parseArgs(["--port", "80", "-v", "--tag=a", "--tag=b", "go", "--", "rest"], {
    boolean: ["verbose"],
    string: ["port", "host", "tag"],
    collect: ["tag"],
    default: { host: "127.0.0.1", retries: 3 },
    alias: { verbose: "v", port: ["p", "P"] },
    "--": true,
  });
  claim<Same<typeof args.verbose, boolean>>();
  claim<Same<typeof args.v, boolean>>();
  claim<Same<typeof args.port, string | undefined>>();
  claim<Same<typeof args.P, string | undefined>>();
  claim<Same<typeof args.host, string>>();
  claim<Same<typeof args.tag, string[]>>();
  claim<Same<typeof args.retries, unknown>>();
  claim<Same<typeof args._, (string | number)[]>>();
  claim<Same<(typeof args)["--"], string[]>>();
  assertEquals([args.port, args.host, args.v, args.tag, args._, args["--"]], [
    "80",
    "127.0.0.1",
    true,
    ["a", "b"],
    ["go"],
    ["rest"],
  ]);
  // @ts-expect-error -- without a default it may be missing
  claim<Same<typeof args.port, string>>();
  const words = parseArgs(["1"], { string: "_" });
  claim<Same<typeof words._, string[]>>();
  const bare = parseArgs(["--x"]);
  claim<Same<typeof bare.x, unknown>>();
  assertEquals(bare, { x: true, _: [] });
});
