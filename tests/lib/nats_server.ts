/**
 * A NATS server of a test's own: on a free port of the loopback, with a folder of its own, and gone when
 * the test is through. Its port is chosen by the server and then kept, so that it can be killed and
 * started again where clients look for it.
 */
import { surviveResets } from "../../src/cluster/link/socket_guard.ts";
import { law } from "./law.ts";

surviveResets(); // for bare clients of the tests, too

const PROGRAM = "nats-server";

/** Whether the program is there. */
export const hasNatsServer: boolean = await isInstalled();

/** How a server is to be. */
export interface ServerOptions {
  /** Whether it has JetStream. @default {true} */
  jetstream?: boolean;
  /** Lines for its configuration file. */
  config?: string;
  /** More of its flags. */
  flags?: readonly string[];
}

/** A law that needs the server; without the program it is left out, by name. */
export function serverLaw(name: string, body: () => unknown, timeout?: number): void {
  if (hasNatsServer) law(name, body, timeout);
  else Deno.test.ignore(`${name} (needs ${PROGRAM})`, () => {});
}

/** One server, and what can be done to it. */
export class NatsServer implements AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  readonly #folder: string;
  readonly #args: readonly string[];
  #child: Deno.ChildProcess | null = null;

  private constructor(folder: string, port: number, args: readonly string[]) {
    this.#folder = folder;
    this.port = port;
    this.#args = args;
  }

  /** Starts one, and waits until it listens. */
  static async start(options: ServerOptions = {}): Promise<NatsServer> {
    const folder = await Deno.makeTempDir({ prefix: "weft_nats_" });
    const args = [...options.flags ?? []];
    if (options.jetstream !== false) args.push("-js", "-sd", `${folder}/store`);
    if (options.config !== undefined) {
      await Deno.writeTextFile(`${folder}/nats.conf`, options.config);
      args.push("-c", `${folder}/nats.conf`);
    }
    const first = spawn(["-p", "-1", "--ports_file_dir", folder, ...args], folder);
    const server = new NatsServer(folder, await portOf(folder, first), args);
    server.#child = first;
    return server;
  }

  /** Its address, for `servers`. */
  get url(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Where it keeps the streams of its one account. */
  get streams(): string {
    return `${this.#folder}/store/jetstream/$G/streams`;
  }

  /** Its process. */
  get pid(): number {
    if (this.#child === null) throw new Error("the server does not run");
    return this.#child.pid;
  }

  /** What it has written to its log. */
  async log(): Promise<string> {
    return await Deno.readTextFile(`${this.#folder}/log`);
  }

  /** Ends its process and waits until it is gone. */
  async stop(signal: Deno.Signal = "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    child.kill(signal);
    await child.status;
  }

  /** Has it sleep (`SIGSTOP`), or go on (`SIGCONT`). */
  signal(signal: Deno.Signal): void {
    this.#child?.kill(signal);
  }

  /** Starts it again, on the same port with the same store. */
  async restart(): Promise<void> {
    await this.stop();
    this.#child = spawn(["-p", String(this.port), ...this.#args], this.#folder);
    await until(() => canConnect(this.port), "the server listens again");
  }

  /** Ends it and removes all it has stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child?.kill("SIGCONT");
    await this.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function spawn(args: readonly string[], folder: string): Deno.ChildProcess {
  return new Deno.Command(PROGRAM, {
    args: ["-a", "127.0.0.1", "-l", `${folder}/log`, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** The server writes the port it has chosen into a file. */
async function portOf(folder: string, child: Deno.ChildProcess): Promise<number> {
  const file = `${folder}/${PROGRAM}_${child.pid}.ports`;
  let port = 0;
  await until(async () => {
    const text = await Deno.readTextFile(file).catch(() => "");
    const found = /"nats":\s*\[\s*"(?:nats|tls):\/\/[^"]*:(\d+)"/.exec(text);
    port = found === null ? 0 : Number(found[1]);
    return port > 0 && await canConnect(port);
  }, "the server says where it listens");
  return port;
}

async function canConnect(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

/** Asks again and again; for what happens in another process, where no clock of ours is of use. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 15_000,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function isInstalled(): Promise<boolean> {
  try {
    return (await new Deno.Command(PROGRAM, { args: ["--version"], stdout: "null" }).output())
      .success;
  } catch {
    return false;
  }
}
