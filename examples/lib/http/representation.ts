/** The answer to GET and HEAD of something that has a size and a version: whole, in part, or not again. */
import { chooseRange, judge, type Validators } from "./conditional.ts";
import { formatHttpDate } from "./http_date.ts";
import type { Reply, StreamedBody } from "./reply.ts";
import type { HttpRequest } from "./request.ts";
import { HttpError } from "./status.ts";

/** What can be got. */
export interface Representation {
  readonly validators: Validators;
  readonly size: number;
  readonly type: string;
  /** The bytes from `start` to before `end`. */
  part(start: number, end: number): Uint8Array | StreamedBody;
}

/** Answers a GET or HEAD of it. */
export function represent(request: HttpRequest, what: Representation): Reply {
  const { validators, size, type } = what;
  const fields: Record<string, string> = {
    "ETag": validators.etag,
    "Last-Modified": formatHttpDate(validators.modified),
  };
  const verdict = judge(request.method, request.fields, validators);
  if (verdict === 412) throw new HttpError(412, "It is not as you think");
  if (verdict === 304) return { status: 304, fields };
  fields["Accept-Ranges"] = "bytes";
  fields["Content-Type"] = type;
  const range = request.method === "GET" ? chooseRange(request.fields, size, validators) : null;
  if (range === 416) {
    throw new HttpError(416, "It is not that long", { "Content-Range": `bytes */${size}` });
  }
  if (range === null) return { status: 200, fields, body: what.part(0, size) };
  const { start, end } = range;
  fields["Content-Range"] = `bytes ${start}-${end - 1}/${size}`;
  return { status: 206, fields, body: what.part(start, end) };
}
