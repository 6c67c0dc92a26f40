/**
 * What a job's module was, as a number: the same on both sides, or a node does not run the job.
 *
 * Of a local module it is the text of its file that counts, and not what that imports: to follow the
 * imports would mean to load a compiler. So those who change only what a job's module imports must change
 * something in that module too, if old nodes are not to run new jobs. A module from elsewhere is known by
 * its URL, which names a version where that matters. It is no protection: those who may publish jobs may
 * write any hash. What protects is that a node runs nothing but the functions it was started with.
 *
 * Read once for a URL, and synchronously: `submit` gives a future at once, and refuses at once.
 */
import { createHash } from "node:crypto";
import { messageText, printable } from "../../kernel/printable.ts";

const known = new Map<string, string>();

/**
 * The hash of a module: 32 hexadecimal digits.
 *
 * @throws {TypeError} If it is a file that cannot be read.
 */
export function moduleHash(url: string): string {
  let hash = known.get(url);
  if (hash === undefined) known.set(url, hash = hashOf(contentOf(url)));
  return hash;
}

function contentOf(url: string): Uint8Array | string {
  if (!url.startsWith("file:")) return url;
  try {
    return Deno.readFileSync(new URL(url));
  } catch (error) {
    throw new TypeError(`Cannot use ${printable(url)} in a cluster: ${whyNot(error)}`, {
      cause: error,
    });
  }
}

function whyNot(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.NotCapable) return "reading its text needs --allow-read";
  return `its text cannot be read: ${printable(messageText(error))}`;
}

function hashOf(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 32);
}
