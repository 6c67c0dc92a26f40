/**
 * Numbers of threads: which threads share memory, and which of them are still alive.
 *
 * A worker that ends (`terminate()`, `self.close()`, `Deno.exit()`, a crash) cannot say so itself, and
 * others may be blocked in shared memory, where no event reaches them. So there is a table in shared
 * memory with a line for each thread. The thread that starts a worker writes its line and passes it on at the
 * start; the same one takes it out when the worker's life line breaks. A lock holds the number of its
 * holder, and a thread that waits for the lock looks now and then whether that number is still in the table.
 *
 * A number is a line's place with a count of how often it was taken, so the number of a thread that
 * ended never means another one. A thread started inside a worker dies with it: its line names
 * its parent.
 *
 * Rejected: Web Locks held for life, which tell of every thread, but only those who can wait for a
 * promise. So a bare `new Worker` that nobody enrolled has a line too, but is taken to live for ever.
 */
import { printable } from "../../kernel/printable.ts";

/** How many threads can be alive at a time; Deno itself gives up before. */
const LINES = 1024;
const LINE_BITS = 10;
/** Names are cut after so many bytes. */
const NAME_BYTES = 63;

/** Words at the start: two that tell tables apart, and where to look for a free line. */
const HEADER = 4;
const SEARCH = 2;
/** The words of a line: its number (negative once it has ended), the wish that it end, its parent. */
const NUMBER = 0;
const STOP = 1;
const PARENT = 2;
const LINE_WORDS = 3;

const NAMES_AT = 4 * (HEADER + LINES * LINE_WORDS);

/** What tells a thread which line is its own. It can be cloned. */
export interface ThreadTicket {
  /** The table. */
  readonly table: SharedArrayBuffer;
  /** The number in it. */
  readonly number: number;
}

/** One table, as one thread sees it. */
export class ThreadTable {
  /** The memory. */
  readonly buffer: SharedArrayBuffer;
  /** Its words. */
  readonly words: Int32Array;
  /** Its names. */
  readonly names: Uint8Array;

  /** Views a table. */
  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer, 0, NAMES_AT / 4);
    this.names = new Uint8Array(buffer, NAMES_AT);
  }

  /** Makes an empty one. */
  static make(): ThreadTable {
    const table = new ThreadTable(new SharedArrayBuffer(NAMES_AT + LINES * (1 + NAME_BYTES)));
    crypto.getRandomValues(new Int32Array(2)).forEach((word, i) => table.words[i] = word);
    return table;
  }

  /** Whether both are views of the same memory: a clone is another object. */
  isSame(other: ThreadTable): boolean {
    return this.words[0] === other.words[0] && this.words[1] === other.words[1];
  }

  /** Enters a thread, and returns its number. */
  enter(name: string, parent: number): number {
    const { words } = this;
    for (let tries = 0; tries < LINES; tries++) {
      // Round robin, so that the name of one that ended stays readable for long.
      const line = Atomics.add(words, SEARCH, 1) & (LINES - 1);
      const at = HEADER + line * LINE_WORDS;
      const old = Atomics.load(words, at + NUMBER);
      // A thread whose parent has ended is gone, too, and nobody is left to take it out.
      if (old > 0 && this.isAlive(old)) continue;
      const count = ((Math.abs(old) >> LINE_BITS) + 1) & 0x7ffff;
      const number = (Math.max(1, count) << LINE_BITS) | line;
      // The line is not valid before its number is in it, so that its parts can be written first; but
      // two may be writing, so the number is put there negative to begin with.
      if (Atomics.compareExchange(words, at + NUMBER, old, -number) !== old) continue;
      Atomics.store(words, at + STOP, 0);
      Atomics.store(words, at + PARENT, parent);
      this.#writeName(line, name);
      if (Atomics.compareExchange(words, at + NUMBER, -number, number) === -number) return number;
    }
    throw new RangeError(`Cannot start another thread: ${LINES} are alive`);
  }

  /** Takes a thread out. */
  remove(number: number): void {
    Atomics.compareExchange(this.words, lineOf(number) + NUMBER, number, -number);
  }

  /** Whether a thread, and the one that started it, and so on, is in it. */
  isAlive(number: number): boolean {
    let each = number;
    for (let i = 0; i < LINES && each !== 0; i++) {
      if (Atomics.load(this.words, lineOf(each) + NUMBER) !== each) return false;
      each = this.words[lineOf(each) + PARENT]!;
    }
    return each === 0;
  }

  /** The name of a thread, as long as nobody else has its line. */
  nameOf(number: number): string {
    const known = Math.abs(Atomics.load(this.words, lineOf(number) + NUMBER)) === number;
    if (!known) return "a thread that ended long ago";
    const at = (number & (LINES - 1)) * (1 + NAME_BYTES);
    const length = Math.min(this.names[at]!, NAME_BYTES);
    return new TextDecoder().decode(this.names.slice(at + 1, at + 1 + length));
  }

  #writeName(line: number, name: string): void {
    const at = line * (1 + NAME_BYTES);
    const bytes = new Uint8Array(NAME_BYTES);
    const { written } = new TextEncoder().encodeInto(name, bytes);
    this.names[at] = written;
    this.names.set(bytes, at + 1);
  }
}

function lineOf(number: number): number {
  return HEADER + (number & (LINES - 1)) * LINE_WORDS;
}

/** This thread, as one table knows it. */
export class ThreadId {
  /** Its number: positive, below 2^29. */
  readonly number: number;
  readonly #table: ThreadTable;
  readonly #stopAt: number;

  /** The thread with some number. */
  constructor(table: ThreadTable, number: number) {
    this.#table = table;
    this.number = number;
    this.#stopAt = lineOf(number) + STOP;
  }

  /** The table, to hand on. */
  get table(): SharedArrayBuffer {
    return this.#table.buffer;
  }

  /** Its name. */
  get name(): string {
    return this.#table.nameOf(this.number);
  }

  /** Whether it has been told to end, or was taken out of the table, so that it must not block any longer. */
  get stopped(): boolean {
    const { words } = this.#table;
    return Atomics.load(words, this.#stopAt) !== 0 ||
      Atomics.load(words, lineOf(this.number) + NUMBER) !== this.number;
  }

  /** Whether the thread with this number is alive, as far as anybody knows. */
  isAlive(number: number): boolean {
    return this.#table.isAlive(number);
  }

  /** The name of the thread with this number, also when it has ended. */
  nameOf(number: number): string {
    return this.#table.nameOf(number);
  }

  /** Enters a thread that this one starts. */
  enrol(name: string): ThreadTicket {
    return { table: this.#table.buffer, number: this.#table.enter(printable(name), this.number) };
  }

  /** Whether it stands in this table. */
  isIn(table: ThreadTable): boolean {
    return this.#table.isSame(table);
  }
}

/** This thread's lines: one, unless it was handed memory that an un-enrolled thread had made. */
const own: ThreadId[] = [];

function ownName(): string {
  if (!("WorkerGlobalScope" in globalThis)) return "main";
  const { name } = globalThis as { name?: unknown };
  return typeof name === "string" && name !== "" ? printable(name) : "worker";
}

/** This thread, entered in a table of its own if it is in none. */
export function thisThread(): ThreadId {
  return own[0] ?? enter(ThreadTable.make());
}

/** How many locks, and permits that are missed when it dies, this thread has. */
export const threadLocks: { held: number } = { held: 0 };

/** This thread as some table knows it, entered there if it is not yet. */
export function threadIn(buffer: SharedArrayBuffer): ThreadId {
  const table = new ThreadTable(buffer);
  return own.find((thread) => thread.isIn(table)) ?? enter(table);
}

function enter(table: ThreadTable): ThreadId {
  const thread = new ThreadId(table, table.enter(ownName(), 0));
  own.push(thread);
  return thread;
}

/** For code that starts a thread: enters it in this thread's table; the ticket is for its first message. */
export function enrolThread(name: string): ThreadTicket {
  return thisThread().enrol(name);
}

/** For a thread that was started with a ticket: takes its line. Without effect if it has one already. */
export function takeTicket({ table, number }: ThreadTicket): void {
  const found = new ThreadTable(table);
  if (!own.some((thread) => thread.isIn(found))) own.unshift(new ThreadId(found, number));
}

/** For code that started a thread: asks it not to block any longer. It sees that within a moment. */
export function stopThread({ table, number }: ThreadTicket): void {
  const { words } = new ThreadTable(table);
  if (words[lineOf(number) + NUMBER] === number) Atomics.store(words, lineOf(number) + STOP, 1);
}

/** For code that started a thread: takes it out of the table, because it has ended. Threads that wait for it are told. */
export function removeThread({ table, number }: ThreadTicket): void {
  new ThreadTable(table).remove(number);
}
