/**
 * Programs that not every machine has, and laws that need them: left out by name where one is missing, and
 * counted as ignored. `.ci/run` installs every program that is asked for here, so that it leaves out none.
 */
import { law } from "./law.ts";

const LIMIT_MS = 60_000;

/** How a program is asked whether it is there, where `--version` does not do. */
const QUESTIONS: Readonly<Record<string, readonly string[]>> = { dig: ["-v"], nc: ["-h"] };

/** What its answer must hold: not every `nc` can close its sending side, with `-N`. */
const ANSWERS: Readonly<Record<string, RegExp>> = { nc: /\[-\w*N/ };

const known = new Map<string, boolean>();

/** Whether a program can be run. */
export function hasProgram(program: string): boolean {
  let isThere = known.get(program);
  if (isThere === undefined) known.set(program, isThere = answers(program));
  return isThere;
}

function answers(program: string): boolean {
  try {
    const args = [...QUESTIONS[program] ?? ["--version"]];
    const { success, stdout, stderr } = new Deno.Command(program, { args }).outputSync();
    const text = new TextDecoder();
    const said = text.decode(stdout) + text.decode(stderr);
    return success && (ANSWERS[program]?.test(said) ?? true);
  } catch {
    return false;
  }
}

/** The first of these that can be run; of none, the first: laws that need it are left out. */
export function firstThatRuns(...programs: [string, ...string[]]): string {
  return programs.find(hasProgram) ?? programs[0];
}

/** A law about programs; left out, with what is missing in its name, where one of them is not there. */
export function lawWith(
  programs: readonly string[],
  name: string,
  body: () => Promise<void>,
  limitMs: number = LIMIT_MS,
): void {
  const missing = programs.filter((program) => !hasProgram(program));
  if (missing.length === 0) law(name, body, limitMs);
  else Deno.test.ignore(`${name} (needs ${missing.join(", ")})`, () => {});
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
