/** Whether faults can be injected into system calls here. */

let known: boolean | undefined;

/** Whether strace is installed and may trace. */
export function hasStrace(): boolean {
  if (known !== undefined) return known;
  try {
    const { success } = new Deno.Command("strace", {
      args: ["-f", "-o", "/dev/null", "-e", "inject=accept4:error=EPERM:when=1", "true"],
      stdout: "null",
      stderr: "null",
    }).outputSync();
    known = success;
  } catch {
    known = false;
  }
  return known;
}
