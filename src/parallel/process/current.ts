/**
 * The process that runs this code, as its own code sees it, and its children.
 *
 * A realm (a worker's, a process's) holds one process, so what stands here is plain module state,
 * written once by the entry. The stop flag is read from shared memory where there is some, so that a
 * loop that never waits can see it, too.
 *
 * What a stop cancels are the runs of this realm: every task of each, and also the small run behind an
 * `await` of plain async code. They are found in the ledger of held resources, because the user's code
 * may have started its run by itself, where nobody can hand it a signal.
 *
 * When this process ends, or the run that started a child, then, as in Python, daemons are terminated first,
 * and then the others are waited for. A run does so before it gives back anything else, because its children
 * may still use a pipe or a socket that it owns. A program that is no run needs nothing of that for workers:
 * one that is no daemon keeps it alive, one that is ends with it. Only a daemon that is a real process has to
 * be told, at `unload`.
 */
import { currentScope } from "../../kernel/context.ts";
import { heldResources, type Resource } from "../../kernel/resource.ts";
import { RunLife } from "../../kernel/run_life.ts";
import { type Scheduler, schedulerOf } from "../../kernel/scheduler.ts";
import { StopSignal } from "../thread/realm.ts";
import { STOP_WORD } from "../thread/wire.ts";
import type { BeginMessage, ProcessInfo } from "./wire.ts";

/** The process that runs the code which asks. */
export interface CurrentProcess extends ProcessInfo {
  /** Its number, as in {@linkcode WorkerProcess.ident}; 0 for the main process. */
  readonly ident: number;
  /** Whether its parent ends without it. */
  readonly daemon: boolean;
  /** Who started it; `null` in the main process. */
  readonly parent: ProcessInfo | null;
  /**
   * Whether it was asked to stop, by `stop` or `terminate`. In a worker this can be polled in a loop
   * that never waits; in a subprocess the message arrives only between turns of the event loop.
   */
  readonly stopRequested: boolean;
  /** Aborts when it is asked to stop; its `aborted` can be polled like `stopRequested`. */
  readonly signal: AbortSignal;
  /** The name. */
  toString(): string;
}

/** The one process of this realm. */
export class Self implements CurrentProcess {
  /** Its name: `MainProcess` in what no {@linkcode WorkerProcess} started. */
  readonly name: string;
  /** The operating system's number of the process that this code runs in. */
  readonly pid: number = Deno.pid;
  /** Its number. */
  readonly ident: number;
  /** Whether its parent ends without it. */
  readonly daemon: boolean;
  /** Who started it. */
  readonly parent: ProcessInfo | null;
  readonly #stop: StopSignal;
  #asked = false;

  /** Made once in a realm. */
  constructor(begin: BeginMessage | null, words: Int32Array | null) {
    this.name = begin?.name ?? "MainProcess";
    this.ident = begin === null ? 0 : begin.backend === "worker" ? begin.ident : Deno.pid;
    this.daemon = begin?.daemon ?? false;
    this.parent = begin?.parent ?? null;
    this.#stop = new StopSignal(
      () => words !== null && Atomics.load(words, STOP_WORD) !== 0,
      () => this.stop(new DOMException("The process was asked to stop", "AbortError")),
    );
  }

  /** Whether it was asked to stop; looks at the shared word. */
  get stopRequested(): boolean {
    return this.#stop.aborted;
  }

  /** Aborts when it is asked to stop. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** The name. */
  toString(): string {
    return this.name;
  }

  /** Aborts the signal, and cancels every task of every run of this realm. For the entry. */
  stop(reason: unknown): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#stop.abort(reason);
    for (const resource of heldResources()) {
      if (resource instanceof RunLife) resource.wind({ source: "shutdown", reason, cause: reason });
    }
  }
}

let current: Self | null = null;
let mainModule: string | null = null;
let idents: Int32Array | null = null;

/** Makes this realm that of a process. For the entry. */
export function enterProcess(
  begin: BeginMessage,
  words: Int32Array | null,
  sharedIdents: Int32Array | null,
): Self {
  mainModule = begin.mainModule;
  idents = sharedIdents;
  return current = new Self(begin, words);
}

/**
 * The process that runs this code: `multiprocessing.current_process()`.
 *
 * In a process made by {@linkcode WorkerProcess} it tells name and parent, and whether the process has
 * been asked to stop; elsewhere it stands for the main process.
 *
 * @example A loop that can be stopped
 * ```ts
 * import { currentProcess, jobs, WorkerProcess } from "@weft/weft";
 * const { count } = jobs(import.meta, {
 *   count(): void {
 *     for (let n = 0; !currentProcess().stopRequested; n++);
 *   },
 * });
 * if (import.meta.main) {
 *   const process = new WorkerProcess({ target: count });
 *   process.start();
 *   process.stop();
 *   await process.join();
 * }
 * ```
 */
export function currentProcess(): CurrentProcess {
  return current ??= new Self(null, null);
}

/** Who started this process; `null` in the main process: `multiprocessing.parent_process()`. */
export function parentProcess(): ProcessInfo | null {
  return currentProcess().parent;
}

/** How many processors the machine has for this process: `multiprocessing.cpu_count()`. */
export function cpuCount(): number {
  return navigator.hardwareConcurrency;
}

/** The main module of the program, also where a worker asks; `null` if that is not known. */
export function programModule(): string | null {
  return mainModule ?? (Deno.mainModule as string | undefined) ?? null;
}

/** The word that counts the workers of this operating system process. */
export function identWord(): Int32Array {
  return idents ??= new Int32Array(new SharedArrayBuffer(4));
}

/** The number of the next worker in this operating system process. */
export function nextIdent(): number {
  return Atomics.add(identWord(), 0, 1) + 1;
}

// -- The children of this process --

/** A child as this table sees it. */
export interface Child {
  /** The process itself. */
  readonly process: object;
  /** Whether its parent ends without it. */
  readonly daemon: boolean;
  /** Ends it; without effect when it has ended. */
  terminate(): void;
  /** Resolves when it has ended. */
  ended(): Promise<void>;
  /** Its name. */
  toString(): string;
}

/** Every child of this realm that is alive. */
const alive = new Set<Child>();

const families = new WeakMap<Scheduler, Family>();

let counted = 0;
let watching = false;

/** The children that one run started. */
class Family implements Resource {
  readonly #alive = new Set<Child>();

  /** That of the run whose code is running, if there is one. */
  static current(): Family | null {
    const scope = currentScope();
    if (scope === null) return null;
    const scheduler = schedulerOf(scope.task);
    let family = families.get(scheduler);
    if (family === undefined) {
      families.set(scheduler, family = new Family());
      // First of all: what the children are connected to stays open until they have ended.
      scheduler.resources.addFirst(family);
    }
    return family;
  }

  add(child: Child): void {
    this.#alive.add(child);
  }

  delete(child: Child): void {
    this.#alive.delete(child);
  }

  release(): Promise<void> {
    return endAll(this.#alive);
  }

  toString(): string {
    return `the processes ${[...this.#alive].join(", ")}`;
  }
}

/** Enters a child that has been started. Returns what takes it out. */
export function enterChild(child: Child): () => void {
  const family = Family.current();
  alive.add(child);
  family?.add(child);
  watchUnload();
  return () => {
    alive.delete(child);
    family?.delete(child);
  };
}

/** The children that are alive, in the order of their start. */
export function childrenAlive(): readonly Child[] {
  return [...alive];
}

/** Terminates the daemons, and waits for all. For the end of a process. */
export function endChildren(): Promise<void> {
  return endAll(alive);
}

/** The name of the next process of this one: after its class, with a number, which follows that of its parent. */
export function nextName(type: string): string {
  const { name, parent } = currentProcess();
  const path = parent === null ? "" : `${/(\d+(:\d+)*)$/.exec(name)?.[1] ?? name}:`;
  return `${type === "" ? "Process" : type}-${path}${++counted}`;
}

async function endAll(children: Set<Child>): Promise<void> {
  while (children.size > 0) {
    for (const child of children) if (child.daemon) child.terminate();
    await Promise.race([...children].map((child) => child.ended()));
  }
}

function watchUnload(): void {
  if (watching) return;
  watching = true;
  globalThis.addEventListener("unload", () => {
    for (const child of alive) if (child.daemon) child.terminate();
  });
}
