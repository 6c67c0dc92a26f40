/**
 * The layers of the source, asserted from the module graph as the compiler sees it, types included.
 */
import { assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);

/** What each folder of `src` may import besides itself. */
const ALLOWED: Record<string, readonly string[]> = {
  internal: [],
  kernel: ["internal"],
  tasks: ["kernel", "internal"],
  sync: ["kernel", "internal"],
  io: ["kernel", "internal"],
  poll: ["io", "kernel", "internal"],
  net: ["io", "tasks", "sync", "kernel", "internal"],
  parallel: ["kernel", "tasks", "internal"],
  policy: ["kernel", "internal"],
  trace: ["kernel", "internal"],
  testing: ["kernel", "io", "internal"],
};

/** No file of `src` is longer than this. */
const LONGEST = 500;

/** Files by path below the root, each with the paths it imports. */
async function readGraph(): Promise<Map<string, string[]>> {
  const graph = new Map<string, string[]>();
  for (
    const entry of [
      "mod.ts",
      "src/testing/mod.ts",
      "src/lowlevel.ts",
      "src/parallel/worker_entry.ts",
    ]
  ) {
    const { stdout, success } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--quiet", entry],
      cwd: root,
      stderr: "null",
    }).output();
    if (!success) throw new Error(`deno info failed for ${entry}`);
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
      modules: {
        specifier: string;
        dependencies?: { code?: { specifier: string }; type?: { specifier: string } }[];
      }[];
    };
    for (const { specifier, dependencies = [] } of modules) {
      if (!specifier.startsWith(root.href)) continue;
      const targets = dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier])
        .filter((target) => target?.startsWith(root.href))
        .map((target) => target!.slice(root.href.length));
      graph.set(specifier.slice(root.href.length), [...new Set(targets)]);
    }
  }
  if (graph.size < 40) throw new Error(`deno info told of ${graph.size} files only`);
  return graph;
}

function layerOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

async function sources(): Promise<{ path: string; text: string }[]> {
  const found: { path: string; text: string }[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
      const path = `${folder}${name}`;
      if (path === "src/std") continue;
      if (isDirectory) await walk(`${path}/`);
      else if (name.endsWith(".ts")) {
        found.push({ path, text: await Deno.readTextFile(new URL(path, root)) });
      }
    }
  };
  await walk("src/");
  return found;
}

/** The code of a file without its comments, where words may stand that no code may. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

/** Paths whose code matches, outside of where it is allowed to. */
async function offenders(pattern: RegExp, allowed: (path: string) => boolean): Promise<string[]> {
  return (await sources())
    .filter(({ path, text }) => !allowed(path) && pattern.test(codeOf(text)))
    .map(({ path }) => path);
}

Deno.test({
  name: "A layer imports only the layers below it, types included",
  timeout: 60_000,
  fn: async () => {
    const wrong: string[] = [];
    for (const [path, targets] of await readGraph()) {
      const layer = layerOf(path);
      if (layer === undefined) continue;
      for (const target of targets) {
        const other = layerOf(target);
        if (other === layer || (other !== undefined && ALLOWED[layer]?.includes(other))) continue;
        wrong.push(`${path} imports ${target}`);
      }
    }
    assertEquals(wrong, []);
  },
});

Deno.test({
  name: "No two files of the source import each other, directly or in a circle",
  timeout: 60_000,
  fn: async () => {
    const graph = await readGraph();
    const state = new Map<string, "open" | "closed">();
    const circles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === "closed") return;
      if (state.get(path) === "open") {
        circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
        return;
      }
      state.set(path, "open");
      for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
      state.set(path, "closed");
    };
    for (const path of graph.keys()) visit(path, []);
    assertEquals(circles, []);
  },
});

Deno.test("Only src/io opens sockets", async () => {
  const pattern =
    /\bDeno\.(listen|listenTls|listenDatagram|connect|connectTls|startTls|addSignalListener)\b/;
  assertEquals(await offenders(pattern, (path) => path.startsWith("src/io/")), []);
});

Deno.test("Only src/parallel starts workers", async () => {
  assertEquals(await offenders(/\bnew Worker\(/, (path) => path.startsWith("src/parallel/")), []);
});

Deno.test("Only the clock touches the host's timers", async () => {
  const pattern = /\b(setTimeout|setInterval|setImmediate)\(/;
  assertEquals(await offenders(pattern, (path) => path === "src/kernel/clock.ts"), []);
});

Deno.test(`No file of the source is longer than ${LONGEST} lines`, async () => {
  const long = (await sources()).filter(({ text }) => text.split("\n").length > LONGEST);
  assertEquals(long.map(({ path }) => path), []);
});
