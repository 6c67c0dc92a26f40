/** Laws that inject faults into system calls. */
import { law } from "./law.ts";

let known: boolean | undefined;

/** Registers a law that needs strace; left out by name where it is missing, or may not trace. */
export function lawWithStrace(name: string, body: () => Promise<void>, limitMs = 60_000): void {
  if (hasStrace()) law(name, body, limitMs);
  else Deno.test.ignore(`${name} (needs strace)`, () => {});
}

function hasStrace(): boolean {
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
