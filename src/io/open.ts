/**
 * Opening native handles: the only place, with the files beside it, where weft calls Deno's network.
 *
 * Deno binds and listens in the call itself, so listening is a plain function; connecting takes time, and
 * the run to which a connect belongs waits for it, or stops it, before it ends.
 */
import type { Timer } from "../kernel/clock.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { dial, isAddress } from "./dial.ts";
import { HandleLifetime } from "./handle.ts";
import {
  closeQuietly,
  type NativeDatagram,
  type NativeListener,
  type NativeStream,
} from "./native.ts";
import { listenTls, startTls, type TlsClientOptions, type TlsServerOptions } from "./tls.ts";
import { connectUnix, UnixListener } from "./unix_path.ts";
import { startTimeout, stopTimeout, type Timeout } from "./waiting.ts";

/** Where to listen. */
export type ListenTarget =
  | {
    kind: "tcp";
    hostname: string;
    port: number;
    reusePort: boolean;
    backlog: number | undefined;
    tls: TlsServerOptions | undefined;
  }
  | { kind: "unix"; path: string };

/** Where to bind for datagrams. */
export type DatagramTarget =
  | { kind: "udp"; hostname: string; port: number; reuseAddress: boolean; loopback: boolean }
  | { kind: "unixpacket"; path: string | undefined };

/** Where to connect to. */
export type ConnectTarget =
  | { kind: "tcp"; hostname: string; port: number; tls: TlsClientOptions | undefined }
  | { kind: "unix"; path: string };

/** Starts listening. */
export function openListener(target: ListenTarget): NativeListener {
  if (target.kind === "unix") return new UnixListener(target.path);
  const { hostname, port, reusePort, backlog, tls } = target;
  if (reusePort) requireUnstableNet("share a port (reusePort)");
  const options = {
    hostname,
    port,
    ...(reusePort ? { reusePort } : {}),
    ...(backlog === undefined ? {} : { tcpBacklog: backlog }),
  };
  return tls === undefined ? Deno.listen(options) : listenTls(options, tls);
}

/** Binds a datagram socket. */
export function openDatagram(target: DatagramTarget): NativeDatagram {
  requireUnstableNet("bind a datagram socket");
  if (target.kind === "udp") {
    const { hostname, port, reuseAddress, loopback } = target;
    return Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress, loopback });
  }
  const { path } = target;
  // The types ask for a path; without one the socket can send and has no address.
  const options = path === undefined ? {} : { path };
  return Deno.listenDatagram(
    { transport: "unixpacket", ...options } as Deno.UnixListenOptions & {
      transport: "unixpacket";
    },
  );
}

/**
 * Starts connecting. An abort of the signal stops a TCP connect at once, and others when they come; one that comes
 * too late for the first leaves a connection to the caller.
 */
export function openStream(target: ConnectTarget, signal: AbortSignal): Promise<NativeStream> {
  const isPlain = target.kind === "tcp" && target.tls === undefined && isAddress(target.hostname);
  return isPlain
    ? Deno.connect({ hostname: target.hostname, port: target.port, signal })
    : openInSteps(target, signal);
}

async function openInSteps(target: ConnectTarget, signal: AbortSignal): Promise<NativeStream> {
  const native = await connectTo(target, signal);
  if (!signal.aborted) return native;
  closeQuietly(native);
  throw signal.reason;
}

async function connectTo(target: ConnectTarget, signal: AbortSignal): Promise<NativeStream> {
  if (target.kind === "unix") return await connectUnix(target.path, signal);
  const { hostname, port, tls } = target;
  const plain = await dial(hostname, port, signal);
  return tls === undefined ? plain : await startTls(plain, hostname, tls, signal);
}

/**
 * Makes sure that Deno's unstable network functions are there. They can only be switched on from
 * outside, and some of them end the process when they are called without.
 */
export function requireUnstableNet(what: string): void {
  if (typeof Deno.listenDatagram === "function") return;
  throw new TypeError(
    `Cannot ${what}: this needs Deno's unstable network functions; add "unstable": ["net"] to deno.json, ` +
      `or run deno with --unstable-net`,
  );
}

/** One attempt to connect. */
export class Connecting<S> extends HandleLifetime implements WaitSource {
  /** It succeeds or fails. */
  readonly host = "bound";
  readonly #where: string;
  readonly #controller = new AbortController();
  #timer: Timer | null = null;

  /**
   * Starts to connect, and parks the wait until that has succeeded or failed.
   *
   * @param wait Who waits.
   * @param target Where to.
   * @param where The same, for reports.
   * @param timeout How long it may take.
   * @param wrap Makes what the wait gets of the connection.
   */
  constructor(
    wait: Wait<S>,
    target: ConnectTarget,
    where: string,
    timeout: Timeout,
    wrap: (native: NativeStream) => S,
  ) {
    super(wait.task);
    this.#where = where;
    this.began();
    this.letGo();
    wait.park(this);
    if (timeout !== undefined) this.#timer = startTimeout(wait, this, timeout);
    openStream(target, this.#controller.signal).then(
      (native) => {
        this.#over(wait);
        if (wait.done) closeQuietly(native);
        else wait.settle(wrap(native));
      },
      (error) => {
        this.#over(wait);
        wait.fail(error);
      },
    );
  }

  /** Stops it; a connection that comes nevertheless is closed. */
  abandon(wait: Wait): boolean {
    stopTimeout(wait, this.#timer);
    this.#controller.abort();
    return true;
  }

  /** Stops it, and resolves when nothing of it is left. */
  release(): Promise<void> {
    this.#controller.abort();
    return this.gone;
  }

  override toString(): string {
    return `connect(${this.#where})`;
  }

  #over(wait: Wait<S>): void {
    stopTimeout(wait, this.#timer);
    this.ended();
  }
}
