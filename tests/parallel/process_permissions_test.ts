/** Which flags a process needs, and which it gets. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { law } from "../lib/law.ts";

const root = new URL("../../", import.meta.url);
const path = decodeURIComponent(root.pathname);

const program = `
  import { jobs } from "@weft/weft";
  import { WorkerProcess } from "#process";
  const { tell } = jobs(import.meta, {
    tell(): void {
      const names = ["read", "write", "net", "env", "run"] as const;
      const granted = names.filter((name) =>
        Deno.permissions.querySync({ name }).state === "granted");
      console.log("granted:", granted.join());
    },
  });
  if (import.meta.main) {
    const backend = Deno.args[0] as "worker" | "subprocess";
    const process = new WorkerProcess({ target: tell, backend, flags: Deno.args.slice(1) });
    try {
      process.start();
      await process.join();
    } catch (error) {
      console.log((error as Error).message);
    }
  }
`;

/** A project of its own, whose configuration alone knows what its code imports. */
async function runProject(
  flags: readonly string[],
  args: readonly string[],
  prefix = "",
): Promise<{ out: string; err: string; folder: string }> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix }));
  try {
    await Deno.writeTextFile(`${folder}/main.ts`, program);
    const imports = {
      "@weft/weft": `${root}mod.ts`,
      "#process": `${root}src/parallel/process/worker_process.ts`,
    };
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({ imports, lock: false, nodeModulesDir: "none" }),
    );
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        ...flags.map((flag) => flag.replace("FOLDER", folder)),
        `${folder}/main.ts`,
        ...args,
      ],
      cwd: "/",
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder();
    return { out: text.decode(stdout).trim(), err: text.decode(stderr), folder };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

law("A worker gets the permissions of its parent, and needs to read its code", async () => {
  const { out, err } = await runProject(["--allow-read", "--allow-net"], ["worker"]);
  assertEquals({ out, err }, { out: "granted: read,net", err: "" });
});

law(
  "A subprocess resolves what its parent's configuration does, and gets no more than it",
  async () => {
    const flags = ["--allow-read", "--allow-run", "--allow-env"];
    const { out, err } = await runProject(flags, ["subprocess"]);
    assertEquals({ out, err }, { out: "granted: read,env,run", err: "" });
  },
);

law("A subprocess of a parent that may read only its code may do so, too", async () => {
  const flags = [`--allow-read=FOLDER,${path}`, "--allow-run", "--allow-env", "--deny-net=x.test"];
  const { out, err } = await runProject([...flags, "--allow-net"], ["subprocess"]);
  assertEquals({ out, err }, { out: "granted: env,run", err: "" });
});

law("A subprocess gets further flags by hand", async () => {
  const flags = ["--allow-read", "--allow-run", "--allow-env"];
  const { out } = await runProject(flags, ["subprocess", "--allow-net"]);
  assertEquals(out, "granted: read,net,env,run");
});

law(
  "Without the permission to read its code, no process starts, and the error says so",
  async () => {
    const worker = await runProject([], ["worker"]);
    assertStringIncludes(
      worker.out,
      'Cannot start "Process-1": this program lacks --allow-read for',
    );
    const subprocess = await runProject(["--allow-run", "--allow-env"], ["subprocess"]);
    assertStringIncludes(subprocess.out, `lacks --allow-read for ${subprocess.folder}/main.ts`);
  },
);

law("Without --allow-run and --allow-env no subprocess starts, and the error says so", async () => {
  const neither = await runProject(["--allow-read"], ["subprocess"]);
  assertEquals(
    neither.out,
    'Cannot start "Process-1" as a subprocess: this program lacks --allow-run and --allow-env, ' +
      `which starting ${Deno.execPath()} takes; the backend "worker" needs neither`,
  );
  const one = await runProject(["--allow-read", "--allow-run"], ["subprocess"]);
  assertStringIncludes(one.out, "lacks --allow-env, which");
  const other = await runProject(["--allow-read", "--allow-run=x", "--allow-env"], ["subprocess"]);
  assertStringIncludes(other.out, `lacks --allow-run, which starting ${Deno.execPath()} takes`);
});

law("A folder with a comma does not split the permissions of a subprocess", async () => {
  const flags = ["--allow-read", "--allow-run", "--allow-env"];
  for (const prefix of ["a,b", ",", "with %2C and ,,"]) {
    const whole = await runProject(flags, ["subprocess"], prefix);
    assertEquals(whole.out, "granted: read,env,run");
    const part = await runProject([...flags, "--deny-read=/nothing"], ["subprocess"], prefix);
    assertStringIncludes(part.out, 'Cannot start "Process-1" as a subprocess: its code lies in');
    assertStringIncludes(part.out, "cannot name a folder with a comma");
    const worker = await runProject([...flags, "--deny-read=/nothing"], ["worker"], prefix);
    assertStringIncludes(worker.out, "granted: ");
  }
});
