/** What a pool knows of all the functions it was ever given: by their address, and by their number on the wire. */
import { JobKind } from "./job_kind.ts";
import type { JobAddress } from "../jobs.ts";

/** The functions of one pool. */
export class JobKinds {
  readonly #byAddress = new Map<JobAddress, JobKind>();
  readonly #list: JobKind[] = [];

  /** What is known of a function. */
  at(address: JobAddress): JobKind {
    return this.#byAddress.get(address) ?? this.#add(address, address);
  }

  /** Takes in what calls took: number, calls, milliseconds, and so on. */
  measure(spent: readonly number[]): void {
    for (let i = 0; i < spent.length; i += 3) {
      this.#list[spent[i]!]!.measure(spent[i + 1]!, spent[i + 2]!);
    }
  }

  /** The function of this number is a task body: its jobs to come are of another kind. */
  isTaskBody(id: number): void {
    const { address } = this.#list[id]!;
    this.#add(address, { ...address, isTaskBody: true });
  }

  #add(key: JobAddress, address: JobAddress): JobKind {
    const kind = new JobKind(this.#list.length, address);
    this.#byAddress.set(key, kind);
    this.#list.push(kind);
    return kind;
  }
}
