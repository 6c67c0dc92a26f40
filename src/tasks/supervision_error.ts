/** The error of a supervisor that could not keep its children running. */
import { errorText } from "../kernel/printable.ts";

/**
 * Thrown by {@linkcode supervise} when it has given up, when a temporary child failed, or when a child
 * failed while it was being stopped. `errors` are in the order in which they came.
 */
export class SupervisionError extends AggregateError {
  /** The class name. */
  override readonly name: string = "SupervisionError";
  /** The child whose failure was one too many. */
  readonly child: string;

  /** Made by {@linkcode supervise}; `cause` is the last straw. */
  constructor(what: string, child: string, errors: readonly unknown[], cause: unknown) {
    const why = errorText(cause);
    super(errors, cause === undefined ? what : `${what} (${why})`, { cause });
    this.child = child;
  }
}
