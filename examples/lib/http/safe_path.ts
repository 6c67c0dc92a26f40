/**
 * From the path of a request to a file below a folder, and to no other.
 *
 * The path is cut at its slashes first and decoded afterwards, so that an encoded slash can't make a step
 * of its own. Steps that go up are refused and not resolved: a client resolves them itself, and who sends
 * them tries something. Where links lead is asked of the host, and counts.
 */
import { HttpError } from "./status.ts";

const SEPARATOR = Deno.build.os === "windows" ? "\\" : "/";

/** Names that are made here and nobody else's business: bodies that are not whole yet. */
export const PART_PREFIX = ".weft-part-";

/**
 * The steps of a path, decoded; an empty last one means a folder.
 *
 * @throws {HttpError} 400 if it is not well encoded, 404 if it leads to nothing that we show.
 */
export function stepsOf(path: string): string[] {
  const steps = path.slice(1).split("/").map(decodeStep);
  for (const [i, step] of steps.entries()) {
    if (step === "" && i === steps.length - 1) continue;
    if (step === "" || step === "." || step === ".." || step.startsWith(PART_PREFIX)) {
      throw notFound();
    }
  }
  return steps;
}

function decodeStep(step: string): string {
  let text: string;
  try {
    text = decodeURIComponent(step);
  } catch {
    throw new HttpError(400, "The path is not well encoded");
  }
  // deno-lint-ignore no-control-regex -- they are what is looked for
  if (/[/\\\0-\x1f\x7f]/.test(text)) throw new HttpError(400, "The path has a character too many");
  return text;
}

/** The answer where there is nothing to see, for whatever reason. */
export function notFound(): HttpError {
  return new HttpError(404, "Not Found");
}

/** A folder below which files are looked up. */
export class Root {
  readonly #real: string;

  private constructor(real: string) {
    this.#real = real;
  }

  /** The folder at `path`; throws if there is none. */
  static open(path: string): Root {
    const real = Deno.realPathSync(path);
    if (!Deno.statSync(real).isDirectory) throw new Error("it is no directory");
    return new Root(real);
  }

  /** The place that steps lead to, links not followed. */
  join(steps: readonly string[]): string {
    return [this.#real, ...steps].join(SEPARATOR);
  }

  /** Where a place really is, if that is below the folder. */
  async resolve(place: string): Promise<string> {
    const real = await found(Deno.realPath(place));
    const prefix = this.#real.endsWith(SEPARATOR) ? this.#real : this.#real + SEPARATOR;
    if (real !== this.#real && !real.startsWith(prefix)) throw notFound();
    return real;
  }
}

/** Waits for an answer of the host; whatever it cannot give counts as not there. */
export async function found<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (isMissing(error)) throw notFound();
    throw error;
  }
}

/** Whether the host says that there is nothing, or nothing that we may see. */
function isMissing(error: unknown): boolean {
  const { errors } = Deno;
  if (
    error instanceof errors.NotFound || error instanceof errors.NotADirectory ||
    error instanceof errors.IsADirectory || error instanceof errors.PermissionDenied ||
    error instanceof errors.NotCapable || error instanceof errors.FilesystemLoop
  ) return true;
  return error instanceof Error && "code" in error && error.code === "ENAMETOOLONG";
}
