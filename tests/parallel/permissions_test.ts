/** What a worker may do, and what its pool needs: each in a process with rights of its own. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Ended, runProgram } from "../lib/child.ts";
import { law } from "../lib/law.ts";

const root = new URL("../../", import.meta.url).pathname;

/** Runs a program with these flags instead of all rights. */
function runWith(flags: readonly string[], options: string): Promise<Ended> {
  return runProgram(
    `
    import { WorkerPool } from "@weft/weft";
    import { addSlowly } from "./tests/parallel/fixtures/tasks.ts";
    import { mayDo, readItself } from "./tests/parallel/fixtures/rights.ts";
    const pool = new WorkerPool(1, ${options});
    const tell = (error: Error) => error.name + ": " + error.message;
    console.log(String(await Promise.resolve(pool.submit(mayDo, ["read", "net", "env"])).catch(tell)));
    console.log(String(await Promise.resolve(pool.submit(readItself)).then((n) => n > 0, tell)));
    console.log(String(await Promise.resolve(pool.submit(addSlowly, 1, 2, 1)).catch(tell)));
  `,
    15_000,
    flags,
  );
}

law("A worker may do what its pool's thread may, and no more", async () => {
  const ended = await runWith([`--allow-read=${root}`, "--allow-net"], "{}");
  assertEquals([ended.code, ended.stdout], [0, "prompt,granted,prompt\ntrue\n3"]);
});

law("A worker may do no more than the option `permissions` gives it", async () => {
  const ended = await runWith(
    ["-A", "--unstable-worker-options"],
    `{ permissions: { read: [${JSON.stringify(root)}], env: true } }`,
  );
  assertEquals([ended.code, ended.stdout], [0, "prompt,prompt,granted\ntrue\n3"]);
});

law(
  "A worker that may read its jobs alone still runs tasks, keeps limits, takes primitives",
  async () => {
    const ended = await runProgram(
      `
    import { SharedValue, WorkerPool } from "@weft/weft";
    const folder = ${JSON.stringify(`${root}tests/parallel/fixtures/alone/`)};
    const pool = new WorkerPool(1, { permissions: { read: [folder] }, timeout: 10_000 });
    type Plain = typeof import("./tests/parallel/fixtures/alone/plain.ts");
    const url = \`file://\${folder}plain.ts\`;
    const plain = pool.use<Plain>(url);
    console.log(String(await plain.body(1)));
    console.log(String(await plain.three()));
    console.log(String(await plain.read(new SharedValue("int32", 5))));
  `,
      15_000,
      ["-A", "--unstable-worker-options"],
    );
    assertEquals([ended.code, ended.stdout, ended.stderr], [0, "1\n3\n5", ""]);
  },
);

law("A worker without the right to read cannot load its jobs, and the error says so", async () => {
  const ended = await runWith(["-A", "--unstable-worker-options"], `{ permissions: "none" }`);
  assertEquals(ended.code, 0);
  for (const line of ended.stdout.split("\n")) {
    assertStringIncludes(line, "WorkerError: Cannot load job");
    assertStringIncludes(line, "Requires read access to");
    assertStringIncludes(line, "permissions");
  }
});

law("Without the right to read a pool cannot start a worker, and the error says so", async () => {
  const ended = await runWith([], "{}");
  assertEquals(ended.code, 0);
  for (const line of ended.stdout.split("\n")) {
    assertStringIncludes(line, "WorkerError: Cannot start a worker for job");
    assertStringIncludes(line, "Requires read access to");
    assertStringIncludes(line, "so it needs --allow-read for them");
  }
});

law("Without worker-options Deno refuses `permissions`, and says what to add", async () => {
  const ended = await runWith(["-A"], `{ permissions: { read: true } }`);
  assertEquals(ended.code, 70);
  assertStringIncludes(ended.stderr, "--unstable-worker-options");
});
