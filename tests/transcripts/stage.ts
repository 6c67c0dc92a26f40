/** The handles and peers of one scenario by name, and the steps that make them. */
import {
  adopt,
  bindDatagram,
  type DatagramSocket,
  listen,
  type Listener,
  type PipeReader,
  type PipeWriter,
  readFrom,
  Socket,
  stdin,
  writeTo,
} from "@weft/weft";
import type { PeerAddress, Peers } from "./peers.ts";
import { arrived, type Said, type StepOf } from "./said.ts";

/** What is polled. */
export type Thing = Listener | Socket | DatagramSocket | PipeReader | PipeWriter;

/** A handle of the polled side. */
export interface Subject {
  /** Its kind, as the scenario calls it. */
  readonly kind: string;
  /** The socket, listener or pipe. */
  readonly thing: Thing;
  /** How many bytes have been handed over to it. */
  sent: number;
}

/** Who takes part in a scenario. */
export class Stage implements AsyncDisposable {
  /** The polled side by name. */
  readonly subjects: Map<string, Subject> = new Map();
  /** Where listeners and datagram sockets of either side are. */
  readonly addresses: Map<string, PeerAddress> = new Map();
  /** How many bytes each peer has received. */
  readonly received: Map<string, number> = new Map();
  /** Does what peers do. */
  readonly peers: Peers;
  readonly #kinds = new Map<string, string>();
  readonly #children: Deno.ChildProcess[] = [];
  readonly #folder = Deno.makeTempDirSync({ prefix: "weft-" });
  #paths = 0;

  /** An empty stage. */
  constructor(peers: Peers) {
    this.peers = peers;
  }

  /** The handle of a name. */
  subject(name: string): Subject {
    const subject = this.subjects.get(name);
    if (subject === undefined) throw new Error(`Cannot find handle "${name}"`);
    return subject;
  }

  /** Leaves nothing behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.peers.ask("clear");
    for (const { thing } of this.subjects.values()) await thing[Symbol.asyncDispose]();
    for (const child of this.#children) await child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Standard input, whose other end a peer has opened. */
  stdin(step: StepOf<"stdin">): void {
    this.#add(step.as, "pipe", stdin());
  }

  /** A listener. */
  async listen(step: StepOf<"listen">): Promise<void> {
    const listener = this.#newListener(step.kind);
    this.#add(step.as, step.kind, listener);
    this.addresses.set(step.as, addressOf(listener.localAddr));
    await null;
  }

  /** A peer connects. */
  async connect(step: StepOf<"connect">): Promise<void> {
    const { kind } = this.subject(step.to);
    await this.peers.ask("connect", { as: step.as, kind, address: this.addresses.get(step.to) });
  }

  /** Takes a connection that is there, or (if one is expected) comes. */
  async accept(step: StepOf<"accept">, comes: boolean): Promise<Said> {
    const { kind, thing } = this.subject(step.from);
    const socket = await arrived(comes, () => (thing as Listener).tryAccept());
    this.#add(step.as, kind, socket);
    return { result: "ok" };
  }

  /** A connection in one step. */
  async pair(step: StepOf<"pair">): Promise<void> {
    const listener = this.#newListener(step.kind);
    const address = addressOf(listener.localAddr);
    await this.peers.ask("connect", { as: step.peer, kind: step.kind, address });
    this.#add(step.as, step.kind, await arrived(true, () => listener.tryAccept()));
    await listener.close();
  }

  /** A peer listens. */
  async peerListen(step: StepOf<"peerListen">): Promise<void> {
    const path = step.kind === "unix" ? { path: this.#path() } : {};
    const address = await this.peers.ask("listen", { as: step.as, kind: step.kind, ...path });
    this.#kinds.set(step.as, step.kind);
    this.addresses.set(step.as, address as PeerAddress);
  }

  /** Connects to a peer. */
  async dial(step: StepOf<"dial">): Promise<void> {
    const address = this.addresses.get(step.to)!;
    const raw =
      await (typeof address === "string"
        ? Deno.connect({ transport: "unix", path: address })
        : Deno.connect({ hostname: address[0], port: address[1] }));
    this.#add(step.as, this.#kinds.get(step.to)!, new Socket(adopt(raw)));
    await this.peers.ask("accept", { from: step.to, as: step.peer });
  }

  /** A datagram socket. */
  async bind(step: StepOf<"bind">): Promise<void> {
    const socket = step.kind === "udp"
      ? bindDatagram({ hostname: "127.0.0.1", port: 0 })
      : bindDatagram({ transport: "unixpacket", path: this.#path() });
    this.#add(step.as, step.kind, socket);
    this.addresses.set(step.as, addressOf(socket.localAddr));
    await null;
  }

  /** A peer's datagram socket. */
  async peerBind(step: StepOf<"peerBind">): Promise<void> {
    const path = step.kind === "unixpacket" ? { path: this.#path() } : {};
    const to = this.addresses.get(step.to);
    const address = await this.peers.ask("bind", { as: step.as, kind: step.kind, to, ...path });
    this.addresses.set(step.as, address as PeerAddress);
  }

  /** A child process, whose pipes are polled. */
  async spawn(step: StepOf<"spawn">): Promise<void> {
    const gate = this.#path();
    await this.peers.ask("gate", { path: gate });
    const child = new Deno.Command("python3", {
      args: [new URL("peers.py", import.meta.url).pathname, "child", gate],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#children.push(child);
    this.#add(step.stdin, "pipe", writeTo(child.stdin));
    this.#add(step.stdout, "pipe", readFrom(child.stdout));
    await this.peers.ask("child", { as: step.peer });
  }

  #add(name: string, kind: string, thing: Thing): void {
    this.subjects.set(name, { kind, thing, sent: 0 });
  }

  #path(): string {
    return `${this.#folder}/${++this.#paths}`;
  }

  #newListener(kind: string): Listener {
    return kind === "unix"
      ? listen({ transport: "unix", path: this.#path() })
      : listen({ hostname: "127.0.0.1", port: 0 });
  }
}

function addressOf(addr: { path?: string | null; hostname?: string; port?: number }): PeerAddress {
  return addr.path ?? [addr.hostname!, addr.port!];
}
