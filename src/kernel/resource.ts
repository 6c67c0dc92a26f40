/**
 * What is held and must be given back: by a run what has a grip on the host (listeners, connections, workers), by a
 * task what others may wait for (locks, above all).
 *
 * Whatever opens something of the host's inside a run is asked to register it, so that the run can close what
 * its tasks left open. The count over all runs is what the test ledger compares. What a task holds is listed for
 * the sake of the dead: when a task ends with something in its hands, a task that waits for that would wait for
 * ever, and so the thing itself is told.
 *
 * Both lists are linked. What is opened and closed by the thousand keeps its place in the run's; that of a task is
 * linked through the things held, so that taking and giving back cost O(1) and allocate nothing. Rejected: a `Set`
 * alone. Its table is made anew every so often, the old one points to the new one, and the collector of young
 * objects takes what an old table held for alive: of each connection 2 KB got into the old generation that way
 * (measured).
 */

/** Something that holds a host resource. */
export interface Resource {
  /** Lets go of the host; never throws, may be called again; resolves when nothing is pending any more. */
  release(): void | Promise<void>;
  /** Names it in reports. */
  toString(): string;
}

/**
 * A place in a list of resources.
 *
 * @internal
 */
export interface ResourcePlace {
  /** Who stands there; `null` once it has left. */
  resource: Resource | null;
  /** The place before. */
  before: ResourcePlace | null;
  /** The place behind. */
  after: ResourcePlace | null;
}

/**
 * Resources in the order in which they came.
 *
 * @internal
 */
export class ResourceList implements Iterable<Resource> {
  #first: ResourcePlace | null = null;
  #last: ResourcePlace | null = null;
  /** The places of those that do not keep theirs. */
  readonly #places = new Map<Resource, ResourcePlace>();

  /** Gives a resource a place at the end, which it keeps. */
  enter(resource: Resource): ResourcePlace {
    const place: ResourcePlace = { resource, before: this.#last, after: null };
    if (this.#last === null) this.#first = place;
    else this.#last.after = place;
    this.#last = place;
    return place;
  }

  /** Gives a place up. */
  leave(place: ResourcePlace): void {
    if (place.resource === null) return;
    const { before, after } = place;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    place.resource = place.before = place.after = null;
  }

  /** Adds a resource at the end, unless it is in the list. */
  add(resource: Resource): void {
    if (!this.#places.has(resource)) this.#places.set(resource, this.enter(resource));
  }

  /** Adds a resource at the front: it is given back before all others. */
  addFirst(resource: Resource): void {
    const place = this.enter(resource);
    this.#places.set(resource, place);
    const first = this.#first!;
    if (place === first) return;
    this.#last = place.before;
    place.before!.after = null;
    place.before = null;
    place.after = first;
    first.before = this.#first = place;
  }

  /** Takes out a resource that was added. Returns whether it was there. */
  delete(resource: Resource): boolean {
    const place = this.#places.get(resource);
    if (place === undefined) return false;
    this.#places.delete(resource);
    this.leave(place);
    return true;
  }

  *[Symbol.iterator](): Iterator<Resource> {
    for (let place = this.#first; place !== null; place = place.after) yield place.resource!;
  }
}

const held = new ResourceList();

/** Notes that a resource is held. */
export function hold(resource: Resource): void {
  held.add(resource);
}

/** Notes that a resource has been let go of. */
export function letGo(resource: Resource): void {
  held.delete(resource);
}

/**
 * The list of every resource held, for those who keep their place in it.
 *
 * @internal
 */
export function allResources(): ResourceList {
  return held;
}

/** Every resource held at this moment, by any run and by none. */
export function heldResources(): readonly Resource[] {
  return [...held];
}

// -- What a task holds --

/** What holds something. */
export interface Holder {
  /** The name shown in reports. */
  readonly name: string;
}

/** Something that belongs to one task at a time. */
export interface Holding {
  /** Link in its holder's list. */
  heldBefore: Holding | null;
  /** Link in its holder's list. */
  heldAfter: Holding | null;
  /** What it is a piece of, as a token is of its limiter; reports show that. @default nothing */
  readonly pieceOf?: object;
  /** Its holder has ended without giving it back. */
  abandoned(by: Holder): void;
  /** As in `Lock#1`. */
  toString(): string;
}

/** The things one task holds, latest first. */
export class Holdings implements Iterable<Holding> {
  #first: Holding | null = null;

  add(holding: Holding): void {
    const first = this.#first;
    holding.heldBefore = null;
    holding.heldAfter = first;
    if (first !== null) first.heldBefore = holding;
    this.#first = holding;
  }

  /** Removes one, which must be here. */
  remove(holding: Holding): void {
    const { heldBefore, heldAfter } = holding;
    if (heldBefore === null) this.#first = heldAfter;
    else heldBefore.heldAfter = heldAfter;
    if (heldAfter !== null) heldAfter.heldBefore = heldBefore;
    holding.heldBefore = holding.heldAfter = null;
  }

  /** Tells everything that is left that `by`, its holder, has ended; what one throws goes to `failed`. */
  abandon(by: Holder, failed: (error: unknown, what: Holding) => void): void {
    for (let one = this.#first; one !== null; one = this.#first) {
      this.remove(one);
      try {
        one.abandoned(by);
      } catch (error) {
        failed(error, one);
      }
    }
  }

  /** Goes through them, latest first. */
  *[Symbol.iterator](): IterableIterator<Holding> {
    for (let one = this.#first; one !== null; one = one.heldAfter) yield one;
  }
}
