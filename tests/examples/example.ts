/**
 * Examples as processes of their own, run with the permissions that their head comment says they need.
 */
import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async/deadline";

const ROOT = new URL("../../", import.meta.url);

/** What an example says that lacks a permission. */
export const ONE_LINE_WITH_FLAG = /^[^\n]* --allow-[a-z][^\n]*\n$/;

/** Longer than any example runs, with room for a busy machine. */
export const LIMIT_MS = 30_000;

/** How an example ended. */
export interface Ended {
  /** Its exit code. */
  code: number;
  /** What it printed. */
  out: string;
  /** What it complained about. */
  err: string;
}

/** The names of all examples, without `.ts`. */
export function exampleNames(): string[] {
  return [...Deno.readDirSync(new URL("examples/", ROOT))]
    .filter((entry) => entry.isFile && entry.name.endsWith(".ts"))
    .map((entry) => entry.name.slice(0, -3))
    .sort();
}

/**
 * The flags that the head comment of an example says it needs: those of the command there that has most
 * in common with `args`. Throws if there is no command.
 */
export function statedFlags(name: string, args: readonly string[]): string[] {
  const text = Deno.readTextFileSync(new URL(`examples/${name}.ts`, ROOT));
  const head = text.slice(0, text.indexOf("*/"));
  const commands = [...head.matchAll(/^ \* {5}deno run (.*)$/gm)].map((match) =>
    match[1]!.split(/ +/)
  );
  const inCommon = (words: string[]) => args.filter((arg) => words.includes(arg)).length;
  commands.sort((a, b) => inCommon(b) - inCommon(a));
  const program = commands[0]?.indexOf(`examples/${name}.ts`) ?? -1;
  if (program < 0) throw new Error(`The head of examples/${name}.ts has no command`);
  return commands[0]!.slice(0, program);
}

function command(
  name: string,
  args: readonly string[],
  stdin: "null" | "piped",
  flags: readonly string[] = statedFlags(name, args),
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-check"],
      ...flags,
      `examples/${name}.ts`,
      ...args,
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

/** How an example is run. */
export interface RunOptions {
  /** After so many milliseconds it is killed, and that throws. */
  limitMs?: number;
  /** What comes on its stdin. */
  input?: string | Uint8Array;
  /** The flags of `deno run`; as a rule those it says it needs. */
  flags?: readonly string[];
}

/** Runs an example until it ends. */
export async function runExample(
  name: string,
  args: readonly string[] = [],
  { limitMs = 15_000, input, flags }: RunOptions = {},
): Promise<Ended> {
  const child = command(name, args, input === undefined ? "null" : "piped", flags).spawn();
  const ended = child.output();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  }
  try {
    const { code, stdout, stderr } = await deadline(ended, limitMs);
    const text = new TextDecoder();
    return { code, out: text.decode(stdout), err: text.decode(stderr) };
  } catch (error) {
    child.kill("SIGKILL");
    await ended;
    throw error;
  }
}

const outputs = new Map<string, Promise<string>>();

/**
 * What an example prints that is called without arguments, with the permissions that it states. It must end
 * well, without a complaint. Each runs once, however many laws look at what it says.
 */
export function outputOf(name: string): Promise<string> {
  let output = outputs.get(name);
  if (output === undefined) {
    output = runExample(name, [], { limitMs: LIMIT_MS }).then(({ code, out, err }) => {
      assertEquals({ code, err }, { code: 0, err: "" });
      assert(out.trim() !== "", "it says nothing");
      return out;
    });
    outputs.set(name, output);
  }
  return output;
}

/** A program that serves until it gets a signal, as a child process. */
export class Server implements AsyncDisposable {
  /** What it printed first behind `listening on `: `HOST:PORT`, or a path. */
  readonly where: string;
  readonly #child: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #firstLine: string;
  #ended: Promise<Ended> | null = null;

  private constructor(
    child: Deno.ChildProcess,
    reader: ReadableStreamDefaultReader<string>,
    firstLine: string,
  ) {
    this.#child = child;
    this.#reader = reader;
    this.#firstLine = firstLine;
    this.where = firstLine.slice("listening on ".length, firstLine.indexOf("\n"));
  }

  /** Starts an example and waits until it says that it is ready. */
  static start(name: string, ...args: string[]): Promise<Server> {
    return Server.of(command(name, args, "null"));
  }

  /** Starts any program and waits until it says that it is ready. */
  static async of(command: Deno.Command): Promise<Server> {
    const child = command.spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let line = "";
    try {
      while (!line.includes("\n")) {
        const { value, done } = await deadline(reader.read(), 10_000);
        if (done) break;
        line += value;
      }
      if (!/^listening on .+\n/.test(line)) throw new Error(`Its first words were "${line}"`);
    } catch (error) {
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
      throw new Error(`The server did not start: ${await new Response(child.stderr).text()}`, {
        cause: error,
      });
    }
    return new Server(child, reader, line);
  }

  /** The port that it listens on. */
  get port(): number {
    return Number(/:(\d+)$/.exec(this.where)![1]);
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** The ports of all its ready lines, in their order; waits until there are `count`. */
  async ports(count: number): Promise<number[]> {
    while (this.#firstLine.split("\n").length <= count) {
      const { value, done } = await deadline(this.#reader.read(), 10_000);
      if (done) throw new Error(`It has only said "${this.#firstLine}"`);
      this.#firstLine += value;
    }
    return [...this.#firstLine.matchAll(/:(\d+)$/gm)].map(([, port]) => Number(port));
  }

  /** Its memory in bytes as the kernel counts it (Linux). */
  get residentBytes(): number {
    const status = Deno.readTextFileSync(`/proc/${this.#child.pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
  }

  /** Sends it a signal and waits until it has ended; kills it if it does not. */
  stop(signal: Deno.Signal = "SIGTERM"): Promise<Ended> {
    return this.#ended ??= this.#end(signal);
  }

  /** Stops it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(signal: Deno.Signal): Promise<Ended> {
    const child = this.#child;
    const err = new Response(child.stderr).text();
    try {
      child.kill(signal);
    } catch {
      // It has ended by itself; its exit code tells.
    }
    const killer = setTimeout(() => child.kill("SIGKILL"), 8000);
    let out = this.#firstLine;
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) break;
      out += value;
    }
    const { code } = await child.status;
    clearTimeout(killer);
    return { code, out, err: await err };
  }
}
