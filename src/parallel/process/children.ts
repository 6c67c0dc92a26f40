/**
 * The children of this process, and what becomes of them when it, or the run that started them, ends.
 *
 * As in Python: daemons are terminated first, then the others are waited for. A run does so before it
 * gives back anything else, because its children may still use a pipe or a socket that it owns. A
 * program that is no run needs nothing of that for workers: one that is no daemon keeps it alive, one
 * that is ends with it. Only a daemon that is a real process has to be told, at `unload`.
 */
import { currentScope } from "../../kernel/context.ts";
import type { Resource } from "../../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../../kernel/scheduler.ts";
import { currentProcess } from "./current.ts";

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
