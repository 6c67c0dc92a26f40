/**
 * TLS over a connection that stays ours.
 *
 * Deno does TLS on a socket that it takes away, and keeps that socket, after `close` as well, until the
 * handshake has ended. A peer that never finishes it would hold a descriptor for as long as it likes,
 * whatever our timeouts say; enough of them, and the process has none left. So Deno speaks TLS on a
 * connection of this process with itself, and what goes over that is passed on to the real one, which can
 * be closed at any time.
 *
 * That costs two more descriptors for each TLS connection, and each byte passes the loopback once more:
 * about half the throughput of handing the socket over (120 against 240 MB/s with both ends in one
 * process, measured). Rejected: handing it over; Node's TLS (its client lets go, its server does not;
 * measured on Deno 2.9.6). A program that may not use the loopback gets Deno's own way.
 */
import { SystemClock } from "../kernel/clock.ts";
import { closeQuietly, type NativeListener, type NativeStream } from "./native.ts";

/** The certificate of a TLS server, in PEM. */
export interface TlsServerOptions {
  /** The certificate chain. */
  cert: string;
  /** Its private key. */
  key: string;
  /** Protocols offered in the handshake, such as `["http/1.1"]`. */
  alpnProtocols?: string[];
}

/** What a TLS client trusts and asks for. */
export interface TlsClientOptions {
  /** Certificates to trust beside the built-in ones, in PEM. */
  caCerts?: string[];
  /** Protocols offered in the handshake, such as `["http/1.1"]`. */
  alpnProtocols?: string[];
}

const HERE = "127.0.0.1";
/** How many bytes are passed on at a time in each direction: few at first, for idle connections. */
const [FIRST_PIECE, LARGEST_PIECE] = [2 << 10, 64 << 10];
/** How long a closed connection may take to pass on what it still has, in milliseconds. */
const LINGER_MS = 1000;

/** One TLS connection: Deno's end, and what passes its bytes on. */
export class TlsStream implements NativeStream {
  /** Resolves when it has been closed and nothing of it is left. */
  readonly settled: Promise<void>;
  readonly #secure: Deno.TlsConn;
  readonly #inner: Deno.TcpConn;
  readonly #plain: Deno.TcpConn;
  readonly #clock = new SystemClock();
  readonly #closed = Promise.withResolvers<void>();
  #isShaken = false;
  #isOver = false;

  /**
   * Begins to pass bytes on.
   *
   * @param secure Deno's end.
   * @param inner The other end of the connection beneath that.
   * @param plain The connection to the peer.
   */
  constructor(secure: Deno.TlsConn, inner: Deno.TcpConn, plain: Deno.TcpConn) {
    this.#secure = secure;
    this.#inner = inner;
    this.#plain = plain;
    inner.setNoDelay(true);
    secure.handshake().then(() => this.#isShaken = true, () => {});
    this.settled = this.#passOn();
  }

  get localAddr(): Deno.NetAddr {
    return this.#plain.localAddr;
  }

  get remoteAddr(): Deno.NetAddr {
    return this.#plain.remoteAddr;
  }

  /** Fills a part of `into`; `null` at the end. */
  read(into: Uint8Array): Promise<number | null> {
    return this.#secure.read(into);
  }

  /** Writes a part of `data`. */
  write(data: Uint8Array): Promise<number> {
    return this.#secure.write(data);
  }

  /** Tells the peer that nothing more will be written. */
  closeWrite(): Promise<void> {
    return this.#secure.closeWrite();
  }

  /** Waits for the end of the handshake. */
  handshake(): Promise<Deno.TlsHandshakeInfo> {
    return this.#secure.handshake();
  }

  /** Sends small messages at once. */
  setNoDelay(on: boolean): void {
    this.#plain.setNoDelay(on);
  }

  /** Probes the connection when it is idle. */
  setKeepAlive(on: boolean): void {
    this.#plain.setKeepAlive(on);
  }

  /** Closes it: what was written goes out, for a second at most; in a handshake nothing does. */
  close(): void {
    closeQuietly(this.#secure);
    this.#closed.resolve();
    if (this.#isOver) return;
    if (!this.#isShaken) this.#cut();
    else this.#clock.setAlarm(this.#clock.now() + LINGER_MS, () => this.#cut());
  }

  /** Passes bytes on until both ways have ended, or one is broken; once it is closed, only what goes out counts. */
  async #passOn(): Promise<void> {
    const out = pass(this.#inner, this.#plain);
    const back = pass(this.#plain, this.#inner);
    await Promise.allSettled([
      Promise.race([Promise.all([out, back]), this.#closed.promise.then(() => out)]),
    ]);
    this.#isOver = true;
    this.#clock.clearAlarm();
    this.#cut();
    await Promise.allSettled([out, back]);
  }

  #cut(): void {
    closeQuietly(this.#inner);
    closeQuietly(this.#plain);
  }
}

/** Passes bytes on until the end, and then the end. */
async function pass(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  let buffer = new Uint8Array(FIRST_PIECE);
  for (let count; (count = await from.read(buffer)) !== null;) {
    for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
    if (count === buffer.length && count < LARGEST_PIECE) buffer = new Uint8Array(2 * count);
  }
  await to.closeWrite();
}

/** Whether this program may use the loopback without asking. */
function mayRelay(): boolean {
  return Deno.permissions.querySync({ name: "net", host: HERE }).state === "granted";
}

/** Speaks TLS as a client on a connection, from here on; resolves when both sides have agreed. */
export async function startTls(
  plain: Deno.TcpConn,
  hostname: string,
  tls: TlsClientOptions,
  signal: AbortSignal,
): Promise<NativeStream> {
  let stream: TlsStream | Deno.TlsConn;
  try {
    signal.throwIfAborted();
    stream = await overLoopback(plain, hostname, tls);
  } catch (error) {
    closeQuietly(plain);
    throw error;
  }
  const abort = (): void => closeQuietly(stream);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    await stream.handshake();
    return stream;
  } catch (error) {
    closeQuietly(stream);
    if ("settled" in stream) await stream.settled;
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function overLoopback(
  plain: Deno.TcpConn,
  hostname: string,
  tls: TlsClientOptions,
): Promise<TlsStream | Deno.TlsConn> {
  const options = { hostname, ...tls };
  if (!mayRelay()) return await Deno.startTls(plain, options);
  using listener = Deno.listen({ hostname: HERE, port: 0 });
  const [mine, inner] = await pairOver(listener, listener.addr.port);
  try {
    mine.setNoDelay(true);
    return new TlsStream(await Deno.startTls(mine, options), inner, plain);
  } catch (error) {
    closeQuietly(mine);
    closeQuietly(inner);
    throw error;
  }
}

/** A connection of this process with itself: the end that a listener accepted, and the other one. */
async function pairOver<C extends Deno.TcpConn | Deno.TlsConn>(
  listener: { accept(): Promise<C> },
  port: number,
): Promise<[accepted: C, inner: Deno.TcpConn]> {
  const inner = await Deno.connect({ hostname: HERE, port });
  try {
    for (;;) {
      const accepted = await listener.accept();
      const { remoteAddr } = accepted;
      if ((remoteAddr as Deno.NetAddr).port === inner.localAddr.port) return [accepted, inner];
      closeQuietly(accepted); // a stranger on this machine
    }
  } catch (error) {
    closeQuietly(inner);
    throw error;
  }
}

/** Listens for TLS connections on one that is plain. */
export class TlsListener implements NativeListener {
  readonly #plain: Deno.TcpListener;
  readonly #secure: Deno.TlsListener;

  /** Binds `options`, which are those of `Deno.listen`. */
  constructor(options: Deno.TcpListenOptions, tls: TlsServerOptions) {
    this.#secure = Deno.listenTls({ hostname: HERE, port: 0, ...tls });
    try {
      this.#plain = Deno.listen(options);
    } catch (error) {
      this.#secure.close();
      throw error;
    }
  }

  get addr(): Deno.NetAddr {
    return this.#plain.addr;
  }

  /** The next connection; its handshake goes on by itself. */
  async accept(): Promise<NativeStream> {
    const plain = await this.#plain.accept();
    try {
      const [secure, inner] = await pairOver(this.#secure, this.#secure.addr.port);
      return new TlsStream(secure, inner, plain);
    } catch (error) {
      closeQuietly(plain);
      throw error;
    }
  }

  close(): void {
    closeQuietly(this.#plain);
    closeQuietly(this.#secure);
  }
}

/** Listens for TLS connections. */
export function listenTls(options: Deno.TcpListenOptions, tls: TlsServerOptions): NativeListener {
  return mayRelay() ? new TlsListener(options, tls) : Deno.listenTls({ ...options, ...tls });
}
