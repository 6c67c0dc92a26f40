/** Values as bytes: what travels arrives the same, the rest is refused, and no bytes harm the reader. */
import { Buffer } from "node:buffer";
import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { decode, UnreadableError } from "../../src/cluster/codec/decode.ts";
import { encode, UnsendableError } from "../../src/cluster/codec/encode.ts";
import { jobs, SharedQueue, TimeoutError, WorkerCrashedError } from "@weft/weft";
import { law } from "../lib/law.ts";

const there = (value: unknown): unknown => decode(encode(value));

const { act } = jobs(import.meta, { act: (n: number) => n });

law("The codec gives back every kind of value that structured clone has a copy of", () => {
  const values: unknown[] = [
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    127,
    128,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 31,
    2 ** 53,
    1.5,
    NaN,
    -Infinity,
    5e-324,
    "",
    "plain",
    "grüß dich",
    "\u{1F600} 日本語",
    "\ud800 alone",
    "x".repeat(64),
    "x".repeat(65),
    "é".repeat(100_000),
    "\ufeffmark",
    0n,
    -1n,
    2n ** 200n,
    -(2n ** 64n),
    new Date(0),
    new Date(NaN),
    /a[b]+/giu,
    [],
    [1, [2, [3]]],
    // deno-lint-ignore no-sparse-arrays
    [1, , undefined, 3],
    {},
    { a: 1, b: { c: [undefined] }, "": 0, "ключ": 1 },
    new Map<unknown, unknown>([[{}, 1], ["k", new Map([[NaN, -0]])]]),
    new Set<unknown>([1, "1", { a: 1 }]),
    new ArrayBuffer(0),
    new Uint8Array([1, 2, 255]).buffer,
    new Uint8Array([1, 2, 3]),
    new Uint8ClampedArray([1, 300]),
    new Int8Array([-1]),
    new Int16Array([-300]),
    new Uint16Array([65535]),
    new Int32Array([-(2 ** 31)]),
    new Uint32Array([2 ** 32 - 1]),
    new Float32Array([0.5, NaN]),
    new Float64Array([Math.PI, -0]),
    new BigInt64Array([-(2n ** 63n)]),
    new BigUint64Array([2n ** 64n - 1n]),
    new Float16Array([1.5]),
    new DataView(new Uint8Array([9, 8, 7]).buffer),
  ];
  for (const value of values) assertEquals(there(value), value);
  assertEquals(there(values), values);
  const sparse = there([1, , 3]) as unknown[]; // deno-lint-ignore-line no-sparse-arrays
  assertEquals(1 in sparse, false);
});

law("A view travels with its own part of its buffer alone", () => {
  const secret = new Uint8Array(1000).fill(7);
  const view = there(secret.subarray(10, 12)) as Uint8Array;
  assertEquals([view.length, view.buffer.byteLength], [2, 2]);
});

law("The codec keeps cycles, and what is met twice stays one", () => {
  const self: Record<string, unknown> = { list: [] };
  self.self = self;
  (self.list as unknown[]).push(self, self.list);
  const map = new Map<unknown, unknown>();
  map.set(map, self);
  const [a, b] = there([self, map]) as [typeof self, typeof map];
  assertStrictEquals(a.self, a);
  assertStrictEquals((a.list as unknown[])[0], a);
  assertStrictEquals((a.list as unknown[])[1], a.list);
  assertStrictEquals(b.get(b), a);
});

law(
  "Errors travel with class name, code, cause and own fields, within values and in circles",
  () => {
    class QuotaError extends RangeError {
      override readonly name = "QuotaError";
      readonly left = new Map([["disk", 0n]]);
      code = "E_QUOTA";
    }
    const cause = new Deno.errors.NotFound("no file");
    const error = new QuotaError("full", { cause });
    const [came, again] = there([error, error]) as [QuotaError, QuotaError];
    assertInstanceOf(came, RangeError);
    assertEquals([came.name, came.message, came.code], ["QuotaError", "full", "E_QUOTA"]);
    assertEquals(came.left, new Map([["disk", 0n]]));
    assertInstanceOf(came.cause, Deno.errors.NotFound);
    assertStrictEquals(came, again);
    const circle = new Error("a");
    circle.cause = new Error("b", { cause: circle });
    assertEquals(((there(circle) as Error).cause as Error).message, "b");
    const all = there(new AggregateError([new TypeError("x"), error], "both")) as AggregateError;
    assertInstanceOf(all.errors[0], TypeError);
    assertInstanceOf(there(new TimeoutError(5, "job")), TimeoutError);
    assertInstanceOf(there(new WorkerCrashedError("f", "gone")), WorkerCrashedError);
    assertInstanceOf(there(new DOMException("a", "AbortError")), DOMException);
  },
);

law("A field of an error that cannot travel is left out, and the error arrives", () => {
  const error = Object.assign(new Error("kept"), { f: () => {}, n: 1 });
  const came = there([error, "behind"]) as [Error & { n: number }, string];
  assertEquals([came[0].message, came[0].n, came[1]], ["kept", 1, "behind"]);
});

law("What has no copy on another machine is refused, with where it is and what to do", () => {
  class Point {
    x = 1;
  }
  const moved = new ArrayBuffer(8);
  structuredClone(moved, { transfer: [moved] });
  const cases: [unknown, RegExp][] = [
    [() => 1, /a function/],
    [act, /a function/],
    [Symbol("s"), /a symbol/],
    [Promise.resolve(1), /await a promise/],
    [new Point(), /instance of the class Point/],
    [new WeakMap(), /WeakMap/],
    [new SharedArrayBuffer(8), /shared memory/],
    [new Uint8Array(new SharedArrayBuffer(8)), /shared memory/],
    [moved, /moved away/],
    [new SharedQueue<number>(1), /SharedQueue/],
    [new Proxy(new Point(), {}), /Point/],
    [Object(1n), /BigInt/],
  ];
  for (const [value, why] of cases) {
    const error = assertThrows(() => encode({ a: [1, value] }), UnsendableError);
    assertEquals(error.message.includes(" at .a[1] "), true, error.message);
    assertEquals(why.test(error.message), true, error.message);
  }
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  assertThrows(() => encode(deep), UnsendableError, "nested");
  assertThrows(() => encode(new Array(2 ** 32 - 1)), UnsendableError, "bytes");
  assertEquals(there({ fine: true }), { fine: true });
});

law("Reading makes own properties only, whatever they are called", () => {
  const object = there(JSON.parse('{"__proto__":{"polluted":1},"constructor":2}')) as object;
  assertEquals(Object.getPrototypeOf(object), Object.prototype);
  assertEquals(Object.keys(object), ["__proto__", "constructor"]);
  assertEquals(({} as { polluted?: number }).polluted, undefined);
});

law("Any bytes at all are a value or are refused, quickly and with one class of error", () => {
  const seed = encode([
    { a: new Map([[1, "x"]]), e: new Error("e") },
    new Float64Array(3),
    2n ** 70n,
  ]);
  let state = 12345;
  const random = (n: number): number => (state = (state * 1103515245 + 12345) >>> 0) % n;
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    let bytes = round % 2 === 0 ? seed.slice() : new Uint8Array(random(40));
    if (round % 2 === 0) {
      for (let k = random(3); k >= 0; k--) bytes[random(bytes.length)] = random(256);
      if (random(4) === 0) bytes = bytes.slice(0, random(bytes.length));
    } else bytes.forEach((_, i) => bytes[i] = random(round % 3 === 0 ? 256 : 22));
    try {
      decode(bytes);
    } catch (error) {
      assertInstanceOf(error, UnreadableError);
      refused++;
    }
  }
  assertEquals(refused > 10_000, true);
  for (const tag of [6, 7, 8, 12, 14, 15, 16, 17]) {
    // A length of four thousand million with nothing behind it.
    const lie = new Uint8Array([tag, 255, 255, 255, 255, 15]);
    assertThrows(() => decode(lie), UnreadableError, "cut off");
  }
  const nested = new Uint8Array(1_000_000).map((_, i) => i % 2 === 0 ? 12 : 1);
  assertThrows(() => decode(nested), UnreadableError);
  assertThrows(() => decode(new Uint8Array()), UnreadableError);
});

law("A message is read the same out of a Buffer in the middle of another", () => {
  const value = {
    n: 1,
    of: new Map([[1, new Float64Array([1, 2])]]),
    raw: new Uint8Array([7]).buffer,
  };
  const bytes = encode(value);
  const around = new Uint8Array(bytes.length + 30).fill(9);
  around.set(bytes, 10);
  const read = decode(Buffer.from(around.buffer, 10, bytes.length)) as typeof value;
  assertEquals(read, value);
  assertEquals([read.raw.byteLength, read.of.get(1)!.buffer.byteLength], [1, 16]);
});
