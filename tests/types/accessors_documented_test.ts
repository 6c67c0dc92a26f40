/**
 * `deno doc` prints members that can only be read, and leaves out those that can be read and set. So the
 * text of each class names its own.
 */
import { assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";

const ROOT = new URL("../../", import.meta.url);

/** The part of `deno doc --json` that is looked at. */
interface Documented {
  nodes: Record<string, { symbols: { name: string; declarations: Declaration[] }[] }>;
}

interface Declaration {
  kind: string;
  jsDoc?: { doc?: string };
  def?: { methods?: { name: string; kind: string; accessibility?: string }[] };
}

/** The members of a class that can be read and set. */
function accessorPairs({ def }: Declaration): string[] {
  const names = (kind: string) =>
    (def?.methods ?? []).filter((one) => one.kind === kind).map(({ name }) => name);
  const getters = new Set(names("getter"));
  return names("setter").filter((name) => getters.has(name));
}

law("The text of each class names its members that can be read and set", async () => {
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...Object.values<string>(exports)],
    cwd: ROOT,
    stderr: "null",
  }).output();
  if (!success) throw new Error("deno doc failed");
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as Documented;
  const silent: string[] = [];
  let pairs = 0;
  for (const { name, declarations } of Object.values(nodes).flatMap(({ symbols }) => symbols)) {
    for (const one of declarations) {
      for (const member of one.kind === "class" ? accessorPairs(one) : []) {
        pairs++;
        if (!one.jsDoc?.doc?.includes(`\`${member}\``)) silent.push(`${name}.${member}`);
      }
    }
  }
  assertEquals(silent, []);
  if (pairs === 0) throw new Error("deno doc gives accessors in another form now: none was found");
}, 60_000);
