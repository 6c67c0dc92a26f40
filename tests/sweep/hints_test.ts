/** What the compiler says of calls that are almost right: it tells what to write. */
import { assertStringIncludes } from "@std/assert";
import { law } from "../lib/law.ts";

const PROGRAM = `
import { joinAll, run, sleep, spawn } from "@weft/weft";
declare const task: ReturnType<typeof spawn<[], number>>;
run(async () => {});
spawn(sleep(1));
spawn(async function () {});
joinAll(task);
`;

law(
  "A body that is none, and a task in place of a list, are refused with what to write",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/program.ts`, PROGRAM);
      const { stderr, success } = await new Deno.Command(Deno.execPath(), {
        args: ["check", "--quiet", "--config", "deno.json", `${folder}/program.ts`],
        cwd: new URL("../../", import.meta.url),
        env: { NO_COLOR: "1" },
        stdout: "null",
      }).output();
      if (success) throw new Error("the compiler takes all of it");
      const said = new TextDecoder().decode(stderr);
      for (const line of PROGRAM.trim().split("\n").slice(2)) {
        const before = said.slice(0, said.indexOf(`\n${line}\n`));
        const message = before.slice(before.lastIndexOf("TS2"));
        assertStringIncludes(
          message,
          line.startsWith("joinAll")
            ? "write joinAll([task])"
            : "a task body is a function* or an async function*",
        );
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
  120_000,
);
