/**
 * What a poll registry takes: the end of a pipe, a future, or a process, by whether there is something to
 * receive, or whether it has settled, or ended.
 *
 * The registry asks for what a handle of `src/io` offers, and nothing of that folder is needed for it: see
 * `Pollable` there, which this has the shape of.
 */

/** Bits of poll(2). */
export const IN = 0x1;
/** Something can be sent. */
export const OUT = 0x4;
/** The other side is gone. */
export const HUP = 0x10;

/** Is told when something has become ready. */
export interface ReadyWatcher {
  /** `fresh` has the bits of which there is news. */
  readinessChanged(source: ReadyHandle, fresh: number, ready?: number): void;
}

/** What a handle stands for. */
export interface ReadySource {
  /** What it is ready for now, as bits. */
  readonly bits: number;
  /** Whether it was closed here. */
  readonly closed: boolean;
  /** Calls `told` once, when it may have become ready for more of `interest`; returns what ends that. */
  wait(interest: number, told: () => void): () => void;
  /** Its name. */
  toString(): string;
}

/** A handle for a poll registry; {@linkcode connectionWait} needs none. */
export class ReadyHandle {
  readonly #source: ReadySource;
  readonly #watchers = new Set<ReadyWatcher>();
  #interest = 0;
  #stop: (() => void) | null = null;
  #atClose: (() => void)[] = [];
  /** What the watchers were told last. */
  #told = 0;

  /** A handle of something. */
  constructor(source: ReadySource) {
    this.#source = source;
  }

  /** What it is ready for, as bits of poll(2). */
  get ready(): number {
    return this.#source.bits;
  }

  /** Whether it was closed here. */
  get closed(): boolean {
    return this.#source.closed;
  }

  /** Sees to it that the watchers are told when it becomes ready for that. */
  arm(interest: number): void {
    const wanted = this.#interest | (interest & (IN | OUT)) | IN;
    if (this.#stop !== null && wanted === this.#interest) return;
    this.#stop?.();
    this.#interest = wanted;
    this.#stop = this.#source.wait(wanted, () => {
      this.#stop = null;
      this.#interest = 0;
      this.#tell(this.ready);
    });
  }

  /** Tells `watcher` of changes from now on. */
  watch(watcher: ReadyWatcher): void {
    this.#watchers.add(watcher);
    this.#told = this.ready;
  }

  /** Tells it no more. */
  unwatch(watcher: ReadyWatcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size === 0) this.#disarm();
  }

  /** Calls `f` once, when it is closed here. */
  whenClosed(f: () => void): void {
    if (this.closed) f();
    else this.#atClose.push(f);
  }

  /** It was used here, and may be ready for less than before. */
  changed(): void {
    if (this.#watchers.size > 0 && this.ready !== this.#told) this.#tell(0);
  }

  /** It was closed here. */
  close(): void {
    this.#disarm();
    this.#tell(this.ready);
    for (const f of this.#atClose.splice(0)) f();
  }

  /** The name of what it stands for. */
  toString(): string {
    return String(this.#source);
  }

  #disarm(): void {
    this.#stop?.();
    this.#stop = null;
    this.#interest = 0;
  }

  #tell(fresh: number): void {
    const ready = this.#told = this.ready;
    for (const watcher of [...this.#watchers]) watcher.readinessChanged(this, fresh, ready);
  }
}

const handles = new WeakMap<object, ReadyHandle>();

/**
 * The handle of something that is done once and for all, the same one at each call.
 *
 * @param link Called once: sees to it that its argument is called when that is so, and not before.
 */
export function handleOf(
  owner: { readonly done: boolean; toString(): string },
  link: (told: () => void) => void,
): ReadyHandle {
  let handle = handles.get(owner);
  if (handle !== undefined) return handle;
  const waiting = new Set<() => void>();
  handle = new ReadyHandle({
    get bits() {
      return owner.done ? IN : 0;
    },
    closed: false,
    wait: (_interest, told) => {
      waiting.add(told);
      return () => void waiting.delete(told);
    },
    toString: () => owner.toString(),
  });
  handles.set(owner, handle);
  link(() => {
    for (const told of [...waiting]) told();
  });
  return handle;
}
