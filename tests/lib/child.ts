/** Running a program in a process of its own: for what only an exit code can tell. */

const root = new URL("../../", import.meta.url);

/** How a child process ended. */
export interface Ended {
  /** Its exit code, or -1 when it had to be stopped after the limit. */
  code: number;
  /** What it printed. */
  stdout: string;
  /** What it complained about. */
  stderr: string;
}

/** Runs a program text with the package at hand, and waits until it ends by itself; `rights` are flags. */
export async function runProgram(
  text: string,
  limitMs = 15_000,
  rights: readonly string[] = ["-A"],
): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...rights, "--quiet", "--no-check", "--ext=ts", "-"],
    cwd: root,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, limitMs);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return {
    code: late ? -1 : code,
    stdout: decoder.decode(stdout).trim(),
    stderr: decoder.decode(stderr).trim(),
  };
}
