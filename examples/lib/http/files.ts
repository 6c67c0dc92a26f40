/**
 * Files of a folder over HTTP: GET and HEAD with ranges and conditions, PUT by renaming, DELETE.
 *
 * A body that comes is written beside its place and renamed when it is whole, so that no reader ever sees
 * half of it, and a client that is cut off changes nothing. Whether the conditions of a PUT or DELETE hold
 * is asked twice: by its head, which spares a refused client the body, and again under a lock right before
 * the change, so that of two clients who want to replace the same version only one does.
 */
import { Lock, type Operation, shield, wait } from "@weft/weft";
import { judge, type Validators } from "./conditional.ts";
import { mediaTypeOf } from "./media_types.ts";
import type { BodyWriter, Reply } from "./reply.ts";
import { represent } from "./representation.ts";
import type { HttpRequest } from "./request.ts";
import { found, notFound, PART_PREFIX, type Root, stepsOf } from "./safe_path.ts";
import { HttpError } from "./status.ts";

/** How much of a file is read at a time. */
const PIECE = 64 << 10;
const METHODS = "GET, HEAD, PUT, DELETE, OPTIONS";

/** What a file is told from its other versions by. A new file in its place has another number. */
function validatorsOf(info: Deno.FileInfo): Validators {
  const modified = info.mtime?.getTime() ?? 0;
  const parts = [info.ino ?? 0, info.size, modified].map((part) => Number(part).toString(16));
  return { etag: `"${parts.join("-")}"`, modified };
}

/** Answers requests for the files below a folder. */
export class FileSite {
  readonly #root: Root;
  readonly #changes: Lock = new Lock();

  /** A site of the files below `root`. */
  constructor(root: Root) {
    this.#root = root;
  }

  /** Answers a request. */
  *answer(request: HttpRequest): Generator<unknown, Reply, unknown> {
    switch (request.method) {
      case "OPTIONS":
        return { status: 204, fields: { Allow: METHODS } };
      case "GET":
      case "HEAD":
        return yield* this.#get(request);
      case "PUT":
        return yield* this.#put(request);
      case "DELETE":
        return yield* this.#delete(request);
      default:
        throw new HttpError(405, "A file knows no such method", { Allow: METHODS });
    }
  }

  *#get(request: HttpRequest): Generator<unknown, Reply, unknown> {
    const steps = stepsOf(request.path);
    const wantsFolder = steps.at(-1) === "";
    const place = this.#root.join(wantsFolder ? steps.with(-1, "index.html") : steps);
    const real = yield* wait(this.#root.resolve(place));
    // Asked before it is opened: opening a pipe would wait for somebody who writes into it.
    const kind = yield* wait(found(Deno.stat(real)));
    if (kind.isDirectory && !wantsFolder) {
      const { query } = request.head;
      const Location = `${request.path}/${query === "" ? "" : `?${query}`}`;
      return { status: 301, fields: { Location } };
    }
    if (!kind.isFile) throw notFound();
    const file = yield* opened(real, { read: true });
    let isSent = false;
    try {
      const info = yield* wait(file.stat());
      return represent(request, {
        validators: validatorsOf(info),
        size: info.size,
        type: mediaTypeOf(real),
        part(start, end) {
          isSent = true;
          return {
            length: end - start,
            write: (out) => sendFile(file, start, end - start, out),
            close: () => file.close(),
          };
        },
      });
    } finally {
      if (!isSent) file.close();
    }
  }

  *#put(request: HttpRequest): Generator<unknown, Reply, unknown> {
    if (request.fields.get("content-range") !== undefined) {
      throw new HttpError(400, "A part of a file cannot be put"); // RFC 9110 §14.5
    }
    const steps = stepsOf(request.path);
    if (steps.at(-1) === "") throw new HttpError(409, "A directory cannot be put");
    const folder = yield* wait(this.#root.resolve(this.#root.join(steps.slice(0, -1))));
    if (!(yield* wait(found(Deno.stat(folder)))).isDirectory) throw notFound();
    const place = yield* wait(this.#placeIn(folder, steps.at(-1)!));
    yield* wait(mustHold(request, place));
    const part = `${folder}/${PART_PREFIX}${crypto.randomUUID()}`;
    try {
      yield* writeBody(request, part);
      // From here on nobody is asked: the change happens, or it does not.
      return yield* shield(this.#replace(request, place, part));
    } catch (error) {
      yield* shield(wait(Deno.remove(part).catch(() => {})));
      throw error;
    }
  }

  *#replace(
    request: HttpRequest,
    place: string,
    part: string,
  ): Generator<unknown, Reply, unknown> {
    using _ = yield* this.#changes.acquire();
    const before = yield* wait(mustHold(request, place));
    yield* wait(found(Deno.rename(part, place)));
    const { etag } = validatorsOf(yield* wait(Deno.stat(place)));
    return before === null
      ? { status: 201, fields: { Location: request.path, ETag: etag } }
      : { status: 204, fields: { ETag: etag } };
  }

  *#delete(request: HttpRequest): Generator<unknown, Reply, unknown> {
    const steps = stepsOf(request.path);
    if (steps.at(-1) === "") throw new HttpError(409, "A directory cannot be deleted");
    const folder = yield* wait(this.#root.resolve(this.#root.join(steps.slice(0, -1))));
    const place = `${folder}/${steps.at(-1)}`;
    yield* wait(this.#root.resolve(place));
    return yield* shield(this.#remove(request, place));
  }

  *#remove(request: HttpRequest, place: string): Generator<unknown, Reply, unknown> {
    using _ = yield* this.#changes.acquire();
    if ((yield* wait(mustHold(request, place))) === null) throw notFound();
    yield* wait(found(Deno.remove(place)));
    return { status: 204 };
  }

  /** The file that a name in a folder stands for: a link that stays inside is followed. */
  async #placeIn(folder: string, name: string): Promise<string> {
    const place = `${folder}/${name}`;
    try {
      if (!(await Deno.lstat(place)).isSymlink) return place;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return place;
      return await found(Promise.reject(error));
    }
    return await this.#root.resolve(place);
  }
}

/**
 * What is at a place, if the request's conditions hold.
 *
 * @throws {HttpError} 412 if they do not; 409 if it is no file.
 */
async function mustHold(request: HttpRequest, place: string): Promise<Deno.FileInfo | null> {
  let info: Deno.FileInfo | null = null;
  try {
    info = await Deno.stat(place);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) await found(Promise.reject(error));
  }
  if (info !== null && !info.isFile) throw new HttpError(409, "That is not a file");
  const current = info === null ? null : validatorsOf(info);
  if (judge(request.method, request.fields, current) === 412) {
    throw new HttpError(412, "The file is not as you think");
  }
  return info;
}

/** Opens a file; a cancel waits for that, so that nobody loses the file. */
function opened(path: string, options: Deno.OpenOptions): Operation<Deno.FsFile> {
  return shield(wait(found(Deno.open(path, options))));
}

/** Writes the body of a request into a new file. */
function* writeBody(request: HttpRequest, path: string): Generator<unknown, void, unknown> {
  using file = yield* opened(path, { write: true, createNew: true });
  for (let bytes; (bytes = yield* request.read()) !== null;) {
    for (let at = 0; at < bytes.length;) at += yield* wait(file.write(bytes.subarray(at)));
  }
}

/** Sends a part of a file, at the pace of the client. */
function* sendFile(
  file: Deno.FsFile,
  start: number,
  length: number,
  out: BodyWriter,
): Generator<unknown, void, unknown> {
  if (start > 0) yield* wait(file.seek(start, Deno.SeekMode.Start));
  const buffer = new Uint8Array(Math.min(PIECE, length));
  for (let left = length; left > 0;) {
    const count = yield* wait(file.read(buffer.subarray(0, Math.min(left, buffer.length))));
    if (count === null) throw new Error("The file has become shorter");
    yield* out.write(buffer.subarray(0, count));
    left -= count;
  }
}
