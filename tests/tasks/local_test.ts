import { assertEquals } from "@std/assert";
import { createLocal, run, sleep, spawn } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";
import { virtually } from "../lib/virtual.ts";

law(
  "Locals: a child starts with its spawner's values, and what either sets is its own",
  async () => {
    const color = createLocal("none");
    await virtually(async function* () {
      color.set("red");
      const child = spawn(async function* () {
        const inherited = color.get();
        color.set("blue");
        yield* sleep(1);
        return [inherited, color.get()];
      });
      color.set("green");
      assertEquals(yield* child.get(), ["red", "blue"]);
      assertEquals(color.get(), "green");
      yield* color.with("inner", async function* () {
        assertEquals(color.get(), "inner");
        assertEquals(
          yield* spawn(async function* () {
            return color.get();
          }),
          "inner",
        );
      });
      assertEquals(color.get(), "green");
    });
  },
);

law("Two local.with() side by side in one task each see their own value", async () => {
  const id = createLocal("none");
  await run(async function* () {
    const seen: string[] = [];
    const part = (name: string, ms: number) =>
      id.with(name, async function* () {
        yield* sleep(ms);
        seen.push(`${name} ${id.get()}`);
        id.set(`${name}!`);
        const child = spawn(function* () {
          return id.get();
        });
        seen.push(`${name} child ${yield* child}`);
        await Promise.resolve();
        seen.push(`${name} ${id.get()}`);
      });
    await Promise.all([part("a", 3), part("b", 1), part("c", 2)]);
    assertEquals(id.get(), "none");
    const of = (name: string) => seen.filter((one) => one.startsWith(name));
    for (const name of ["a", "b", "c"]) {
      assertEquals(of(name), [`${name} ${name}`, `${name} child ${name}!`, `${name} ${name}!`]);
    }
    id.set("task");
    assertEquals(
      yield* id.with("outer", () =>
        id.with("inner", function* () {
          return id.get();
        }) as never),
      "inner",
    );
    assertEquals(id.get(), "task");
  }, { clock: new VirtualClock() });
});
