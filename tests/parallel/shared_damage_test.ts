/** Shared memory that something else has written into is an error in words, and never a hang or a crash. */
import { assert, assertEquals } from "@std/assert";
import { moveOnAfter, run } from "@weft/weft";
import { ENGINE } from "../arguments/odd_values.ts";
import { law } from "../lib/law.ts";
import { type Primitive, PRIMITIVES } from "../lib/shared_primitives.ts";
import { randomFrom } from "./fixtures/random.ts";

/** The names of what a class and its bases define. */
function namesOf(one: object): string[] {
  const prototype = Object.getPrototypeOf(one);
  if (prototype === Object.prototype) return [];
  return [...Object.getOwnPropertyNames(prototype), ...namesOf(prototype)];
}

const WORDS = [0, 1, -1, 2, 5, 1024, 1025, 4096, 0x7fff_ffff, -0x8000_0000, 1 << 30];
const ROUNDS = 12;

for (const [name, make] of Object.entries<() => Primitive>(PRIMITIVES)) {
  law(`${name} bears random words in its memory`, async () => {
    const random = randomFrom(name.length);
    const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
    const said: string[] = [];
    let calls = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const one = make() as Primitive & Record<string, unknown>;
      const words = new Int32Array(one.share().memory);
      const methods = namesOf(one).filter((key) => !/^constructor$|Sync$/.test(key));
      await run(function* () {
        for (let i = 0; i < 12; i++) {
          words[random(Math.min(words.length, 40))] = pick(WORDS);
          calls++;
          try {
            const member = one[pick(methods)];
            const result = typeof member === "function" ? member.call(one, 0, 1) : member;
            if (typeof result === "object" && result !== null && "then" in result) {
              yield* moveOnAfter(1, result as never);
            }
          } catch (error) {
            said.push((error as Error).message);
          }
        }
      }, { warn: () => {} }).catch((error) => said.push(error.message));
    }
    assert(calls >= ROUNDS);
    const engine = (text: string): boolean => ENGINE.test(text) && !text.startsWith("Cannot ");
    assertEquals(said.filter((text) => engine(text) || /Invalid|deserialize/.test(text)), []);
  });
}
