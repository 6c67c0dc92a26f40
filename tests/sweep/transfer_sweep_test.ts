/** A file of 1 GiB: right when it arrives, cut at a random byte and resumed, in little memory on both sides. */
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { Server, statedFlags } from "../examples/example.ts";
import { law } from "../lib/law.ts";

const SIZE = 1 << 30;
const MOST_MEMORY_KB = 128 << 10;
const root = new URL("../../", import.meta.url);

/** The most memory that a process has had, in KiB. */
function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
}

/** Starts `send`; looks at its memory until it ends, or until `isEnough`, when it is killed. */
async function send(port: number, file: string, isEnough: () => boolean) {
  const args = ["send", "--port", String(port), file];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-check", ...statedFlags("file_transfer", args)],
      ...["examples/file_transfer.ts", ...args],
    ],
    cwd: root,
    stdout: "null",
    stderr: "null",
  }).spawn();
  let peak = 0;
  const looking = setInterval(() => {
    try {
      peak = Math.max(peak, peakOf(child.pid));
    } catch {
      // It has just ended.
    }
    if (isEnough()) child.kill("SIGKILL");
  }, 20);
  const { code } = await child.status;
  clearInterval(looking);
  assert(peak < MOST_MEMORY_KB, `the sender had ${peak} KiB`);
  return code;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await Deno.open(path);
  for await (const bytes of file.readable) hash.update(bytes);
  return hash.digest("hex");
}

law("A file of 1 GiB is cut, resumed, and right, in less than 128 MiB on both sides", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/large.bin`;
    using file = await Deno.create(path);
    const bytes = new Uint8Array(1 << 20);
    for (let size = 0; size < SIZE; size += bytes.length) {
      for (let at = 0; at < bytes.length; at += 65_536) {
        crypto.getRandomValues(bytes.subarray(at, at + 65_536));
      }
      await file.write(bytes);
    }
    const into = `${folder}/in`;
    await Deno.mkdir(into);
    await using server = await Server.start("file_transfer", "serve", "--port", "0", "--dir", into);
    const cut = SIZE * (0.2 + 0.6 * Math.random());
    const sizeOfPart = () =>
      [...Deno.readDirSync(into)].reduce(
        (sum, { name }) => sum + Deno.statSync(`${into}/${name}`).size,
        0,
      );
    assert(await send(server.port, path, () => sizeOfPart() > cut) !== 0);
    const names = [...Deno.readDirSync(into)].map(({ name }) => name);
    assert(names.length === 1 && names[0]!.endsWith(".part"), names.join());
    assertEquals(await send(server.port, path, () => false), 0);
    assertEquals([...Deno.readDirSync(into)].map(({ name }) => name), ["large.bin"]);
    assertEquals(await hashOf(`${into}/large.bin`), await hashOf(path));
    const peak = peakOf(server.pid);
    assert(peak < MOST_MEMORY_KB, `the receiver had ${peak} KiB`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}, 180_000);
