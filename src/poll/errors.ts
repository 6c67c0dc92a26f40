/** The one error that only a registry has. */

/** A descriptor was named that is not registered: Python's `KeyError` of `unregister`, `ENOENT` of `modify`. */
export class NotRegisteredError extends Error {
  /** The class name. */
  override readonly name: string = "NotRegisteredError";
  /** The descriptor, or -1 for a handle that has none. */
  readonly fd: number;

  /** Says what could not be done with which descriptor. */
  constructor(message: string, fd: number) {
    super(message);
    this.fd = fd;
  }
}
