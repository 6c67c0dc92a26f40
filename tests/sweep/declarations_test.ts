/**
 * `isolatedDeclarations` for `src` alone. It holds every export to a type that is written down, which
 * keeps types from drifting and lets JSR serve them without inferring. In `deno.json` it would
 * forbid the package's own idiom in examples and tests, `export const { fib } = jobs(…)`.
 */
import { assertEquals } from "@std/assert";

const root = new URL("../../", import.meta.url);

/** The files of `src` that are published. */
function* publishedFiles(folder: URL): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory && name !== "std") yield* publishedFiles(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield new URL(name, folder).href;
  }
}

Deno.test({
  name: "Every export of src has its type written down",
  timeout: 120_000,
  fn: async () => {
    const scratch = await Deno.makeTempDir();
    try {
      const { unstable, nodeModulesDir, imports, compilerOptions } = JSON.parse(
        await Deno.readTextFile(new URL("deno.json", root)),
      );
      const config = `${scratch}/deno.json`;
      await Deno.writeTextFile(
        config,
        JSON.stringify({
          unstable,
          nodeModulesDir,
          imports,
          compilerOptions: { ...compilerOptions, isolatedDeclarations: true },
        }),
      );
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "check",
          "--quiet",
          "--no-lock",
          "--config",
          config,
          ...publishedFiles(new URL("src/", root)),
        ],
        env: { NO_COLOR: "1" },
      }).output();
      assertEquals(success ? "" : new TextDecoder().decode(stderr), "");
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  },
});
