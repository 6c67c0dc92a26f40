/**
 * The processes of a comparison that is watched: the server, and one engine at a time. All of them end when
 * their stdin closes, and so with this process, however it ends.
 */
import type { Measured, Site } from "../throughput/plan.ts";
import type { CellLine, ShownCellOrder } from "./cell_child.ts";

/** Starts and ends the processes. */
export class Cells implements AsyncDisposable {
  readonly #running = new Set<Deno.ChildProcess>();

  /** Starts the server that the tasks talk to; gives its ports. */
  async startServer(): Promise<Omit<Site, "rounds">> {
    for await (const line of linesOf(this.#start("../throughput/server.ts", []))) {
      return JSON.parse(line);
    }
    throw new Error("The server of the tasks did not start");
  }

  /** Does the tasks on one engine; tells of each round. */
  async runCell(order: ShownCellOrder, onLine: (line: CellLine) => void): Promise<Measured> {
    const cell = this.#start("cell_child.ts", [JSON.stringify(order)]);
    const complaint = new Response(cell.stderr).text();
    let measured: Measured | null = null;
    for await (const text of linesOf(cell)) {
      const line: CellLine = JSON.parse(text);
      if (line.kind === "end") measured = line.measured;
      onLine(line);
    }
    const said = (await complaint).trim();
    if (measured !== null) return measured;
    throw new Error(
      `${order.workload} on ${order.engine} failed: ${said.split("\n")[0] || "it was killed"}`,
    );
  }

  /** Kills what is still running. */
  kill(): void {
    for (const child of this.#running) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
    }
  }

  /** Kills what is still running, and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await Promise.all([...this.#running].map((child) => child.status));
  }

  #start(program: string, args: string[]): Deno.ChildProcess {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-check",
        "--allow-all",
        new URL(program, import.meta.url).href,
        ...args,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#running.add(child);
    child.status.then(() => this.#running.delete(child));
    return child;
  }
}

/** The lines that a process prints. */
export async function* linesOf(child: Deno.ChildProcess): AsyncGenerator<string> {
  let rest = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
