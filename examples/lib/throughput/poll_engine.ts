/**
 * The engine without tasks: one loop around weft's event registry, as a server around poll(2) has it.
 *
 * What a task keeps in its local variables and in the place where it waits, a loop has to keep in an
 * object for each connection: compare {@linkcode Client} with `echo` in `generator_tasks.ts`. Only
 * connecting is left to tasks, for a connect is an operation, not an event of a descriptor.
 */
import { connect, fileno, poll, POLLIN, run, type Socket, spawn } from "@weft/weft";
import { type Engine, type Outcome, simply, total } from "./engine.ts";
import type { Site, Workload } from "./plan.ts";
import { add, compute, decode, encode, MESSAGE_BYTES, saying, WORD_BYTES } from "./work.ts";

/** A client and how far it has come. */
class Client {
  /** What its answers add up to. */
  result = 0;
  readonly #id: number;
  readonly #rounds: number;
  readonly #message: Uint8Array;
  #began = performance.now();
  #round = 0;
  #filled = 0;

  constructor(id: number, workload: Workload, site: Site) {
    this.#id = id;
    this.#rounds = workload === "echo" ? site.rounds : 1;
    this.#message = new Uint8Array(workload === "echo" ? MESSAGE_BYTES : WORD_BYTES);
  }

  /** Sends the request of this round. There is room for it: the one before has been answered. */
  ask(socket: Socket, workload: Workload): void {
    const echoes = workload === "echo";
    if (echoes) this.#began = performance.now();
    const word = echoes ? saying(this.#id, this.#round) : this.#id;
    const request = encode(word, this.#message.length);
    const sent = socket.trySend(request);
    if (sent < request.length) throw new Error(`Only ${sent} bytes of a request could be sent`);
  }

  /** Takes what has arrived; says whether this was the end of the last answer. */
  hear(socket: Socket, workload: Workload, laps: number[]): boolean {
    const bytes = socket.tryRecv(this.#message.length - this.#filled);
    if (bytes.length === 0) throw new Error(`Connection of client ${this.#id} ended too early`);
    this.#message.set(bytes, this.#filled);
    this.#filled += bytes.length;
    if (this.#filled < this.#message.length) return false;
    const answer = decode(this.#message);
    this.result = add(this.result, workload === "mixed" ? compute(answer) : answer);
    laps.push(performance.now() - this.#began);
    this.#filled = 0;
    if (++this.#round === this.#rounds) return true;
    this.ask(socket, workload);
    return false;
  }
}

/** The loop over connections. */
function* serve(
  workload: Workload,
  ids: readonly number[],
  site: Site,
): Generator<unknown, Outcome, unknown> {
  const port = workload === "echo" ? site.echoPort : site.delayPort;
  using registry = poll();
  const clients = new Map<number, { client: Client; socket: Socket }>();
  for (const id of ids) {
    spawn(function* () {
      const client = new Client(id, workload, site);
      const socket = yield* connect({ hostname: "127.0.0.1", port });
      client.ask(socket, workload);
      clients.set(fileno(registry.register(socket, POLLIN)), { client, socket });
    });
  }
  const laps: number[] = [];
  const results: number[] = [];
  while (results.length < ids.length) {
    for (const [fd] of yield* registry.poll()) {
      const { client, socket } = clients.get(fd)!;
      if (!client.hear(socket, workload, laps)) continue;
      results.push(client.result);
      clients.delete(fd);
      registry.unregister(fd);
      socket.close();
    }
  }
  return { checksum: total(results), laps };
}

/** The loop when there is only computing to do: after each piece, it looks whether anything happened. */
function* grind(ids: readonly number[]): Generator<unknown, Outcome, unknown> {
  using registry = poll();
  const laps: number[] = [];
  const results: number[] = [];
  for (const id of ids) {
    const began = performance.now();
    results.push(compute(id));
    laps.push(performance.now() - began);
    yield* registry.poll(0);
  }
  return { checksum: total(results), laps };
}

/** One loop around a registry. */
export const pollLoop: Engine = simply((workload, ids, site) =>
  run(function* () {
    return yield* workload === "cpu" ? grind(ids) : serve(workload, ids, site);
  })
);
