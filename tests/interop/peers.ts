/** Programs that not every machine has, and laws about them. */
import { law } from "../lib/law.ts";

const LIMIT_MS = 60_000;

/** The first of these that can be run; `null` if none can. */
export function firstThatRuns(...programs: string[]): string | null {
  for (const program of programs) {
    try {
      const version = program === "dig" ? "-v" : "--version";
      if (new Deno.Command(program, { args: [version] }).outputSync().success) return program;
    } catch {
      // Not there: the next one, perhaps.
    }
  }
  return null;
}

/** A law about programs; ignored where one of them is not there. */
export function lawWith(
  programs: (string | null)[],
  name: string,
  body: () => Promise<void>,
): void {
  if (programs.includes(null)) Deno.test.ignore(name, () => {});
  else law(name, body, LIMIT_MS);
}

/** Runs a program to its end; gives what it printed. Throws if it fails. */
export async function output(
  program: string,
  args: readonly string[],
  cwd?: URL,
): Promise<string> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    ...cwd === undefined ? {} : { cwd },
  });
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}
