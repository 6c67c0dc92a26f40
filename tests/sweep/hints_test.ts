/** What the compiler says of calls that are almost right: it tells what to write. */
import { assertStringIncludes } from "@std/assert";
import { law } from "../lib/law.ts";

const PROGRAM = `
import { jobs, joinAll, listen, run, serve, sleep, spawn, WorkerProcess } from "@weft/weft";
declare const task: ReturnType<typeof spawn<[], number>>;
declare const listener: ReturnType<typeof listen<{ hostname: string; port: number }>>;
const { work } = jobs(import.meta, { work(n: number): void { void n; } });
run(async () => {});
spawn(sleep(1));
spawn(async function () {});
joinAll(task);
serve(listener, async function () {});
serve(listener, async () => {});
new WorkerProcess({ target: work });
run(function* () { const n: number = yield sleep(1); void n; });
run(async function* () { const n: number = yield sleep(1); void n; });
`;

/** What must be said of a line, by how it begins. */
const HINTS: readonly (readonly [string, string])[] = [
  ["joinAll", "write joinAll([task])"],
  ["serve", "a handler is a function* or an async function*"],
  ["new WorkerProcess", "Property 'args' is missing"],
  ["run(function* () { const", "write yield* for a value that has a type"],
  ["run(async function* () { const", "write yield* for a value that has a type"],
  ["", "a task body is a function* or an async function*"],
];

law(
  "calls that are almost right are refused with what to write",
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
      for (const line of PROGRAM.trim().split("\n").slice(4)) {
        const before = said.slice(0, said.indexOf(`\n${line}\n`));
        const message = before.slice(before.lastIndexOf("TS2"));
        const [, hint] = HINTS.find(([beginning]) => line.startsWith(beginning))!;
        assertStringIncludes(message, hint);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
  120_000,
);
