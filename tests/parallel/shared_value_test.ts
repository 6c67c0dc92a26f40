/** Values and arrays in shared memory. */
import { assertEquals, assertThrows } from "@std/assert";
import { run } from "@weft/weft";
import { SharedArray } from "../../src/parallel/shared/value.ts";
import { kindNames, type KindOf, type SharedKind } from "../../src/parallel/shared/cells.ts";
import { SharedValue } from "../../src/parallel/shared/value.ts";
import { law } from "../lib/law.ts";
import { Thread } from "./fixtures/thread.ts";

/** For each kind its least and its greatest value. */
const ranges: { [K in SharedKind]: [KindOf<K>, KindOf<K>] } = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  bigint64: [-(2n ** 63n), 2n ** 63n - 1n],
  biguint64: [0n, 2n ** 64n - 1n],
  float32: [-Infinity, 1.5],
  float64: [-Number.MAX_VALUE, Number.EPSILON],
  bool: [false, true],
};

law("SharedValue and SharedArray hold every value of each kind, here and behind a handle", () => {
  assertEquals(Object.keys(ranges), [...kindNames]);
  for (const kind of kindNames) {
    const range = ranges[kind];
    const value = new SharedValue(kind, range[1]);
    const other = SharedValue.from(structuredClone(value.share()));
    assertEquals([other.kind, other.value], [kind, range[1]]);
    other.value = range[0];
    assertEquals([value.get(), value.value], [range[0], range[0]]);
    const array = new SharedArray<SharedKind>(kind, range);
    const copy = SharedArray.from(structuredClone(array.share()));
    assertEquals([copy.kind, copy.length, [...copy]], [kind, 2, [...range]]);
    copy.set(-1, range[0]);
    assertEquals([array.at(1), array.at(-1), array.at(2)], [range[0], range[0], undefined]);
    assertEquals([...new SharedArray(kind, 2)], [
      ...new SharedArray(kind, [zero(kind), zero(kind)]),
    ]);
  }
});

function zero(kind: SharedKind): never {
  return (kind === "bool" ? false : kind.startsWith("big") ? 0n : 0) as never;
}

law("SharedValue.add(), sub() and compareExchange() are one step and tell what was before", () => {
  const value = new SharedValue("int8", 127);
  assertEquals([value.add(1), value.value], [127, -128]);
  assertEquals([value.sub(1), value.value], [-128, 127]);
  assertEquals([value.compareExchange(1, 2), value.compareExchange(127, 3), value.value], [
    127,
    127,
    3,
  ]);
  const big = new SharedValue("bigint64");
  assertEquals([big.add(5n), big.sub(7n), big.value], [0n, 5n, -2n]);
  const flag = new SharedValue("bool");
  assertEquals([flag.compareExchange(false, true), flag.compareExchange(false, true)], [
    false,
    true,
  ]);
  const array = new SharedArray("uint16", [1, 2]);
  assertEquals([array.add(1, 5), [...array]], [2, [1, 7]]);
});

law("SharedValue and SharedArray refuse what they would store as something else", () => {
  const int = new SharedValue("int32");
  const float = new SharedValue("float64");
  assertThrows(() => int.value = "1" as never, TypeError, `takes a number`);
  assertThrows(() => new SharedValue("bigint64", 1 as never), TypeError, "takes a bigint");
  assertThrows(() => new SharedValue("bool", 1 as never), TypeError, "takes a boolean");
  assertThrows(() => float.add(1 as never), TypeError, "is no whole number");
  assertThrows(() => float.compareExchange(0, 1), TypeError, "use its lock");
  assertThrows(() => new SharedValue("int64" as never), TypeError, "the kinds are int8, uint8");
  assertThrows(() => new SharedValue("toString" as never), TypeError, "the kinds are");
  const array = new SharedArray("int32", 2);
  for (const index of [2, -3, 0.5, NaN]) {
    assertThrows(() => array.set(index, 1), RangeError, "it has 2 elements");
  }
  for (const length of [-1, 1.5, NaN]) {
    assertThrows(() => new SharedArray("int8", length), RangeError);
  }
});

law("SharedArray.view is the same memory", async () => {
  const array = new SharedArray("float64", [1, 2, 3]);
  await using thread = Thread.call("square", array);
  await thread.result();
  assertEquals([...array.view], [1, 4, 9]);
  array.view[0] = 5;
  assertEquals(array.at(0), 5);
});

law("SharedValue.lock is one lock in all threads, and can be taken again", async () => {
  const value = new SharedValue("int32");
  const other = SharedValue.from(value.share());
  await run(function* () {
    yield* value.lock.acquire();
    yield* other.lock.acquire();
    assertEquals(other.lock.statistics().holder, "main");
    value.lock.release();
    other.lock.release();
    assertEquals(value.lock.locked, false);
  });
});
