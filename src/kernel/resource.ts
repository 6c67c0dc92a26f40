/**
 * What a run must give back: listeners, connections, workers, anything with a grip on the host.
 *
 * Whatever opens such a thing inside a run is asked to register it, so that the run can close what
 * its tasks left open. The count over all runs is what the test ledger compares.
 */

/** Something that holds a host resource. */
export interface Resource {
  /** Lets go of the host; never throws, may be called again; resolves when nothing is pending any more. */
  release(): void | Promise<void>;
  /** Names it in reports. */
  toString(): string;
}

const held = new Set<Resource>();

/** Notes that a resource is held. */
export function hold(resource: Resource): void {
  held.add(resource);
}

/** Notes that a resource has been let go of. */
export function letGo(resource: Resource): void {
  held.delete(resource);
}

/** Every resource held at this moment, by any run and by none. */
export function heldResources(): readonly Resource[] {
  return [...held];
}
