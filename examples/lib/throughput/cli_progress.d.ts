/** Types of the part of cli-progress that is used here; its own are a package that drags Node's along. */

/** How a bar looks. */
export interface Options {
  /** The line, with `{bar}`, `{value}`, `{total}` and names of the payload. */
  format?: string;
  /** What the done part is made of. */
  barCompleteChar?: string;
  /** What the rest is made of. */
  barIncompleteChar?: string;
  /** Its width in characters. */
  barsize?: number;
  /** Whether the cursor is hidden while it is shown. */
  hideCursor?: boolean;
  /** Whether it is erased when it is stopped. */
  clearOnComplete?: boolean;
  /** How often it is drawn at most. */
  fps?: number;
}

/** A bar on stderr. */
export declare class SingleBar {
  constructor(options: Options);
  /** Shows it. */
  start(total: number, value: number, payload: Record<string, string>): void;
  /** Moves it. */
  update(value: number, payload: Record<string, string>): void;
  /** Takes it away. */
  stop(): void;
}
