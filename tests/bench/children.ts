/**
 * The processes that a benchmark is made of: peers, each of which does one work and says what it
 * took, servers, and the load client that asks them.
 *
 * Every sample is a fresh process. It costs its start, which isn't measured, and saves the doubt
 * whether one sample warmed the compiled code, or littered the memory, for the next.
 */
import { Absent } from "./harness.ts";

/** A program and its first arguments. */
export type Command = readonly string[];

/** Finds out how a peer is called; throws {@linkcode Absent} if it is not there. */
export type Peer = () => Promise<Command>;

/** A child that takes longer than this hangs. */
const LIMIT_MS = 120_000;
/** What a peer exits with if it doesn't know the work it is asked for. */
const UNKNOWN_WORK = 2;

const here = import.meta.dirname!;
const text = new TextDecoder();

/** Calls `make` once and keeps what came out, be it an error. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

/** Starts a program; one that isn't installed is absent. */
function start(command: Command, stdin: "piped" | "null"): Deno.ChildProcess {
  const [program, ...args] = command;
  try {
    return new Deno.Command(program!, { args, stdin, stdout: "piped", stderr: "piped" }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Absent(`${program} is not installed`);
    throw error;
  }
}

/** Kills a child that is still there after the limit. */
function limit(child: Deno.ChildProcess): Disposable {
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Throws the error that a child's end stands for. */
function refuse(command: Command, code: number, stderr: string): never {
  const said = stderr.trim().split("\n").at(-1) ?? "";
  if (code === UNKNOWN_WORK) throw new Absent(said.split(";")[0]!);
  throw new Error(`${command.join(" ")} ended with ${code}: ${said}`);
}

/** Runs a program to its end and gives what it printed. */
export async function output(command: Command): Promise<string> {
  const child = start(command, "null");
  using _limit = limit(child);
  const { code, stdout, stderr } = await child.output();
  if (code !== 0) refuse(command, code, text.decode(stderr));
  return text.decode(stdout);
}

/** What a peer answers: the work, n, and numbers by name. */
export type Answer = Readonly<Record<string, unknown>>;

/** Runs a peer to its end and gives its answer. */
export async function answer(peer: Peer, work: string, n: number): Promise<Answer> {
  const said = await output([...await peer(), work, String(n)]);
  return JSON.parse(said.trim().split("\n").at(-1)!) as Answer;
}

/** Takes a number out of an answer. */
export function numberOf(answer: Answer, ...names: string[]): number {
  const value = names.map((name) => answer[name]).find((one) => typeof one === "number");
  if (value === undefined) throw new Error(`${JSON.stringify(answer)} has no ${names.join(", ")}`);
  return value as number;
}

/** Runs a peer to its end and takes one number out of its answer. */
export async function ask(peer: Peer, work: string, n: number): Promise<number> {
  return numberOf(await answer(peer, work, n), "ns_per_op", "bytes_per_task");
}

/** What the load client found out about a server. */
export interface LoadReport {
  readonly messagesPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly serverCpuUs: number | null;
}

/** What a stream says up to the end of its first line. */
async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let said = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    said += piece;
    if (said.includes("\n")) break;
  }
  return said;
}

/** Starts a server, sends it load, stops it. */
export async function askServer(
  peer: Peer,
  work: string,
  load: readonly string[],
): Promise<LoadReport> {
  const command = [...await peer(), work, "0"];
  const server = start(command, "piped");
  using _limit = limit(server);
  const stderr = new Response(server.stderr).text();
  const port = /^listening (\d+)\n/.exec(await firstLine(server.stdout))?.[1];
  try {
    if (port === undefined) refuse(command, (await server.status).code, await stderr);
    const client = [...plainDeno("load.ts"), "--port", port, "--pid", String(server.pid), ...load];
    return JSON.parse(await output(client)) as LoadReport;
  } finally {
    await server.stdin.close().catch(() => {}); // it may have ended already
    await server.status;
    await stderr;
  }
}

/**
 * Starts a program that serves until it gets SIGTERM and says `listening on HOST:PORT`, or whose port is known
 * and which is there when something answers, or which says nothing at all (`null`); gives what `use`
 * finds out.
 */
export async function served(
  command: Command,
  use: (port: number) => Promise<number>,
  known?: number | null,
): Promise<number> {
  const server = start(command, "null");
  using _limit = limit(server);
  const stderr = new Response(server.stderr).text();
  try {
    if (known === undefined) {
      const port = /^listening on .*:(\d+)\n/.exec(await firstLine(server.stdout))?.[1];
      if (port === undefined) refuse(command, (await server.status).code, await stderr);
      return await use(Number(port));
    }
    await server.stdout.cancel();
    if (known !== null) await answers(known);
    return await use(known ?? 0);
  } finally {
    try {
      server.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await server.status;
    await stderr;
  }
}

/** Waits until something takes connections on a port. */
async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error(`Nobody listens on port ${port}`);
}

function plainDeno(file: string): Command {
  return [Deno.execPath(), "run", "-A", `${here}/${file}`];
}

/** A peer that Deno runs. */
export function script(file: string): Peer {
  return once(async () => {
    await Deno.stat(`${here}/${file}`).catch(() => {
      throw new Absent(`no ${file}`);
    });
    return plainDeno(file);
  });
}

/**
 * A Python that can import a module: the one in the path, or the system's. Called by the name that it
 * has for itself, so that no wrapper script starts it and is measured.
 */
export function python(module: string, file: string): Peer {
  return once(async () => {
    for (const program of ["python3", "/usr/bin/python3"]) {
      try {
        const found = await output([program, "-c", `import ${module}, sys; print(sys.executable)`]);
        return [found.trim(), "-B", `${here}/peers/${file}`];
      } catch {
        // The next one may have it.
      }
    }
    throw new Absent(`no python3 that has ${module}`);
  });
}

/** Folders in which peers were built, to be removed. */
const workshops: string[] = [];

/** A new folder to build a peer in. */
export async function workshop(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "weft-bench-" });
  workshops.push(folder);
  return folder;
}

/** The peers by name. */
export const peers = {
  plain: script("peers/plain_peer.ts"),
  weft: script("weft_peer.ts"),
  effection: script("peers/effection_peer.ts"),
  gevent: python("gevent", "gevent_peer.py"),
  asyncio: python("asyncio", "asyncio_peer.py"),
  select: python("select", "select_peer.py"),
  go: once(async () => {
    const folder = await workshop();
    await output(["go", "build", "-o", `${folder}/go_peer`, `${here}/peers/go_peer.go`]);
    return [`${folder}/go_peer`];
  }),
} satisfies Record<string, Peer>;

/** What else was measured here, and on what. */
export async function describeMachine(): Promise<Record<string, string | number>> {
  const version = async (peer: Peer, ...args: string[]): Promise<string> => {
    try {
      const [program] = await peer();
      return (await output([program!, ...args])).trim();
    } catch {
      return "absent";
    }
  };
  return {
    os: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    processors: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    python: await version(peers.asyncio, "--version"),
    gevent: await version(peers.gevent, "-c", "import gevent; print(gevent.__version__)"),
    go: await version(() => Promise.resolve(["go"]), "version"),
    node: await version(() => Promise.resolve(["node"]), "--version"),
  };
}

/** Removes what was built. */
export async function cleanUp(): Promise<void> {
  for (const folder of workshops.splice(0)) await Deno.remove(folder, { recursive: true });
}
