/**
 * A room of a chat: who is in it, and what each datagram does. It knows nothing of sockets and clocks: a
 * member is an address, what goes out is a list.
 *
 * Whatever comes in, the worst that it gets is an error to its sender. An `error` is never answered: two
 * servers that somebody makes take each other for clients would else never stop.
 */

/** The longest datagram, in bytes. */
export const LONGEST = 1200;
/** The most members. */
const MOST_MEMBERS = 10_000;

/** What names may be made of: 1 to 32 code points, no white space, no control characters. */
const NAME = /^[^\s\p{Cc}]{1,32}$/u;

/** What goes out to one address. */
export interface Outgoing<A> {
  /** Where to. */
  readonly to: A;
  /** The datagram. */
  readonly data: Uint8Array;
}

interface Member<A> {
  readonly name: string;
  readonly at: A;
  heard: number;
}

/** What the sender of a datagram did wrong. */
class Nonsense extends Error {}

/** Whether somebody may be called so. */
export function isName(name: unknown): name is string {
  return typeof name === "string" && name.isWellFormed() && NAME.test(name);
}

/** A message as it is sent. */
export function pack(message: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** A room whose members have addresses of a kind, told apart by `keyOf`. */
export class Room<A> {
  readonly #keyOf: (at: A) => string;
  readonly #members = new Map<string, Member<A>>();
  readonly #byName = new Map<string, Member<A>>();

  /** An empty one. */
  constructor(keyOf: (at: A) => string) {
    this.#keyOf = keyOf;
  }

  /** The effect of a datagram that arrived at `now` (milliseconds). */
  receive(data: Uint8Array, from: A, now: number): Outgoing<A>[] {
    const member = this.#members.get(this.#keyOf(from));
    if (member !== undefined) member.heard = now;
    try {
      const message = parse(data);
      if (message.type === "error") return [];
      return this.#answer(message, from, member, now);
    } catch (error) {
      if (!(error instanceof Nonsense)) throw error;
      return [{ to: from, data: pack({ type: "error", message: error.message }) }];
    }
  }

  /** Removes those who were not heard of since `time`. */
  expire(time: number): Outgoing<A>[] {
    const gone = [...this.#members.values()].filter(({ heard }) => heard < time);
    return gone.flatMap((member) => this.#remove(member));
  }

  #answer(
    message: Record<string, unknown>,
    from: A,
    member: Member<A> | undefined,
    now: number,
  ): Outgoing<A>[] {
    switch (message.type) {
      case "join":
        return this.#join(message.name, from, member, now);
      case "ping":
        return [{ to: from, data: pack({ type: "pong" }) }];
      case "who":
        return this.#who(from);
      case "say":
        return this.#say(message.text, joined(member, "say something"));
      case "to":
        return this.#tell(message.name, message.text, joined(member, "tell somebody something"));
      case "leave":
        return this.#remove(joined(member, "leave"));
      default:
        throw new Nonsense("there is no message of that type");
    }
  }

  #join(name: unknown, at: A, member: Member<A> | undefined, now: number): Outgoing<A>[] {
    if (!isName(name)) {
      throw new Nonsense(
        "a name has 1 to 32 characters, none of them white space or a control character",
      );
    }
    const data = pack({ type: "joined", name });
    if (member !== undefined) {
      if (member.name !== name) throw new Nonsense("you have joined under another name");
      return [{ to: at, data }]; // the first answer was lost
    }
    if (this.#byName.has(name)) throw new Nonsense("that name is in use");
    if (this.#members.size >= MOST_MEMBERS) throw new Nonsense("the room is full");
    const newcomer = { name, at, heard: now };
    this.#members.set(this.#keyOf(at), newcomer);
    this.#byName.set(name, newcomer);
    return this.#toAll(data);
  }

  #say(text: unknown, { name, at }: Member<A>): Outgoing<A>[] {
    const data = fitting({ type: "said", from: name, text: checkText(text) });
    return this.#toAll(data).filter(({ to }) => to !== at);
  }

  #tell(name: unknown, text: unknown, { name: from }: Member<A>): Outgoing<A>[] {
    const other = typeof name === "string" ? this.#byName.get(name) : undefined;
    const data = fitting({ type: "told", from, text: checkText(text) });
    if (other === undefined) throw new Nonsense("nobody of that name is here");
    return [{ to: other.at, data }];
  }

  /** Who is here, in as many datagrams as that takes. */
  #who(to: A): Outgoing<A>[] {
    const lists: string[][] = [[]];
    const room = LONGEST - pack({ type: "who", names: [] }).length;
    let used = 0;
    for (const name of [...this.#byName.keys()].sort(byCodePoint)) {
      const length = pack(name).length + 1;
      if (used + length > room + 1) {
        lists.push([]);
        used = 0;
      }
      lists.at(-1)!.push(name);
      used += length;
    }
    return lists.map((names) => ({ to, data: pack({ type: "who", names }) }));
  }

  /** The one who leaves hears of it, too: it is the answer. */
  #remove(member: Member<A>): Outgoing<A>[] {
    const outgoing = this.#toAll(pack({ type: "left", name: member.name }));
    this.#members.delete(this.#keyOf(member.at));
    this.#byName.delete(member.name);
    return outgoing;
  }

  #toAll(data: Uint8Array): Outgoing<A>[] {
    return [...this.#members.values()].map(({ at }) => ({ to: at, data }));
  }
}

function parse(data: Uint8Array): Record<string, unknown> {
  if (data.length > LONGEST) throw new Nonsense(`a datagram has at most ${LONGEST} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch {
    throw new Nonsense("that is no JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Nonsense("that is no JSON object");
}

function joined<M>(member: M | undefined, what: string): M {
  if (member === undefined) throw new Nonsense(`join before you ${what}`);
  return member;
}

function checkText(text: unknown): string {
  if (typeof text === "string") return text;
  throw new Nonsense("a text is missing");
}

function fitting(message: unknown): Uint8Array {
  const data = pack(message);
  if (data.length <= LONGEST) return data;
  throw new Nonsense("the text is too long once your name is added");
}

/** The order of Python and of UTF-8; JavaScript's own goes by halves of surrogate pairs. */
function byCodePoint(a: string, b: string): number {
  const x = [...a];
  const y = [...b];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const difference = x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return x.length - y.length;
}
