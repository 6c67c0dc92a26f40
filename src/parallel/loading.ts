/**
 * Whether this realm is a worker that is loading the module of a job.
 *
 * A program that makes a pool and submits to it at its top level, in the very file its jobs live in,
 * would do so again in each worker that loads the file, whose workers would do the same, and so on. So
 * nothing may be submitted meanwhile.
 */

let depth = 0;

/** Marks the time until `module` is loaded. */
export async function whileLoading<T>(module: Promise<T>): Promise<T> {
  depth++;
  try {
    return await module;
  } finally {
    depth--;
  }
}

/** Whether a worker is loading the code that asks. */
export function isLoading(): boolean {
  return depth > 0;
}

/** The error for code that wants to `verb` something meanwhile. */
export function loadingError(verb: string): Error {
  return new Error(
    `Cannot ${verb}: a worker is only loading this module to find a job in it; ` +
      `put the main program under "if (import.meta.main)"`,
  );
}
