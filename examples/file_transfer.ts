/**
 * Upload of files: a frame with a JSON header (name, size, hash), then the bytes. Watch what TCP leaves to
 * the program: where a message ends (the length in front), whether what came is what was sent (the hash), and
 * that an upload which was cut goes on from where it stopped, for what has come is kept as a `*.part`. A
 * file appears under its name only when it is whole (`lib/transfer/`).
 *
 *     deno run --allow-net --allow-read --allow-write examples/file_transfer.ts
 *     deno run --allow-net --allow-read --allow-write examples/file_transfer.ts serve --port 7000 --dir /tmp/in
 *     deno run --allow-net --allow-read examples/file_transfer.ts send --port 7000 big.iso
 */
import { connect, readJson, run, StreamServer, writeJson } from "@weft/weft";
import { type Given, mustHave, readArgs, refuse } from "./lib/cli.ts";
import { checkPort, isHostError, openOrRefuse, serve, show } from "./lib/serve.ts";
import { transferBar } from "./lib/transfer/bar.ts";
import { receiveInto } from "./lib/transfer/receive.ts";
import { sendFile, TransferError } from "./lib/transfer/send.ts";
import { newHash } from "./lib/transfer/wire.ts";

/** How long a client may send nothing, in milliseconds. */
const IDLE_MS = 60_000;

const given = readArgs(
  `Upload of files, checked at the end, and resumed where it was cut.

  deno run --allow-net --allow-read --allow-write examples/file_transfer.ts
      tests itself and ends
  … file_transfer.ts serve --port N --dir DIR
      keeps what is sent in DIR, until SIGINT or SIGTERM; port 0 takes a free one
  … file_transfer.ts send --port N FILE
      sends FILE; ends with exit code 0 when the server has it

  --hostname HOST  the server's address (127.0.0.1)`,
  { string: { hostname: "127.0.0.1", dir: "" }, number: { port: -1 }, words: ["serve", "send"] },
);
const { hostname } = given.string as { hostname: string };

switch (given.words[0]) {
  case undefined:
    await tryAll();
    break;
  case "serve":
    await serveFolder(given);
    break;
  case "send":
    await send(given);
    break;
  default:
    refuse(`Unknown command "${given.words[0]}"; choose one of serve, send`);
}

function makeServer(port: number, folder: string): StreamServer {
  return openOrRefuse(
    show({ hostname, port }),
    () => new StreamServer(receiveInto(folder), { hostname, port, idleTimeout: IDLE_MS }),
  );
}

async function serveFolder({ string, number, words }: Given): Promise<void> {
  if (words.length > 1) refuse(`Unexpected argument "${words[1]}"; see --help`);
  if (string.dir === "") refuse("Command serve needs --dir");
  const folder = usableFolder(string.dir!);
  const port = Math.max(checkPort(number.port!), 0);
  await run(async function* () {
    yield* serve([makeServer(port, folder)], null);
  });
}

/** The folder, if files can be kept there. */
function usableFolder(folder: string): string {
  try {
    Deno.statSync(folder);
    Deno.removeSync(Deno.makeTempFileSync({ dir: folder, suffix: ".part" }));
    return folder;
  } catch (error) {
    refuse(`Cannot use --dir ${JSON.stringify(folder)}: ${(error as Error).message}`);
  }
}

async function send({ string, number, words }: Given): Promise<void> {
  if (words.length !== 2) refuse("Command send needs one FILE");
  if (string.dir !== "") refuse("Option --dir is for serve");
  const port = checkPort(number.port!);
  if (port < 0) refuse("Command send needs --port");
  using file = openFile(words[1]!);
  const name = words[1]!.split(Deno.build.os === "windows" ? /[/\\]/ : "/").at(-1)!;
  await run(async function* () {
    try {
      using socket = yield* connect({ hostname, port });
      const began = performance.now();
      using bar = transferBar();
      const { offset, size } = yield* sendFile(socket, file, name, bar.progress);
      const seconds = (performance.now() - began) / 1000;
      const from = offset > 0 ? `, from byte ${offset} on` : "";
      console.log(`sent ${name}: ${size} bytes in ${seconds.toFixed(1)} s${from}`);
    } catch (error) {
      if (!(error instanceof TransferError) && !isHostError(error)) throw error;
      console.error(`Cannot send ${name}: ${error.message}`);
      Deno.exitCode = 1;
    }
  });
}

function openFile(path: string): Deno.FsFile {
  try {
    if (!Deno.statSync(path).isFile) refuse(`Cannot send ${JSON.stringify(path)}: it is no file`);
    return Deno.openSync(path);
  } catch (error) {
    refuse(`Cannot send ${JSON.stringify(path)}: ${(error as Error).message}`);
  }
}

/** Sends a file to a server of its own: cut in the middle, and then again. */
async function tryAll(): Promise<void> {
  mustHave("This example", "read", "write");
  const folder = await Deno.makeTempDir({ prefix: "weft-" });
  const bytes = new Uint8Array(3_000_000).map((_, i) => (i * 31 + (i >>> 8) * 7) & 0xff);
  const sha256 = newHash().update(bytes).digest("hex");
  try {
    await Deno.mkdir(`${folder}/in`);
    await Deno.writeFile(`${folder}/weft.bin`, bytes);
    await run(async function* () {
      const server = makeServer(0, `${folder}/in`);
      const { port } = server.address as Deno.NetAddr;
      yield* serve([server], async function* () {
        using cut = yield* connect({ hostname, port });
        yield* writeJson(cut, { name: "weft.bin", size: bytes.length, sha256 });
        yield* readJson(cut);
        yield* cut.sendAll(bytes.subarray(0, 1_000_000));
        cut.closeWrite();
        yield* cut.recv(); // the server closes it, too
        console.log("cut after 1000000 bytes");
        using file = openFile(`${folder}/weft.bin`);
        using socket = yield* connect({ hostname, port });
        const { offset } = yield* sendFile(socket, file, "weft.bin", () => {});
        console.log(`sent again, from byte ${offset} on`);
      });
    });
    const kept = await Deno.readFile(`${folder}/in/weft.bin`);
    const isRight = newHash().update(kept).digest("hex") === sha256;
    const files = [...Deno.readDirSync(`${folder}/in`)].length;
    console.log(`${files} file, and its hash is ${isRight ? "right" : "wrong"}`);
    if (!isRight) Deno.exitCode = 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
