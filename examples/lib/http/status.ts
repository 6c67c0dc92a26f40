/** Status codes by name, and the error that ends a request with one of them. */

import { checkFields } from "./fields.ts";

/** The reason phrases of RFC 9110 §15, of those codes that are used here. */
export const REASONS: Readonly<Record<number, string>> = {
  100: "Continue",
  200: "OK",
  201: "Created",
  204: "No Content",
  206: "Partial Content",
  301: "Moved Permanently",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

/**
 * Ends a request with a status. Thrown by the parser it ends the connection too, since nobody knows where
 * the next request begins; thrown by a handler it is only the answer to this one.
 */
export class HttpError extends Error {
  /** The class name. */
  override readonly name: string = "HttpError";
  /** The status code. */
  readonly status: number;
  /** Fields that the answer has besides the usual ones. */
  readonly fields: Readonly<Record<string, string>>;

  /** An error with a status, and the reason in words, which the client gets to read. */
  constructor(status: number, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message);
    checkFields(fields);
    this.status = status;
    this.fields = fields;
  }
}
