/**
 * Where the servers are, and how to log in.
 *
 * The client ignores credentials that stand in a URL, and many a `NATS_URL` has them there; so they are
 * taken out here. They are never shown: an error names a server by host and port.
 */
import type { Authenticator, ConnectionOptions } from "@nats-io/transport-node";
import { show } from "../../kernel/printable.ts";

/** Certificates: each as the name of a file, or as its PEM text. */
export interface TlsFiles {
  /** The file of the authorities that the server may be certified by. */
  caFile?: string;
  /** Their text. */
  ca?: string;
  /** The file of a certificate of one's own. */
  certFile?: string;
  /** Its text. */
  cert?: string;
  /** The file of the key to that certificate. */
  keyFile?: string;
  /** The text of that. */
  key?: string;
  /** Whether the server expects TLS before it says anything. @default {false} */
  handshakeFirst?: boolean;
}

/** How to log in, and over what: handed to the NATS client as it is. */
export interface ConnectOptions {
  /** Where the servers are, as in `"127.0.0.1:4222"` or `["tls://a:4222", "tls://b:4222"]`. */
  servers?: string | readonly string[];
  /** The user, for a server that asks for name and password. */
  user?: string;
  /** The user's password. */
  pass?: string;
  /** A token, for a server that wants one. */
  token?: string;
  /** Any other way to log in, as the client's `credsAuthenticator` makes it. */
  authenticator?: (nonce?: string) => object;
  /** Certificates, for servers that want TLS. */
  tls?: TlsFiles;
  /** What inboxes begin with, for users who may only subscribe to their own. @default {"_INBOX"} */
  inboxPrefix?: string;
}

/** What of the options goes to the client. */
export function clientOptions(options: ConnectOptions): ConnectionOptions {
  const { servers, user, pass, token, authenticator, tls, inboxPrefix } = options;
  const parsed = serverList(servers).map(parse);
  const login = parsed.find((one) => one.user !== undefined);
  return {
    servers: parsed.map((one) => one.address),
    ...login?.pass === undefined && login?.user !== undefined ? { token: login.user } : {},
    ...login?.pass !== undefined ? { user: login.user!, pass: login.pass } : {},
    ...user === undefined ? {} : { user },
    ...pass === undefined ? {} : { pass },
    ...token === undefined ? {} : { token },
    ...authenticator === undefined ? {} : { authenticator: authenticator as Authenticator },
    ...tls === undefined ? {} : { tls },
    ...inboxPrefix === undefined ? {} : { inboxPrefix },
  };
}

/**
 * The list of servers: a text may name several, with commas between them.
 *
 * @throws {TypeError} If it names none.
 */
export function serverList(servers: string | readonly string[] | undefined): string[] {
  const list: unknown = typeof servers === "string" ? servers.split(",") : servers;
  if (Array.isArray(list) && list.length > 0) {
    const trimmed = list.map((one) => typeof one === "string" ? one.trim() : "");
    if (trimmed.every((one) => one !== "")) return trimmed;
  }
  throw new TypeError(
    `Cannot use ${show(servers)} as servers: write "host:port", or a list of that`,
  );
}

interface Parsed {
  readonly address: string;
  readonly user?: string;
  readonly pass?: string;
}

function parse(server: string): Parsed {
  const url = URL.parse(server.includes("://") ? server : `nats://${server}`);
  if (url === null || url.hostname === "") {
    // The text may hold a password.
    throw new TypeError('Cannot use a server whose address does not parse: write "host:port"');
  }
  const scheme = server.includes("://") ? `${url.protocol}//` : "";
  const address = `${scheme}${url.host}`;
  if (url.username === "") return { address };
  const user = decodeURIComponent(url.username);
  return url.password === "" ? { address, user } : {
    address,
    user,
    pass: decodeURIComponent(url.password),
  };
}
