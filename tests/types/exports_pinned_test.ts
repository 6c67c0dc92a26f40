/**
 * What each entry point exports, name by name: an export cannot appear, change its kind or vanish by accident.
 *
 * A new export needs a line in `exports.json`, in its place in the order. The list is read as
 * `deno doc` reads it, so types count too.
 */
import { assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";

const root = new URL("../../", import.meta.url);

interface Declared {
  readonly location: { readonly filename: string; readonly line: number };
  readonly kind: string;
  readonly def?: { readonly extends?: unknown };
}

interface Exported {
  readonly name: string;
  readonly declarations: readonly Declared[];
}

/** Each entry point of the package with its file. */
const entries: Readonly<Record<string, string>> = JSON.parse(
  await Deno.readTextFile(new URL("deno.json", root)),
).exports;

/** What each entry point exports. Read one by one: of several, `deno doc` follows a name to its source once. */
async function readExports(): Promise<Map<string, readonly Exported[]>> {
  const found = new Map<string, readonly Exported[]>();
  for (const [entry, file] of Object.entries(entries)) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["doc", "--json", file],
      cwd: root,
      stderr: "null",
    }).output();
    const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
      nodes: Record<string, { symbols: Exported[] }>;
    };
    found.set(entry, nodes[new URL(file, root).href]?.symbols ?? []);
  }
  return found;
}

/**
 * `class TimeoutError extends Error`, `interface Clock`: an overloaded function is told once. A base that nobody
 * can name from outside is no part of the interface, and is left out.
 */
function describe({ name, declarations }: Exported, known: ReadonlySet<string>): string {
  const told = declarations.map(({ kind, def }) => {
    const base = def?.extends;
    const isKnown = typeof base === "string" && (known.has(base) || base in globalThis);
    return `${kind} ${name}${isKnown ? ` extends ${base}` : ""}`;
  });
  return [...new Set(told)].join(", ");
}

law("The exports of each entry point are the ones that are listed", async () => {
  const pinned = JSON.parse(
    await Deno.readTextFile(new URL("exports.json", import.meta.url)),
  ) as Record<string, string[]>;
  const found: Record<string, string[]> = {};
  const all = await readExports();
  const known = new Set([...all.values()].flatMap((symbols) => symbols.map(({ name }) => name)));
  for (const [entry, symbols] of all) {
    const byName = symbols.toSorted((a, b) => a.name < b.name ? -1 : 1);
    found[entry] = byName.map((one) => describe(one, known));
  }
  assertEquals(found, pinned);
}, 60_000);

law("A name that two entry points export means the same in both", async () => {
  const places = new Map<string, Set<string>>();
  for (const symbols of (await readExports()).values()) {
    for (const { name, declarations } of symbols) {
      const place = declarations
        .map(({ location }) => `${location.filename.replace(root.href, "")}:${location.line}`)
        .join(" ");
      places.set(name, (places.get(name) ?? new Set()).add(place));
    }
  }
  const clashes = [...places].filter(([, found]) => found.size > 1);
  assertEquals(clashes.map(([name, found]) => `${name}: ${[...found].join(" and ")}`), []);
}, 60_000);
