/** A file that processes write down what they did in: the one thing both kinds can do alike. */

/** Calls `body` with the path of an empty file, which is removed afterwards. */
export async function withNotes<T>(body: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile();
  try {
    return await body(path);
  } finally {
    await Deno.remove(path);
  }
}

/** Waits until the file has a text in it. */
export async function untilNoted(path: string, text: string): Promise<void> {
  while (!Deno.readTextFileSync(path).includes(text)) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
