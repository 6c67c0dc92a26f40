/**
 * Who may ask: pages of this server, and programs that are no browser. A page from elsewhere that a browser
 * shows could otherwise start runs here (cross-site request forgery), or read what they say after it had its
 * own name point to this machine (DNS rebinding).
 */
import type { HttpRequest } from "../http/request.ts";
import { HttpError } from "../http/status.ts";
import { show } from "../serve.ts";

/** The names by which a server on this port may be called. */
export function hostsOf(hostname: string, port: number): ReadonlySet<string> {
  const names = ["127.0.0.1", "localhost", "::1", hostname];
  const hosts = names.map((name) => show({ hostname: name.toLowerCase(), port }));
  // A browser leaves out the port that goes without saying.
  return new Set(port === 80 ? [...hosts, ...hosts.map((host) => host.slice(0, -3))] : hosts);
}

/** Refuses a request that comes from elsewhere, with 403. */
export function guard({ fields }: HttpRequest, hosts: ReadonlySet<string>): void {
  const host = fields.get("host")?.toLowerCase();
  if (host === undefined || !hosts.has(host)) {
    throw new HttpError(403, "This server is not called by that name");
  }
  const origin = fields.get("origin")?.toLowerCase();
  if (origin !== undefined && !(origin.startsWith("http://") && hosts.has(origin.slice(7)))) {
    throw new HttpError(403, "Pages from elsewhere may not ask");
  }
  const site = fields.get("sec-fetch-site")?.toLowerCase();
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    throw new HttpError(403, "Pages from elsewhere may not ask");
  }
}
