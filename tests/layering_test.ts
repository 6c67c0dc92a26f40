/**
 * The layers of the source, asserted from the module graph as the compiler sees it, types included.
 */
import { assert, assertEquals } from "@std/assert";

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
  server: ["net", "io", "poll", "parallel", "tasks", "sync", "kernel", "internal"],
  cluster: ["parallel", "tasks", "sync", "kernel", "internal"],
  policy: ["kernel", "internal"],
  trace: ["net", "io", "tasks", "kernel", "internal"],
  testing: ["kernel", "io", "internal"],
};

/**
 * What each folder of `src/parallel` may import besides itself. The files that lie beside the folders are of two
 * kinds: what every folder may use, and {@linkcode PARALLEL_TOPS}, which stand on all of them.
 */
const ALLOWED_IN_PARALLEL: Record<string, readonly string[]> = {
  thread: [],
  shared: ["thread"],
  worker: ["shared", "thread"],
  pool: ["shared", "thread"],
  process: ["shared", "thread"],
};

/** The files of `src/parallel` that import its folders, and that no folder imports. */
const PARALLEL_TOPS: readonly string[] = [
  "src/parallel/connection_wait.ts",
  "src/parallel/worker_entry.ts",
];

/** What a folder may import from elsewhere: clients that nobody should write anew. */
const FOREIGN: Record<string, string> = { cluster: "npm:@nats-io/" };

/** No file of `src` is longer than this. */
const LONGEST = 400;

/**
 * Files by path below the root, each with what it imports: paths, or whole specifiers from elsewhere.
 * Of an `import type`, `counts` says whether it is part of that. The graph begins at a file that imports all of
 * them, so that those no entry point reaches are in it.
 */
async function readGraph(
  counts: (path: string, target: string) => boolean = () => true,
): Promise<Map<string, string[]>> {
  const graph = new Map<string, string[]>();
  const scratch = await Deno.makeTempDir();
  try {
    const all = `${scratch}/all.ts`;
    const imports = (await sources()).map(({ path }) => `import "${new URL(path, root)}";`);
    await Deno.writeTextFile(all, imports.join("\n"));
    const { stdout, success } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--quiet", "--no-lock", "--config", "deno.json", all],
      cwd: root,
      stderr: "null",
    }).output();
    if (!success) throw new Error("deno info failed");
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
      modules: {
        specifier: string;
        dependencies?: { code?: { specifier: string }; type?: { specifier: string } }[];
      }[];
    };
    for (const { specifier, dependencies = [] } of modules) {
      if (!specifier.startsWith(`${root}src/`)) continue;
      const path = specifier.slice(root.href.length);
      const short = (target: string): string =>
        target.startsWith(root.href) ? target.slice(root.href.length) : target;
      const targets = dependencies.flatMap(({ code, type }) => {
        if (code !== undefined) return [short(code.specifier)];
        if (type === undefined || !counts(path, short(type.specifier))) return [];
        return [short(type.specifier)];
      });
      graph.set(path, [...new Set(targets)]);
    }
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
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

/** The code of a file without comments and texts, where words may stand that no code may; imports stay. */
function codeOf(text: string): string {
  return text.replaceAll(
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (match) => match.startsWith("/") ? "" : match.startsWith('"node:') ? match : '""',
  );
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
      if (layer === undefined || layer === "std") continue;
      if (ALLOWED[layer] === undefined) wrong.push(`${path} is in no layer`);
      for (const target of targets) {
        if (target.startsWith("node:")) continue;
        if (FOREIGN[layer] !== undefined && target.startsWith(FOREIGN[layer])) continue;
        const other = layerOf(target);
        if (other === layer || (other !== undefined && ALLOWED[layer]?.includes(other))) continue;
        wrong.push(`${path} imports ${target}`);
      }
    }
    assertEquals(wrong, []);
  },
});

Deno.test({
  name: "A folder of src/parallel imports only those below it, types included",
  timeout: 60_000,
  fn: async () => {
    const folderOf = (path: string): string | undefined =>
      /^src\/parallel\/(\w+)\//.exec(path)?.[1];
    const wrong: string[] = [];
    for (const [path, targets] of await readGraph()) {
      if (layerOf(path) !== "parallel" || PARALLEL_TOPS.includes(path)) continue;
      const folder = folderOf(path);
      const allowed = folder === undefined ? [] : ALLOWED_IN_PARALLEL[folder];
      if (allowed === undefined) wrong.push(`${path} is in no layer`);
      for (const target of targets) {
        const other = folderOf(target);
        if (PARALLEL_TOPS.includes(target)) wrong.push(`${path} imports ${target}`);
        if (other === undefined || other === folder || allowed?.includes(other)) continue;
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
    // In the kernel a task is called Task by every file: types may go in a circle there, code may not.
    const inKernel = (path: string): boolean => path.startsWith("src/kernel/");
    const graph = await readGraph((path, target) => !(inKernel(path) && inKernel(target)));
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

Deno.test("The main entry point does not load the clients of src/cluster", async () => {
  const main = await Deno.readTextFile(new URL("mod.ts", root));
  assertEquals(main.includes("src/cluster"), false);
});

Deno.test("Only src/io opens sockets", async () => {
  const pattern =
    /\bDeno\s*\.\s*(listen|connect|startTls|serve|resolveDns)|\bDeno\[|= Deno;|"node:(net|tls|dgram|https?|http2)"/;
  assertEquals(await offenders(pattern, (path) => path.startsWith("src/io/")), []);
});

Deno.test("Only one file listens for signals", async () => {
  const only = (path: string): boolean => path === "src/kernel/callback.ts";
  assertEquals(await offenders(/\bDeno\s*\.\s*addSignalListener/, only), []);
});

Deno.test("Only src/parallel/thread and the watchdog start workers", async () => {
  const places = ["src/parallel/thread/", "src/trace/watchdog/"];
  const allowed = (path: string): boolean => places.some((place) => path.startsWith(place));
  assertEquals(await offenders(/\bnew\s+Worker\b/, allowed), []);
});

Deno.test("Only the clock touches the host's timers", async () => {
  const pattern =
    /(?<!typeof )(?<![.#\w])(globalThis\.)?(setTimeout|setInterval|setImmediate)\b|\bAbortSignal\.timeout\b|"node:timers/;
  assertEquals(await offenders(pattern, (path) => path === "src/kernel/clock.ts"), []);
});

Deno.test({
  name: "The module graph of a worker, which is read at each start, has no more than it runs",
  timeout: 60_000,
  fn: async () => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--quiet", "src/parallel/worker_entry.ts"],
      cwd: root,
      stderr: "null",
    }).output();
    interface Module {
      specifier: string;
      dependencies?: { code?: { specifier: string } }[];
    }
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
    const found = new Map(modules.map((module) => [module.specifier, module]));
    const reached = new Set([new URL("src/parallel/worker_entry.ts", root).href]);
    for (const specifier of reached) {
      for (const { code } of found.get(specifier)?.dependencies ?? []) {
        if (code !== undefined) reached.add(code.specifier);
      }
    }
    const folders = [...reached].filter((one) => /\/src\/(tasks|parallel\/shared)\//.test(one));
    assertEquals(folders, []);
    assert(reached.size < 30, `it has ${reached.size} modules`);
  },
});

Deno.test(`No file of the source is longer than ${LONGEST} lines`, async () => {
  const long = (await sources()).filter(({ text }) => text.trimEnd().split("\n").length > LONGEST);
  assertEquals(long.map(({ path }) => path), []);
});

/** Names that a file of `src/parallel` or `src/cluster` gives to a type of its own, as others do; to become none. */
const SAME_NAME: readonly string[] = ["ItemSource", "Job", "Local"];

Deno.test("No two exported types of the source have one name", async () => {
  const places = new Map<string, string[]>();
  const declared = /^export (?:abstract )?(?:class|interface|type) (\w+)/gm;
  for (const { path, text } of await sources()) {
    for (const [, name = ""] of text.matchAll(declared)) {
      if (!places.get(name)?.includes(path)) places.set(name, [...places.get(name) ?? [], path]);
    }
  }
  const twice = [...places].filter(([name, paths]) =>
    paths.length > 1 && !SAME_NAME.includes(name)
  );
  assertEquals(twice.map(([name, paths]) => `${name}: ${paths.join(" and ")}`), []);
});
