/**
 * The parts: files that are not whole yet. A part belongs to one name, size and hash, which its own name is
 * made of; so another version of a file, or another file, never goes on with it, and a restarted server
 * finds it again. While an upload has it, a second one of the very same content gets a part of its own.
 */
import type { Hash } from "node:crypto";
import { wait } from "@weft/weft";
import { CHUNK, type Header, newHash } from "./wire.ts";

/** The parts that are being written now, by path. */
const taken = new Set<string>();

/** One file that is being received. */
export class Part {
  /** How many bytes of it are there. */
  size: number;
  readonly #of: { folder: string; header: Header };
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #hash: Hash;

  private constructor(
    of: { folder: string; header: Header },
    path: string,
    file: Deno.FsFile,
    size: number,
    hash: Hash,
  ) {
    this.#of = of;
    this.#path = path;
    this.#file = file;
    this.size = size;
    this.#hash = hash;
  }

  /** Opens the part of a file, with what is there of it. */
  static async *open(folder: string, header: Header): AsyncGenerator<unknown, Part, unknown> {
    const path = take(folder, header);
    let file: Deno.FsFile | null = null;
    try {
      // Not waited for: a cancel would leave a file open that nobody knows.
      file = openFile(path);
      const hash = newHash();
      let size = 0;
      const buffer = new Uint8Array(CHUNK);
      for (let n; (n = yield* wait(file.read(buffer))) !== null; size += n) {
        hash.update(buffer.subarray(0, n));
      }
      if (size <= header.size) return new Part({ folder, header }, path, file, size, hash);
      // Longer than the file: whatever that is, it is not the beginning of it.
      yield* wait(file.truncate(0));
      yield* wait(file.seek(0, Deno.SeekMode.Start));
      return new Part({ folder, header }, path, file, 0, newHash());
    } catch (error) {
      file?.close();
      taken.delete(path);
      throw error;
    }
  }

  /** Appends bytes. */
  async *append(bytes: Uint8Array): AsyncGenerator<unknown, void, unknown> {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length;) {
      at += yield* wait(this.#file.write(bytes.subarray(at)));
    }
    this.size += bytes.length;
  }

  /** The hash of what is there; nothing can be appended any more. */
  digest(): string {
    return this.#hash.digest("hex");
  }

  /** Moves it, whole, to where it belongs. A program that reads there sees the old file or the new one. */
  async *publish(path: string): AsyncGenerator<unknown, void, unknown> {
    yield* wait(Deno.rename(this.#path, path));
    // Parts of the same content, of uploads side by side that were cut, are of no more use.
    const { folder, header } = this.#of;
    for (const path of partPaths(folder, header)) {
      if (taken.has(path)) continue;
      try {
        yield* wait(Deno.remove(path));
      } catch {
        return; // there are no more
      }
    }
  }

  /** Throws it away. */
  async *discard(): AsyncGenerator<unknown, void, unknown> {
    yield* wait(Deno.remove(this.#path));
  }

  /** Lets go of it; what is there stays. */
  [Symbol.dispose](): void {
    this.#file.close();
    taken.delete(this.#path);
  }
}

/** The paths of the parts of one content: as many as there are uploads of it side by side. */
function* partPaths(folder: string, { name, size, sha256 }: Header): Generator<string, never> {
  const key = newHash().update(JSON.stringify([name, size, sha256])).digest("hex").slice(0, 40);
  yield `${folder}/${key}.part`;
  for (let i = 1;; i++) yield `${folder}/${key}-${i}.part`;
}

/** Takes the first of them that nobody has. */
function take(folder: string, header: Header): string {
  const paths = partPaths(folder, header);
  let path = paths.next().value;
  while (taken.has(path)) path = paths.next().value;
  taken.add(path);
  return path;
}

function openFile(path: string): Deno.FsFile {
  return Deno.openSync(path, { read: true, write: true, create: true });
}
