/**
 * Plays a scenario on weft's registry and writes down what it had to say, in the form of golden.json.
 *
 * It is what `record.py` is for CPython, step by step; see there for what each step means. Two things
 * differ. There is no kernel state to look at until it is still: instead a poll that may settle is repeated
 * until it gives the expected answer, or time is up, and once more a little later, to see that the right
 * answer stays. And weft has error classes of its own, which stand for the names of CPython's
 * (see {@linkcode STANDS_FOR}).
 */
import {
  adopt,
  bindDatagram,
  BrokenError,
  BusyError,
  ClosedError,
  DatagramSocket,
  type EventRegistry,
  fileno,
  listen,
  Listener,
  NotRegisteredError,
  PipeReader,
  PipeWriter,
  poll,
  POLLERR,
  POLLET,
  type PollEvent,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLONESHOT,
  POLLOUT,
  POLLPRI,
  readFrom,
  select,
  Socket,
  stdin,
  WouldBlock,
  writeTo,
} from "@weft/weft";
import { delay } from "@std/async/delay";
import type { PeerAddress, Peers } from "./peers.ts";
import type { GoldenLine, Mask, Scenario, Step, Target } from "./scenario.ts";

/** How long an answer may take to become the expected one, in milliseconds. */
const PATIENCE = 500;
/** Shorter timeouts are not told apart from none, in milliseconds. */
const MEASURABLE = 5;
/** After this many milliseconds an answer must still be the same. */
const STILL = 3;
/** How long the steps beside a waiting poll leave it to begin waiting, in milliseconds. */
const HEAD_START = 10;
/** How long what peers have sent may take to arrive, in milliseconds. */
const ARRIVAL = 10;

const BITS: readonly (readonly [string, number])[] = [
  ["IN", POLLIN],
  ["PRI", POLLPRI],
  ["OUT", POLLOUT],
  ["ERR", POLLERR],
  ["HUP", POLLHUP],
  ["NVAL", POLLNVAL],
  ["RDHUP", 0x2000],
  ["ET", POLLET],
  ["ONESHOT", POLLONESHOT],
];

/** Which of CPython's exceptions and errno names an error of weft stands for. */
const STANDS_FOR: readonly (readonly [(error: unknown) => boolean, readonly string[]])[] = [
  [(e) => e instanceof WouldBlock, ["EAGAIN"]],
  [(e) => e instanceof BrokenError, ["ECONNRESET", "EPIPE"]],
  [(e) => e instanceof ClosedError, ["EPIPE", "EBADF", "ValueError"]],
  [(e) => e instanceof BusyError, ["RuntimeError"]],
  [(e) => e instanceof NotRegisteredError, ["KeyError", "ENOENT"]],
  [(e) => e instanceof RangeError, ["ValueError", "OverflowError"]],
  [(e) => e instanceof TypeError, ["TypeError"]],
];

/** What is polled. */
type Thing = Listener | Socket | DatagramSocket | PipeReader | PipeWriter;

/** A handle of the polled side. */
interface Subject {
  readonly kind: string;
  readonly thing: Thing;
  sent: number;
}

/** A registry, and for edges the one they are settled on. */
interface Registry {
  readonly poller: EventRegistry;
  readonly level: EventRegistry | null;
  readonly names: Map<number, string>;
}

/** What a step may record beside its place. */
type Said = Pick<
  GoldenLine,
  "waited" | "ready" | "result" | "raised" | "read" | "write" | "except"
>;
type StepOf<K extends Step["do"], S = Step> = S extends { readonly do: infer D }
  ? Extract<D, K> extends never ? never : S
  : never;

/** Steps whose errors are recorded; in any other step an error is a fault of the player. */
const UNDER_TEST = new Set<Step["do"]>([
  ...["tryAccept", "dialStart", "send", "recv", "recvFrom", "sendTo", "closeWrite"] as const,
  ...["register", "modify", "unregister", "poll", "select"] as const,
]);

/** Plays one scenario; `golden` is what a right answer looks like, for those that need waiting for. */
export async function play(
  scenario: Scenario,
  golden: readonly GoldenLine[],
  peers: Peers,
): Promise<GoldenLine[]> {
  await using player = new Player(golden, peers);
  for (const [step, what] of scenario.steps.entries()) {
    await player.step(what, { step, do: what.do }, player.lines);
  }
  return player.lines;
}

class Player implements AsyncDisposable {
  readonly lines: GoldenLine[] = [];
  readonly #golden: readonly GoldenLine[];
  readonly #peers: Peers;
  readonly #subjects = new Map<string, Subject>();
  readonly #registries = new Map<string, Registry>([["P", newRegistry("poll")]]);
  readonly #addresses = new Map<string, PeerAddress>();
  readonly #kinds = new Map<string, string>();
  readonly #received = new Map<string, number>();
  readonly #children: Deno.ChildProcess[] = [];
  readonly #folder = Deno.makeTempDirSync({ prefix: "weft-" });
  #paths = 0;

  constructor(golden: readonly GoldenLine[], peers: Peers) {
    this.#golden = golden;
    this.#peers = peers;
  }

  /** Does one step and adds to `lines` what it had to say. */
  async step(step: Step, place: GoldenLine, lines: GoldenLine[]): Promise<void> {
    const expected = this.#golden.find((line) =>
      line.step === place.step && line.meanwhile === place.meanwhile
    );
    let said: Said | void;
    try {
      said = await this.#do(step, place, expected);
    } catch (error) {
      if (!UNDER_TEST.has(step.do)) throw error;
      said = { raised: nameOf(error, expected?.raised) };
    }
    if (said) lines.push({ ...place, ...said });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peers.ask("clear");
    for (const { thing } of this.#subjects.values()) await thing[Symbol.asyncDispose]();
    for (const { poller, level } of this.#registries.values()) {
      poller.close();
      level?.close();
    }
    for (const child of this.#children) await child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }

  #do(step: Step, place: GoldenLine, expected: GoldenLine | undefined): Promise<Said | void> {
    switch (step.do) {
      case "listen":
        return this.#listen(step);
      case "connect":
        return this.#connect(step);
      case "accept":
        return this.#accept(step, "ok").then(() => {});
      case "tryAccept":
        return this.#accept(step, expected?.result);
      case "pair":
        return this.#pair(step);
      case "peerListen":
        return this.#peerListen(step);
      case "dial":
        return this.#dial(step);
      case "bind":
        return this.#bind(step);
      case "peerBind":
        return this.#peerBind(step);
      case "spawn":
        return this.#spawn(step);
      case "stdin":
        return Promise.resolve(this.#add(step.as, "pipe", stdin()));
      case "dialStart":
      case "socket":
        throw new TypeError(
          `Cannot play "${step.do}": on Deno there is no handle before a connection`,
        );
      case "registry":
        this.#registries.get(step.as)?.poller.close();
        this.#registries.set(step.as, newRegistry(step.kind));
        return Promise.resolve();
      case "register":
      case "modify":
      case "unregister":
        return this.#registration(step);
      case "poll":
        return this.#poll(step, place, expected);
      case "select":
        return this.#select(step, expected);
      default:
        return this.#traffic(step, expected);
    }
  }

  #subject(name: string): Subject {
    const subject = this.#subjects.get(name);
    if (subject === undefined) throw new Error(`Cannot find handle "${name}"`);
    return subject;
  }

  #add(name: string, kind: string, thing: Thing): void {
    this.#subjects.set(name, { kind, thing, sent: 0 });
  }

  #path(): string {
    return `${this.#folder}/${++this.#paths}`;
  }

  // -- Handles and peers --

  #newListener(kind: string): Listener {
    return kind === "unix"
      ? listen({ transport: "unix", path: this.#path() })
      : listen({ hostname: "127.0.0.1", port: 0 });
  }

  async #listen(step: StepOf<"listen">): Promise<void> {
    const listener = this.#newListener(step.kind);
    this.#add(step.as, step.kind, listener);
    this.#addresses.set(step.as, addressOf(listener.localAddr));
    await null;
  }

  async #connect(step: StepOf<"connect">): Promise<void> {
    const { kind } = this.#subject(step.to);
    await this.#peers.ask("connect", { as: step.as, kind, address: this.#addresses.get(step.to) });
  }

  async #accept(step: StepOf<"accept">, expected: unknown): Promise<Said> {
    const { kind, thing } = this.#subject(step.from);
    const socket = await arrived(expected !== undefined, () => (thing as Listener).tryAccept());
    this.#add(step.as, kind, socket);
    return { result: "ok" };
  }

  async #pair(step: StepOf<"pair">): Promise<void> {
    const listener = this.#newListener(step.kind);
    const address = addressOf(listener.localAddr);
    await this.#peers.ask("connect", { as: step.peer, kind: step.kind, address });
    this.#add(step.as, step.kind, await arrived(true, () => listener.tryAccept()));
    await listener.close();
  }

  async #peerListen(step: StepOf<"peerListen">): Promise<void> {
    const path = step.kind === "unix" ? { path: this.#path() } : {};
    const address = await this.#peers.ask("listen", { as: step.as, kind: step.kind, ...path });
    this.#kinds.set(step.as, step.kind);
    this.#addresses.set(step.as, address as PeerAddress);
  }

  async #dial(step: StepOf<"dial">): Promise<void> {
    const address = this.#addresses.get(step.to)!;
    const raw =
      await (typeof address === "string"
        ? Deno.connect({ transport: "unix", path: address })
        : Deno.connect({ hostname: address[0], port: address[1] }));
    this.#add(step.as, this.#kinds.get(step.to)!, new Socket(adopt(raw)));
    await this.#peers.ask("accept", { from: step.to, as: step.peer });
  }

  async #bind(step: StepOf<"bind">): Promise<void> {
    const socket = step.kind === "udp"
      ? bindDatagram({ hostname: "127.0.0.1", port: 0 })
      : bindDatagram({ transport: "unixpacket", path: this.#path() });
    this.#add(step.as, step.kind, socket);
    this.#addresses.set(step.as, addressOf(socket.localAddr));
    await null;
  }

  async #peerBind(step: StepOf<"peerBind">): Promise<void> {
    const path = step.kind === "unixpacket" ? { path: this.#path() } : {};
    const to = this.#addresses.get(step.to);
    const address = await this.#peers.ask("bind", { as: step.as, kind: step.kind, to, ...path });
    this.#addresses.set(step.as, address as PeerAddress);
  }

  async #spawn(step: StepOf<"spawn">): Promise<void> {
    const gate = this.#path();
    await this.#peers.ask("gate", { path: gate });
    const child = new Deno.Command("python3", {
      args: [new URL("peers.py", import.meta.url).pathname, "child", gate],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#children.push(child);
    this.#add(step.stdin, "pipe", writeTo(child.stdin));
    this.#add(step.stdout, "pipe", readFrom(child.stdout));
    await this.#peers.ask("child", { as: step.peer });
  }

  // -- Registry --

  #registry(step: { readonly registry?: string }): Registry {
    return this.#registries.get(step.registry ?? "P")!;
  }

  async #registration(step: StepOf<"register" | "modify" | "unregister">): Promise<void> {
    const { poller, level, names } = this.#registry(step);
    const target = this.#target(step);
    for (const registry of level === null ? [poller] : [poller, level]) {
      const mask = "mask" in step && step.mask !== undefined ? maskOf(step.mask) : undefined;
      const given = registry === level && mask !== undefined
        ? mask & ~(POLLET | POLLONESHOT)
        : mask;
      if (step.do === "unregister") registry.unregister(target);
      else if (step.do === "modify") registry.modify(target, given!);
      else if (given === undefined) registry.register(target);
      else registry.register(target, given);
    }
    if (step.do === "register") {
      names.set(numberOf(target), "handle" in step ? step.handle : `fd${step.fd}`);
    }
    await null;
  }

  #target(step: Target): number | Thing {
    if ("fd" in step) return step.fd as number;
    const { thing } = this.#subject(step.handle);
    return step.by === "object" ? thing : numberOf(thing);
  }

  async #poll(
    step: StepOf<"poll">,
    place: GoldenLine,
    expected: GoldenLine | undefined,
  ): Promise<Said> {
    const { poller, level, names } = this.#registry(step);
    const tell = (events: PollEvent[]): Said => ({ ready: readyText(events, names) });
    if (step.timeout === undefined && step.meanwhile === undefined) {
      if (level === null) {
        return await settled(
          async () => tell(await poller.poll(0)),
          (said) => said.ready === expected?.ready,
        );
      }
      await stilled(level);
      return tell(await poller.poll(0));
    }
    if (step.timeout !== 0) await delay(ARRIVAL);
    const timeout = step.timeout === "wait" ? [] : [step.timeout as number];
    const begin = performance.now();
    const polling = poller.poll(...timeout).then(tell);
    const beside = step.meanwhile === undefined ? null : this.#beside(step.meanwhile, place.step);
    try {
      const end = await time(polling);
      const said = await polling;
      return { ...waitedField(step.timeout, begin, end, said.ready !== ""), ...said };
    } finally {
      this.lines.push(...await beside ?? []);
    }
  }

  async #beside(steps: readonly Step[], step: number): Promise<GoldenLine[]> {
    await delay(HEAD_START);
    const lines: GoldenLine[] = [];
    for (const [meanwhile, what] of steps.entries()) {
      await this.step(what, { step, meanwhile, do: what.do }, lines);
    }
    return lines;
  }

  async #select(step: StepOf<"select">, expected: GoldenLine | undefined): Promise<Said> {
    const lists = [step.read, step.write, step.except].map((names) =>
      names.map((name) => this.#subject(name).thing)
    );
    const nameOf = (thing: Thing): string => {
      for (const [name, subject] of this.#subjects) if (subject.thing === thing) return name;
      return "?";
    };
    const once = async (): Promise<Said> => {
      const begin = performance.now();
      const ready = await select(lists[0]!, lists[1]!, lists[2]!, step.timeout);
      const end = performance.now();
      const [read, write, except] = ready.map((list) => list.map(nameOf).sort().join(" "));
      return {
        ...waitedField(step.timeout, begin, end, ready.some((list) => list.length > 0)),
        read: read!,
        write: write!,
        except: except!,
      };
    };
    await delay(ARRIVAL);
    if (step.timeout > 0) return await once();
    return await settled(
      once,
      (said) =>
        (["read", "write", "except"] as const).every((key) => said[key] === expected?.[key]),
    );
  }

  // -- Traffic --

  async #traffic(step: Step, expected: GoldenLine | undefined): Promise<Said | void> {
    const comes = expected?.raised !== "EAGAIN";
    switch (step.do) {
      case "send":
        return this.#send(step);
      case "fill":
        return this.#fill(step);
      case "recv": {
        const { thing } = this.#subject(step.handle);
        const data = await arrived(comes, () => (thing as Socket).tryRecv(step.bytes));
        return { result: data.length };
      }
      case "recvFrom": {
        const { thing } = this.#subject(step.handle);
        const [data] = await arrived(
          comes,
          () => (thing as DatagramSocket).tryRecvFrom(step.bytes),
        );
        return { result: data.length };
      }
      case "sendTo": {
        const { thing } = this.#subject(step.handle);
        const to = denoAddress(this.#addresses.get(step.peer)!);
        const result = (thing as DatagramSocket).trySendTo(new Uint8Array(step.bytes), to as never);
        await delay(STILL);
        return { result };
      }
      case "closeWrite":
        return (this.#subject(step.handle).thing as Socket).closeWrite();
      case "close":
        this.#subject(step.handle).thing.close();
        return await delay(STILL);
      default:
        return await this.#peer(step as StepOf<"peerSend">);
    }
  }

  async #send(step: StepOf<"send">): Promise<Said> {
    const subject = this.#subject(step.handle);
    const result = (subject.thing as Socket).trySend(new Uint8Array(step.bytes).fill(120));
    subject.sent += result;
    await delay(STILL);
    return { result };
  }

  async #fill(step: StepOf<"fill">): Promise<void> {
    const subject = this.#subject(step.handle);
    const data = new Uint8Array(step.peer === undefined ? 65536 : 10).fill(120);
    const to = step.peer === undefined ? null : denoAddress(this.#addresses.get(step.peer)!);
    const put = (): number =>
      to === null
        ? (subject.thing as Socket).trySend(data)
        : (subject.thing as DatagramSocket).trySendTo(data, to as never);
    for (let refusals = 0; refusals < 10;) {
      try {
        subject.sent += put();
        refusals = 0;
      } catch (error) {
        if (!(error instanceof WouldBlock)) throw error;
        refusals++;
        await delay(STILL);
      }
    }
  }

  async #peer(step: Step): Promise<Said | void> {
    switch (step.do) {
      case "peerSend":
        await this.#peers.ask("send", { peer: step.peer, bytes: step.bytes });
        return;
      case "peerRecv":
        return await this.#peerRecv(step.peer, step.bytes);
      case "peerDrain": {
        const left = this.#subject(step.handle).sent - (this.#received.get(step.peer) ?? 0);
        return await this.#peerRecv(step.peer, left);
      }
      case "peerSees":
        await delay(ARRIVAL);
        return { result: await this.#peers.ask("sees", { peer: step.peer }) as string };
      case "peerUrgent":
      case "peerCloseRead":
      case "peerCloseWrite":
      case "peerClose":
      case "peerReset":
      case "peerExit":
      case "peerKill": {
        const op = step.do.slice(4);
        await this.#peers.ask(op[0]!.toLowerCase() + op.slice(1), { peer: step.peer });
        return;
      }
    }
    throw new Error(`Cannot play "${step.do}"`);
  }

  async #peerRecv(peer: string, bytes: number): Promise<void> {
    const count = await this.#peers.ask("recv", { peer, bytes }) as number;
    this.#received.set(peer, (this.#received.get(peer) ?? 0) + count);
  }
}

function newRegistry(kind: "poll" | "epoll"): Registry {
  return { poller: poll(), level: kind === "epoll" ? poll() : null, names: new Map() };
}

function numberOf(target: number | Thing): number {
  return typeof target === "object" ? fileno(target.handle) : target;
}

function maskOf(mask: Mask): number {
  if (typeof mask === "number" || mask === "0") return Number(mask);
  return mask.split("|").reduce((sum, name) => sum + BITS.find(([bit]) => bit === name)![1], 0);
}

function readyText(events: readonly PollEvent[], names: ReadonlyMap<number, string>): string {
  const words = (mask: number): string =>
    BITS.filter(([, bit]) => (mask & bit) !== 0).map(([name]) => name).join("|");
  return events.map(([fd, mask]) => `${names.get(fd)}=${words(mask)}`).sort().join(" ");
}

function addressOf(addr: { path?: string | null; hostname?: string; port?: number }): PeerAddress {
  return addr.path ?? [addr.hostname!, addr.port!];
}

function denoAddress(address: PeerAddress): Deno.Addr {
  return typeof address === "string"
    ? { transport: "unixpacket", path: address }
    : { transport: "udp", hostname: address[0], port: address[1] };
}

/** Tries until something has come; if nothing is to come, once more after the time that it would take. */
async function arrived<T>(comes: boolean, attempt: () => T): Promise<T> {
  const end = performance.now() + (comes ? PATIENCE : ARRIVAL);
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!(error instanceof WouldBlock) || performance.now() > end) throw error;
      await delay(1);
    }
  }
}

/** Asks until the answer is right, then whether it stays so. */
async function settled(ask: () => Promise<Said>, isRight: (said: Said) => boolean): Promise<Said> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const said = await ask();
    if (isRight(said)) break;
    if (performance.now() > end) return said;
    await delay(1);
  }
  await delay(STILL);
  return await ask();
}

/** Lets everything that is under way arrive, as far as a level-triggered registry shows it. */
async function stilled(level: EventRegistry): Promise<void> {
  for (let looks = 0; looks < 4; looks++) {
    await level.poll(0);
    await delay(STILL);
  }
}

async function time(polling: PromiseLike<unknown>): Promise<number> {
  await polling;
  return performance.now();
}

/**
 * Whether a timed wait took its whole timeout; timers may ring a fraction of a millisecond early. Below
 * `MEASURABLE` a busy machine takes longer whatever happens: there an answer tells that it did not wait.
 */
function waitedField(timeout: unknown, begin: number, end: number, ready: boolean): Said {
  if (typeof timeout !== "number" || timeout <= 0 || timeout >= 2 ** 31) return {};
  if (timeout < MEASURABLE && ready) return { waited: false };
  return { waited: end - begin >= timeout - 0.5 };
}

function nameOf(error: unknown, expected: string | undefined): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  for (const [is, names] of STANDS_FOR) {
    if (is(error)) return expected !== undefined && names.includes(expected) ? expected : names[0]!;
  }
  throw error;
}
