/** A NATS server for an example: on a free port of this machine, with a folder of its own, until the end. */

/** The program; `apt-get install nats-server`, or nats.io. */
export const PROGRAM = "nats-server";

/** A server that runs. */
export interface Server extends AsyncDisposable {
  /** Where it listens. */
  readonly url: string;
}

/** Starts one; `null` if it is not installed. */
export async function startServer(): Promise<Server | null> {
  const folder = await Deno.makeTempDir({ prefix: "weft_cluster_" });
  const child = spawn(folder);
  if (child === null) {
    await Deno.remove(folder, { recursive: true });
    return null;
  }
  // Without a number of its own, the server takes a free port and writes down which.
  const url = await addressFrom(`${folder}/${PROGRAM}_${child.pid}.ports`);
  return {
    url,
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function spawn(folder: string): Deno.ChildProcess | null {
  try {
    return new Deno.Command(PROGRAM, {
      args: ["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", folder, "-js", "-sd", folder],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function addressFrom(file: string): Promise<string> {
  for (let tries = 0; tries < 500; tries++) {
    const text = await Deno.readTextFile(file).catch(() => "");
    const port = /nats:\/\/[^"]*:(\d+)/.exec(text)?.[1];
    if (port !== undefined) return `127.0.0.1:${port}`;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${PROGRAM} does not say where it listens`);
}
