/** The rows of framing and of file transfer. */
import { type Command, once, output, type Peer, python, served, workshop } from "./children.ts";
import type { Contender, Row } from "./harness.ts";

const root = new URL("../../", import.meta.url).pathname;
const MIB = 1 << 20;
/** What is transferred. */
const FILE_MIB = 128;

const deno = (
  file: string,
): Command => [Deno.execPath(), "run", "-A", "--no-check", `${root}${file}`];

/** Frames per second of a server that echoes them. */
function byFrames(peer: Peer, ...args: readonly string[]): Contender {
  return async () =>
    await served(
      [...await peer(), ...args],
      async (port) => Number(await output([...deno("tests/bench/frame_load.ts"), String(port)])),
    );
}

/** A folder with a large file, and one to put it into. */
const folders = once(async () => {
  const folder = await workshop();
  using file = await Deno.create(`${folder}/large.bin`);
  for (let i = 0; i < FILE_MIB; i++) {
    const bytes = new Uint8Array(MIB);
    for (let at = 0; at < MIB; at += 65_536) {
      crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    }
    await file.write(bytes);
  }
  await Deno.mkdir(`${folder}/in`);
  return { file: `${folder}/large.bin`, to: `${folder}/in` };
});

/** MiB per second, the start of the sender's process included. */
async function rateOf(send: Command): Promise<number> {
  const began = performance.now();
  await output(send);
  return FILE_MIB / (performance.now() - began) * 1000;
}

async function weftTransfer(): Promise<number> {
  const { file, to } = await folders();
  const program = deno("examples/file_transfer.ts");
  return await served(
    [...program, "serve", "--port", "0", "--dir", to],
    (port) => rateOf([...program, "send", "--port", String(port), file]),
  );
}

async function pythonTransfer(): Promise<number> {
  const { file, to } = await folders();
  const program = await python("hashlib", "transfer_peer.py")();
  return await served(
    [...program, "serve", to],
    (port) => rateOf([...program, "send", String(port), file]),
  );
}

/** nc sends bytes and nothing else: no name, no hash. */
async function ncTransfer(): Promise<number> {
  const { file, to } = await folders();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const receiver = ["sh", "-c", `exec nc -l 127.0.0.1 ${port} > '${to}/by-nc'`];
  return await served(receiver, async () => {
    await new Promise((resolve) => setTimeout(resolve, 200)); // a look would be its one connection
    return await rateOf(["sh", "-c", `exec nc -N 127.0.0.1 ${port} < '${file}'`]);
  }, null);
}

/** The rows of the servers of `src/server`. */
export const serverRows: readonly Row[] = [
  {
    name: "frames of 64 bytes, 64 connections",
    unit: "frames/s",
    better: "more",
    baseline: "asyncio streams",
    contenders: {
      "asyncio streams": byFrames(python("asyncio", "frames_asyncio_peer.py")),
      "weft coroutine": byFrames(
        () => Promise.resolve(deno("examples/echo_tcp.ts")),
        ...["--port", "0", "--framed"],
      ),
      "weft poll": byFrames(
        () => Promise.resolve(deno("examples/echo_tcp.ts")),
        ...["--port", "0", "--framed", "--engine", "poll"],
      ),
    },
  },
  {
    name: `file transfer, ${FILE_MIB} MiB`,
    unit: "MiB/s",
    better: "more",
    baseline: "Python sendall",
    contenders: {
      "Python sendall": pythonTransfer,
      "weft": weftTransfer,
      "nc, no hash": ncTransfer,
    },
  },
];
