/**
 * The file of a unix socket: whose it is, and connecting to it.
 *
 * A path can change hands. Who removes a file that is in the way and binds there is found by the path
 * from then on; so what a socket does by its own path (Deno removes the file at the close of a listener, weft
 * at that of a datagram socket) it may do only as long as the file is the one that it made. That is
 * told by device and inode. Rejected: binding under another name, so that Deno removes nothing (then that
 * name is what peers are shown).
 */
import { SystemClock } from "../kernel/clock.ts";
import {
  closeQuietly,
  type NativeDatagram,
  type NativeListener,
  type NativeStream,
} from "./native.ts";

/** The file that a bound socket has made. */
export class SocketFile {
  readonly #path: string;
  readonly #made: Identity | null;

  /** To be made right after binding. */
  constructor(path: string) {
    this.#path = path;
    this.#made = identityOf(path);
  }

  /** Whether another file stands there by now. */
  get isForeign(): boolean {
    const now = identityOf(this.#path);
    return now !== null && this.#made !== null &&
      (now.ino !== this.#made.ino || now.dev !== this.#made.dev);
  }

  /** Removes it, unless another file stands there. */
  remove(): void {
    if (!this.isForeign) attempt(() => Deno.removeSync(this.#path));
  }

  /**
   * Gives what stands there a second name, because somebody is about to remove the first.
   *
   * @returns Gives it the first one back. Returns whether that is done with; if not, the file is still there.
   */
  setAside(): () => boolean {
    const aside = `${
      this.#path.slice(0, this.#path.lastIndexOf("/") + 1)
    }.weft-${crypto.randomUUID()}`;
    if (!attempt(() => Deno.linkSync(this.#path, aside))) return () => true;
    return () => {
      if (identityOf(this.#path) !== null) return false;
      attempt(() => Deno.renameSync(aside, this.#path));
      return true;
    };
  }
}

/** A unix listener that removes no file but its own. */
export class UnixListener implements NativeListener {
  readonly #native: Deno.UnixListener;
  readonly #file: SocketFile;
  #accepting: Promise<NativeStream> | null = null;

  constructor(path: string) {
    this.#native = Deno.listen({ transport: "unix", path });
    this.#file = new SocketFile(path);
  }

  get addr(): Deno.Addr {
    return this.#native.addr;
  }

  accept(): Promise<NativeStream> {
    return this.#accepting = this.#native.accept();
  }

  /** Ends everything, now. Deno removes whatever stands at the path: at once, or when a pending accept has ended. */
  close(): void {
    if (!this.#file.isForeign) return this.#native.close();
    const putBack = this.#file.setAside();
    this.#native.close();
    if (!putBack()) this.#accepting?.then(putBack, putBack);
  }
}

/** The last in line before each listener that has no room for more connections, by path. */
const lines = new Map<string, Promise<void>>();
/** The pauses between two tries of the first in line, in milliseconds. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [1, 16];

/**
 * Connects to a unix socket. While the listener's backlog is full it waits for room, as connect(2) does:
 * Deno's connect does not block, and says EAGAIN. Those who wait keep their order, and only the first of them tries.
 */
export async function connectUnix(path: string, signal: AbortSignal): Promise<NativeStream> {
  const before = lines.get(path);
  if (before === undefined) {
    const native = await tryConnect(path);
    if (native !== null) return native;
  }
  const { promise, resolve: leave } = Promise.withResolvers<void>();
  const line = lines.get(path) ?? Promise.resolve();
  lines.set(path, promise);
  try {
    await line;
    for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      signal.throwIfAborted();
      const native = await tryConnect(path);
      if (native !== null) return native;
      await new Promise<void>((resolve) =>
        new SystemClock().setAlarm(performance.now() + pause, resolve)
      );
    }
  } finally {
    leave();
    if (lines.get(path) === promise) lines.delete(path);
  }
}

/** A connection, or `null` if there is no room now. */
async function tryConnect(path: string): Promise<NativeStream | null> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return null;
    throw error;
  }
}

interface Identity {
  readonly dev: number;
  readonly ino: number | null;
}

function identityOf(path: string): Identity | null {
  try {
    const { dev, ino } = Deno.lstatSync(path);
    return { dev, ino };
  } catch {
    return null; // there is none, or we may not look
  }
}

function attempt(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false; // somebody was faster, or it is not allowed
  }
}

/** How many secret bytes the datagram has. */
const TOKEN = 16;

/** Wakes one socket that has a path. */
export class SelfWaker {
  readonly #address: Deno.UnixAddr;
  readonly #open: () => NativeDatagram;
  readonly #onFailed: (error: unknown) => void;
  readonly #file: SocketFile | null;
  readonly #token = crypto.getRandomValues(new Uint8Array(TOKEN));
  #socket: NativeDatagram | null = null;
  /** Whether a token is on its way. */
  #sent = false;

  /**
   * For the socket bound to `address`.
   *
   * @param address Where the datagram must go to.
   * @param open Opens the second socket, which has no path.
   * @param onFailed Called when it could not be sent: the pending receive goes on.
   */
  constructor(
    address: Deno.UnixAddr,
    open: () => NativeDatagram,
    onFailed: (error: unknown) => void,
  ) {
    this.#address = address;
    this.#open = open;
    this.#onFailed = onFailed;
    const isAbstract = address.path!.startsWith("\0");
    this.#file = isAbstract ? null : new SocketFile(address.path!);
  }

  /**
   * Makes the pending receive end, soon.
   *
   * @throws The host's error if it has no descriptor left for the second socket; the next call tries again.
   * @throws {Error} If the path is another socket's by now, which alone would get the datagram.
   */
  wake(): void {
    if (this.#sent) return;
    if (this.#file?.isForeign) {
      throw new Error(
        `Cannot send while a receive is pending: ${this.#address.path} is another socket's file by now`,
      );
    }
    this.#socket ??= this.#open();
    this.#sent = true;
    this.#socket.send(this.#token, this.#address).catch((error) => {
      this.#sent = false;
      this.#onFailed(error);
    });
  }

  /** Whether a datagram is the token; it is expected no longer then. */
  owns(data: Uint8Array): boolean {
    if (!this.#sent || data.length !== TOKEN) return false;
    if (!this.#token.every((byte, i) => byte === data[i])) return false;
    this.#sent = false;
    return true;
  }

  /** Closes the second socket, and removes the file of the first, which Deno leaves behind. */
  close(): void {
    if (this.#socket !== null) closeQuietly(this.#socket);
    this.#file?.remove();
  }
}
