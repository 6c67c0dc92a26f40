/** Maps and lists between threads: what an array and a map do, in every thread the same. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DeadlockError, SharedList, SharedMap } from "@weft/weft";
import { law } from "../lib/law.ts";
import { randomFrom } from "./fixtures/random.ts";
import { Thread } from "./fixtures/thread.ts";

law(
  "SharedMap does what a Map does, seen through every view, also when it is written down anew",
  () => {
    const random = randomFrom(1);
    const map = new SharedMap<string | number, unknown>([["first", 0]]);
    const views = [map, SharedMap.from<string | number, unknown>(map.share())];
    const model = new Map<string | number, unknown>([["first", 0]]);
    for (let i = 0; i < 5000; i++) {
      const view = views[random(2)]!;
      const key = random(2) === 0 ? random(30) : `key ${random(30)}`;
      switch (random(8)) {
        case 0:
          assertEquals(view.delete(key), model.delete(key));
          break;
        case 1:
          if (random(50) > 0) break;
          view.clear();
          model.clear();
          break;
        case 2:
          view.update(key, (value) => [value ?? null]);
          model.set(key, [model.get(key) ?? null]);
          if (JSON.stringify(model.get(key)).length > 100) {
            view.set(key, 0);
            model.set(key, 0);
          }
          break;
        default:
          view.set(key, { i, text: "x".repeat(random(40)) });
          model.set(key, view.get(key));
      }
      assertEquals([view.get(key), view.has(key), view.size], [
        model.get(key),
        model.has(key),
        model.size,
      ]);
    }
    for (const view of [...views, SharedMap.from(map.share())]) {
      assertEquals([...view], [...model]);
      assertEquals([[...view.keys()], [...view.values()]], [[...model.keys()], [
        ...model.values(),
      ]]);
    }
    assert(map.share().memory.byteLength < 1 << 20);
  },
);

law("SharedList does what an array does, seen through every view", () => {
  const random = randomFrom(2);
  const list = new SharedList<number>([1, 2, 3]);
  const views = [list, SharedList.from<number>(list.share())];
  const model = [1, 2, 3];
  for (let i = 0; i < 5000; i++) {
    const view = views[random(2)]!;
    const at = random(40) - 20;
    const items = Array.from({ length: random(3) }, () => random(1000));
    switch (random(7)) {
      case 0:
        assertEquals([view.pop(), view.shift()], [model.pop(), model.shift()]);
        break;
      case 1:
        assertEquals(view.unshift(...items), model.unshift(...items));
        break;
      case 2:
        assertEquals(view.splice(at, random(5), ...items).length >= 0, true);
        model.length = 0;
        model.push(...view);
        break;
      case 3: {
        const [count] = [random(4)];
        assertEquals(view.splice(at, count, ...items), model.splice(at, count, ...items));
        break;
      }
      case 4:
        if (model.at(at) === undefined) {
          assertThrows(() => view.set(at, 1), RangeError, `Cannot set item ${at}`);
        } else {
          view.update(at, (n) => n + 1);
          model[at < 0 ? at + model.length : at]!++;
        }
        break;
      default:
        assertEquals(view.push(...items), model.push(...items));
    }
    assertEquals([view.length, view.at(at)], [model.length, model.at(at)]);
  }
  for (const view of [...views, SharedList.from(list.share())]) assertEquals([...view], model);
  list.clear();
  assertEquals([list.length, list.pop(), [...views[1]!]], [0, undefined, []]);
});

law("SharedMap and SharedList lose nothing between threads that change them at once", async () => {
  const [map, list] = [new SharedMap<string, number>(), new SharedList<number>()];
  const threads = [1, 2, 3].map((seed) => Thread.call("useCollections", map, list, seed, 1000));
  await Promise.all(threads.map((thread) => thread.result()));
  const counted = [0, 1, 2, 3, 4].reduce((sum, i) => sum + map.get(`count ${i}`)!, 0);
  assertEquals([counted, list.length <= 53], [3000, true]);
  assertEquals([...SharedMap.from(map.share())], [...map]);
  for (const thread of threads) await thread.terminate();
}, 60_000);

law("SharedMap: a thread that dies while it changes a map has changed nothing", async () => {
  const map = new SharedMap<string, number>([["n", 1]]);
  await using dead = Thread.call("dieUpdating", map);
  await dead.gone;
  assertEquals(map.get("n"), 1);
  map.set("n", 2);
  assertEquals(map.get("n"), 2);
});

law("SharedMap refuses what has no copy, and keys that are objects, and stays as it was", () => {
  const map = new SharedMap<string, unknown>([["a", { list: [1] }]]);
  for (const value of [() => {}, new URL("http://a/"), Symbol("s"), [new Blob([])]]) {
    assertThrows(() => map.set("a", value), TypeError, `Cannot set an entry of ${map}`);
    assertThrows(() => map.update("a", () => value), TypeError);
  }
  for (const key of [{}, Symbol("s"), () => {}]) {
    assertThrows(() => map.set(key as never, 1), TypeError, "it must be a primitive value");
  }
  assertThrows(() => map.update("a", () => map.get("a")), DeadlockError);
  assertThrows(() =>
    map.update("a", () => {
      throw new RangeError("no");
    }), RangeError);
  (map.get("a") as { list: number[] }).list.push(2); // a copy
  assertEquals([map.get("a"), map.size], [{ list: [1] }, 1]);
  const large = new SharedList(Array.from({ length: 200_000 }, (_, i) => i));
  assertEquals([large.length, large.at(-1)], [200_000, 199_999]);
});

law("SharedMap whose memory was overwritten is an error, and never a hang", () => {
  const random = randomFrom(5);
  for (let i = 0; i < 1000; i++) {
    const map = new SharedMap<string, number>([["a", 1], ["b", 2]]);
    const words = new Int32Array(map.share().memory, 0, 40);
    for (let n = 0; n <= random(3); n++) {
      words[random(words.length)] = random(3) === 0 ? -1 : random(2 ** 31);
    }
    const other = SharedMap.from(map.share());
    for (const use of [() => map.get("a"), () => other.get("a"), () => other.set("c", 3)]) {
      try {
        use();
      } catch (error) {
        assert(error instanceof Error);
      }
    }
  }
});
