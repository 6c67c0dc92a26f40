/** What the playground answers: its page, runs and their events, schedules. */
import { race, TimeoutError, wait, WorkerPool } from "@weft/weft";
import { decode } from "../bytes.ts";
import { type Reply, textReply } from "../http/reply.ts";
import type { HttpRequest } from "../http/request.ts";
import { HttpError } from "../http/status.ts";
import { guard } from "./guard.ts";
import { renderPage } from "./page.ts";
import { Runs } from "./runs.ts";
import { schedule } from "./schedule_job.ts";
import { checkQuantum, fieldsOf, readOrder, SettingsError } from "./settings.ts";

/** How long a schedule may take. */
const SCHEDULE_MS = 5000;
/** How many schedules may wait. */
const MOST_SCHEDULES = 16;

const SAFETY = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};
/** Styles stand in the page; everything else comes from here, and nobody may frame the page. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#0969da" ` +
  `d="M1 2h3v12H1zM6 2h3v12H6zM11 2h3v12h-3z"/><path fill="#bc4c00" d="M0 4h16v2H0zM0 9h16v2H0z"/></svg>`;

function fixed(type: string, body: string, fields: Record<string, string> = {}): Reply {
  return { fields: { ...SAFETY, "Content-Type": type, ...fields }, body };
}

function json(value: unknown, status = 200): Reply {
  return {
    status,
    fields: { ...SAFETY, "Content-Type": "application/json" },
    body: JSON.stringify(value),
  };
}

/** Answers requests. */
export class Site {
  /** By which names it may be called; set once its port is known. */
  hosts: ReadonlySet<string> = new Set();
  readonly #runs = new Runs();
  readonly #pool = new WorkerPool(2, { timeout: SCHEDULE_MS, queue: MOST_SCHEDULES });
  readonly #files = new Map<string, Reply>([
    ["/", fixed("text/html; charset=utf-8", renderPage(), { "Content-Security-Policy": POLICY })],
    [
      "/playground.js",
      fixed(
        "text/javascript; charset=utf-8",
        Deno.readTextFileSync(new URL("playground.js", import.meta.url)),
      ),
    ],
    ["/icon.svg", fixed("image/svg+xml", ICON)],
  ]);

  /** Answers a request. */
  async *answer(request: HttpRequest): AsyncGenerator<unknown, Reply, unknown> {
    guard(request, this.hosts);
    const { path } = request;
    const file = this.#files.get(path);
    const events = /^\/runs\/([^/]+)\/events$/.exec(path);
    if (file !== undefined || events !== null) {
      allow(request, "GET", "HEAD");
      return file ?? this.#events(events![1]!, request);
    }
    const cancel = /^\/runs\/([^/]+)\/cancel$/.exec(path);
    if (cancel === null && path !== "/runs" && path !== "/schedule") {
      throw new HttpError(404, "There is nothing here");
    }
    allow(request, "POST");
    const value = yield* readJson(request);
    try {
      if (path === "/runs") return json({ id: this.#runs.start(readOrder(value)) }, 201);
      if (cancel !== null) {
        this.#runs.get(cancel[1]!).end();
        return { status: 204 };
      }
      return json(yield* this.#schedule(value));
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      return textReply(400, error.message, SAFETY);
    }
  }

  /** Ends all runs, and the workers. */
  async stop(): Promise<void> {
    await Promise.all([this.#runs.stop(), this.#pool.terminate()]);
  }

  #events(id: string, request: HttpRequest): Reply {
    const run = this.#runs.get(id);
    const fields = { ...SAFETY, "Content-Type": "text/event-stream" };
    if (request.method === "HEAD") return { fields };
    run.claim();
    return {
      fields,
      body: {
        write: (out) => race([run.sendTo(out), request.left()]),
        close: () => run.end(),
      },
    };
  }

  async *#schedule(value: unknown) {
    const { jobs: text, quantum } = fieldsOf(value);
    if (typeof text !== "string") throw new SettingsError("Jobs must be a text of JSON");
    const future = this.#pool.trySubmit(schedule, text, checkQuantum(quantum));
    if (future === null) {
      throw new HttpError(503, "Too many schedules are asked for", { "Retry-After": "5" });
    }
    try {
      return yield* wait(future);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      return { error: `Cannot schedule these jobs within ${SCHEDULE_MS / 1000} s` };
    }
  }
}

function allow(request: HttpRequest, ...methods: string[]): void {
  if (methods.includes(request.method)) return;
  throw new HttpError(405, "Method not allowed", { Allow: methods.join(", ") });
}

/**
 * The body of a request, which must say that it is JSON: a form of a page from elsewhere cannot, unless
 * this server first allows it to.
 */
async function* readJson(request: HttpRequest) {
  const type = request.fields.get("content-type")?.split(";", 1).join("").trim().toLowerCase();
  if (type !== "application/json") throw new HttpError(415, "The body must be application/json");
  const bytes = yield* request.body();
  try {
    return JSON.parse(decode(bytes)) as unknown;
  } catch {
    throw new HttpError(400, "The body is not JSON");
  }
}
