/**
 * Bodies that are too large for a message: objects in a bucket with a time to live.
 *
 * A body that was read is removed at once. The client's own `delete` leaves a marker of each object for
 * as long as the bucket keeps things; so here the marker goes too. What a program that was killed has left
 * goes by itself when its time is up.
 */
import { jetstream, StorageType } from "@nats-io/jetstream";
import { type ObjectStore, Objm } from "@nats-io/obj";
import { nanos } from "@nats-io/transport-node";
import type { Link } from "./link.ts";

/** The large bodies of a cluster. */
export class Objects {
  readonly #link: Link;
  #store: Promise<ObjectStore> | null = null;

  /** Opens nothing yet. */
  constructor(link: Link) {
    this.#link = link;
  }

  /** Stores a body. */
  async put(name: string, body: Uint8Array): Promise<void> {
    await (await this.#opened()).putBlob({ name }, body);
  }

  /** Reads one; `null` if there is none. */
  async get(name: string): Promise<Uint8Array | null> {
    return await (await this.#opened()).getBlob(name);
  }

  /** Removes one and every trace of it; one that is not there is no error. */
  async remove(name: string): Promise<void> {
    const { bucket } = this.#link.names;
    const found = await (await this.#opened()).info(name);
    if (found === null) return;
    const { streams } = this.#link.manager;
    const stream = `OBJ_${bucket}`;
    const coded = new TextEncoder().encode(name).toBase64({ alphabet: "base64url" });
    await streams.purge(stream, { filter: `$O.${bucket}.M.${coded}` });
    await streams.purge(stream, { filter: `$O.${bucket}.C.${found.nuid}` });
  }

  /** A failure is not kept: the next who asks tries again. */
  #opened(): Promise<ObjectStore> {
    const opening = this.#store ??= this.#open();
    opening.catch(() => {
      if (this.#store === opening) this.#store = null;
    });
    return opening;
  }

  async #open(): Promise<ObjectStore> {
    const objm = new Objm(jetstream(this.#link.nc));
    const { names: { bucket }, layout: { keep, replicas } } = this.#link;
    try {
      return await objm.open(bucket);
    } catch {
      return await objm.create(bucket, { ttl: nanos(keep), storage: StorageType.File, replicas });
    }
  }
}
