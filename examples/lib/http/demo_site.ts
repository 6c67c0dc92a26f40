/**
 * What `http_server.ts` answers: some paths that show one thing each, and behind them the files of a folder,
 * or a small site of its own that cannot be changed.
 */
import { sleep } from "@weft/weft";
import { encode } from "../bytes.ts";
import type { Validators } from "./conditional.ts";
import { FileSite } from "./files.ts";
import { mediaTypeOf } from "./media_types.ts";
import { type Reply, textReply } from "./reply.ts";
import { represent } from "./representation.ts";
import type { HttpRequest } from "./request.ts";
import { notFound, type Root, stepsOf } from "./safe_path.ts";
import { HttpError } from "./status.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
/** The name and the password of `/private`, as `Authorization: Basic` has them. */
const CREDENTIALS = btoa("weft:weft");
/** The longest `/delay/MS`, in digits. */
const DELAY = /^\/delay\/(\d{1,7})$/;

/** The site of a folder, or the built-in one. */
export class DemoSite {
  readonly #files: FileSite | BuiltInSite;

  /** A site with the files below `root`, if there is one. */
  constructor(root: Root | null) {
    this.#files = root === null ? new BuiltInSite() : new FileSite(root);
  }

  /** Answers a request. */
  *answer(request: HttpRequest): Generator<unknown, Reply, unknown> {
    const { method, path } = request;
    if (!METHODS.includes(method)) throw new HttpError(501, "This server knows no such method");
    if (path === "*") return options(...METHODS);
    if (path === "/echo") return yield* echo(request);
    if (path === "/fail") {
      if (method === "OPTIONS") return options(...METHODS);
      throw new Error("/fail does");
    }
    if (path === "/private") {
      return allow(request, "GET", "HEAD", "OPTIONS") ?? answerPrivately(request);
    }
    const delay = DELAY.exec(path);
    if (delay === null) return yield* this.#files.answer(request);
    const refusal = allow(request, "GET", "HEAD", "OPTIONS");
    if (refusal !== null) return refusal;
    yield* sleep(Number(delay[1]));
    return textReply(200, `${delay[1]} ms later`);
  }
}

/** The answer to OPTIONS; `null` for another method that is allowed; 405 for the rest. */
function allow(request: HttpRequest, ...methods: string[]): Reply | null {
  if (request.method === "OPTIONS") return options(...methods);
  if (methods.includes(request.method)) return null;
  throw new HttpError(405, "This path knows no such method", { Allow: methods.join(", ") });
}

function options(...methods: string[]): Reply {
  return { status: 204, fields: { Allow: methods.join(", ") } };
}

/** Sends a body back as it came, once all of it has. */
function* echo(request: HttpRequest): Generator<unknown, Reply, unknown> {
  const refusal = allow(request, "POST", "OPTIONS");
  if (refusal !== null) return refusal;
  const chunked = request.head.length === null;
  const type = request.fields.get("content-type") ?? "application/octet-stream";
  const body = yield* request.body();
  return { status: 200, fields: { "Content-Type": type }, body, chunked };
}

function answerPrivately(request: HttpRequest): Reply {
  const [, given] = /^basic +(.*)$/i.exec(request.fields.get("authorization") ?? "") ?? [];
  if (given === CREDENTIALS) return textReply(200, "You are weft");
  throw new HttpError(401, "Who are you?", { "WWW-Authenticate": 'Basic realm="weft"' });
}

const PAGES: Readonly<Record<string, string>> = {
  "index.html": `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>weft</title>
<h1>It works</h1>
<p>Served by a task for each connection. Other paths: <a href="/delay/500">/delay/500</a>,
<a href="/private">/private</a> (weft, weft), <a href="/fail">/fail</a>,
<a href="/hello.txt">/hello.txt</a>, and POST to /echo.</p>
</html>
`,
  "hello.txt": "Hello, world!\n",
};

/** A few pages that are always there. */
class BuiltInSite {
  readonly #pages: ReadonlyMap<string, Uint8Array> = new Map(
    Object.entries(PAGES).map(([name, text]) => [name, encode(text)]),
  );
  readonly #modified = Date.now();

  *answer(request: HttpRequest): Generator<unknown, Reply, unknown> {
    const refusal = allow(request, "GET", "HEAD", "OPTIONS");
    if (refusal !== null) return refusal;
    const name = stepsOf(request.path).join("/") || "index.html";
    const page = this.#pages.get(name);
    if (page === undefined) throw notFound();
    const validators: Validators = {
      etag: `"${name}-${this.#modified.toString(16)}"`,
      modified: this.#modified,
    };
    return represent(request, {
      validators,
      size: page.length,
      type: mediaTypeOf(name),
      part: (start, end) => page.subarray(start, end),
    });
  }
}
