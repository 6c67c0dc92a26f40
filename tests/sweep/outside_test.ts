/**
 * weft as a project outside uses it that maps the folder of a checkout: Deno reads weft's own
 * `deno.json` then too, and warns about what may stand in the root of a workspace only.
 */
import { assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";

const ROOT = new URL("../../", import.meta.url);

/** Every entry point, by the name that users import it by. */
async function entryPoints(): Promise<Record<string, string>> {
  const { name, exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  return Object.fromEntries(
    Object.entries<string>(exports).map(([entry, file]) => [
      name + entry.slice(1),
      new URL(file, ROOT).href,
    ]),
  );
}

law(
  "A project that maps weft by path type-checks and runs every entry point without a warning",
  async () => {
    const entries = await entryPoints();
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports: entries }));
      const imports = Object.keys(entries).map((name, at) =>
        `import * as entry${at} from "${name}";`
      );
      const uses = Object.keys(entries).map((_, at) => `Object.keys(entry${at}).length > 0`);
      await Deno.writeTextFile(
        `${folder}/main.ts`,
        `${imports.join("\n")}\nconsole.log(${uses.join(" && ")});\n`,
      );
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--check", "main.ts"],
        cwd: folder,
        env: { NO_COLOR: "1" },
      }).output();
      const text = new TextDecoder();
      const said = text.decode(stderr).split("\n").filter((line) =>
        !/^(Check|Download) |^$/.test(line)
      );
      assertEquals({ code, out: text.decode(stdout), said }, { code: 0, out: "true\n", said: [] });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
  60_000,
);
