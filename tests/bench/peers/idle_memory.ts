/** How much resident memory an idle connection takes at a server, in the server's own process. */

/** How long the memory is given to settle, in milliseconds. */
const SETTLE_MS = 300;
/** Connections that come and go first, so that what is there once for all of them is there. */
const WARM = 200;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));

/** Has other processes hold connections to `port`; prints what each of `n` took, and ends the process. */
export async function measureIdle(work: string, port: number, n: number): Promise<never> {
  await hold(port, WARM, pause);
  const before = Deno.memoryUsage().rss;
  await hold(port, n, async () => {
    await pause();
    const bytes = (Deno.memoryUsage().rss - before) / n;
    console.log(JSON.stringify({ work, n, bytes_per_task: bytes }));
  });
  Deno.exit(0);
}

/** Has a process hold `n` connections to `port` while `f` runs. */
async function hold(port: number, n: number, f: () => Promise<void>): Promise<void> {
  const file = `${import.meta.dirname!}/idle_clients.ts`;
  const clients = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", file, String(port), String(n)],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = clients.stdout.getReader();
  await reader.read();
  await f();
  await clients.stdin.close();
  await reader.cancel();
  await clients.status;
}
