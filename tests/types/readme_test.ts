/**
 * What the README says of names: each one in the right-hand columns of "Coming from Python" is one of the
 * exports, or a member of one; and each file that it names is there.
 */
import * as weft from "@weft/weft";
import { assert, assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";

const root = new URL("../../", import.meta.url);

/** The right-hand cells of the tables in one section of the README. */
async function rightHandNames(): Promise<string[]> {
  const readme = await Deno.readTextFile(new URL("README.md", root));
  const section = /\n## Coming from Python\n([^]*?)\n## /.exec(readme)?.[1] ?? "";
  const cells = section.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|")[2]!);
  return cells.flatMap((cell) => [...cell.matchAll(/`([A-Za-z]\w*(?:\.\w+)?)`/g)])
    .map(([, name]) => name!)
    .filter((name) => name !== "yield");
}

/** The names of exported types, which leave nothing at run time. */
async function typeNames(): Promise<Set<string>> {
  const pinned = JSON.parse(await Deno.readTextFile(new URL("exports.json", import.meta.url)));
  return new Set((pinned["."] as string[]).map((line) => line.split(" ")[1]!));
}

law("Each name that the README gives to those who come from Python is exported", async () => {
  const names = await rightHandNames();
  assert(names.length > 100, `only ${names.length} names were found`);
  const types = await typeNames();
  const exported = weft as unknown as Record<string, { prototype?: object } | undefined>;
  const missing = names.filter((name) => {
    const [owner = "", member] = name.split(".");
    if (member === undefined) return !(owner in weft) && !types.has(owner);
    return !(member in (exported[owner]?.prototype ?? {}));
  });
  assertEquals(missing, []);
});

law("Each file of the source that the README names is there", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", root));
  const paths = new Set(
    [...readme.matchAll(/`((?:src|tests|examples)\/[\w/]+\.ts)`/g)].map(([, path]) => path!),
  );
  const missing: string[] = [];
  for (const path of paths) {
    await Deno.stat(new URL(path, root)).catch(() => missing.push(path));
  }
  assertEquals(missing, []);
});

law("Each example stands in the README's table of them", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", root));
  const table = /\n## Examples\n([^]*?)\n## /.exec(readme)?.[1] ?? "";
  const missing: string[] = [];
  for await (const { name, isFile } of Deno.readDir(new URL("examples/", root))) {
    if (isFile && !table.includes(`\`${name}\``)) missing.push(name);
  }
  assertEquals(missing, []);
});
