/**
 * The processes of a comparison: the server, and one cell at a time. Whatever becomes of the main
 * program, none of them is left: `stop` kills and awaits them, and the server also ends by itself when
 * its stdin closes.
 */
import type { Runner } from "./compare.ts";
import type { CellOrder, Measured, Site } from "./plan.ts";

/** Starts and ends the processes. */
export class Children implements Runner, AsyncDisposable {
  readonly #running = new Set<Deno.ChildProcess>();
  #stopped = false;

  /** Starts the server; gives its two ports. */
  async startServer(): Promise<Omit<Site, "rounds">> {
    const server = this.#start("server.ts", [], {
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    for await (const line of server.stdout.pipeThrough(new TextDecoderStream())) {
      return JSON.parse(line);
    }
    return await this.#unlessStopped("The server did not start");
  }

  /**
   * Runs a cell.
   *
   * @throws {Error} If it fails or takes too long.
   */
  async runCell(order: CellOrder): Promise<Measured> {
    const { workload, engine, tasks, site } = order;
    if (this.#stopped) return await never();
    const cell = this.#start("cell.ts", [JSON.stringify(order)], {
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    // Far more than any engine needs: a hang is what this catches.
    const limitMs = 60_000 + 100 * tasks * site.rounds;
    const limit = setTimeout(() => kill(cell), limitMs);
    const { success, stdout, stderr } = await cell.output();
    clearTimeout(limit);
    if (success) return JSON.parse(new TextDecoder().decode(stdout));
    const said = new TextDecoder().decode(stderr).trim() || `killed after ${limitMs / 1000} s`;
    return await this.#unlessStopped(`${workload} on ${engine} failed: ${said}`);
  }

  /** Kills what is still running, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const running = [...this.#running];
    running.forEach(kill);
    await Promise.all(running.map((child) => child.status));
  }

  /** Kills what is still running, and waits until it is gone. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #start(program: string, args: string[], options: Deno.CommandOptions): Deno.ChildProcess {
    const path = new URL(program, import.meta.url).href;
    const child = new Deno.Command(Deno.execPath(), {
      ...options,
      args: ["run", "--quiet", "--allow-all", path, ...args],
    }).spawn();
    this.#running.add(child);
    child.status.then(() => this.#running.delete(child));
    return child;
  }

  /** A child that ended because it was stopped has not failed: the code that stopped it ends the program. */
  #unlessStopped(failure: string): Promise<never> {
    if (this.#stopped) return never();
    return Promise.reject(new Error(failure));
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}
